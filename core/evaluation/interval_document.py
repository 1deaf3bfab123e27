"""An interval model as a JSON document, and back: what is logged as ``intervals.json``."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any, Final

from core.domain.errors import RecordsError
from core.domain.price_range import CoverageShare
from core.evaluation.error_scale import ErrorScale
from core.evaluation.held_out_coverage import HeldOutCoverage
from core.evaluation.prices_around import PricesAround

VERSION: Final = 1
"""Of the document and of the arithmetic behind it: a change of either needs another."""

_REMEDY: Final = "Measure the range again with `python -m core assess VERSION`."


def written(scale: ErrorScale, threshold_80: float, threshold_90: float, held_out: HeldOutCoverage) -> dict[str, Any]:
    """JSON values only. The shares of no rows stand as null."""
    return {
        "version": VERSION,
        "trees": scale.text,
        "trees_sha256": _sha256(scale.text),
        "around": scale.around.as_document(),
        "threshold_80": threshold_80,
        "threshold_90": threshold_90,
        "held_out": {
            "overall": _share(held_out.overall),
            "regions": [_share(share) for share in held_out.regions],
            "bands": [_share(share) for share in held_out.bands],
            "mean_width_90": held_out.mean_width_90,
        },
    }


def read(document: Mapping[str, Any]) -> tuple[ErrorScale, float, float, HeldOutCoverage]:
    """What was :func:`written`, in the same order.

    Raises:
        RecordsError: a part is missing or of another kind, or the version is unknown.
    """
    version = document.get("version") if isinstance(document, Mapping) else None
    if version != VERSION:
        raise RecordsError(
            f"These prediction intervals are of document version {version!r}; this program reads {VERSION}.",
            remedy=_REMEDY,
        )
    try:
        held_out = document["held_out"]
        width = held_out["mean_width_90"]
        told = HeldOutCoverage(
            overall=_read_share(held_out["overall"]),
            regions=tuple(_read_share(share) for share in held_out["regions"]),
            bands=tuple(_read_share(share) for share in held_out["bands"]),
            mean_width_90=None if width is None else _number(width),
        )
        thresholds = _number(document["threshold_80"]), _number(document["threshold_90"])
        if not 0 <= thresholds[0] <= thresholds[1]:
            raise ValueError(f"no thresholds: {thresholds}")
        trees = _text(document["trees"])
        if document["trees_sha256"] != _sha256(trees):
            # Asked first: over a text that was cut short LightGBM ends the whole process.
            raise ValueError("the trees are not those that were written")
        scale = ErrorScale.from_text(PricesAround.from_document(document["around"]), trees)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise RecordsError(f"The prediction intervals cannot be read: {error!r}.", remedy=_REMEDY) from error
    return scale, *thresholds, told


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _share(share: CoverageShare) -> dict[str, Any]:
    return {
        "name": share.name,
        "rows": share.rows,
        "share_80": share.share_80 if share.rows else None,
        "share_90": share.share_90 if share.rows else None,
    }


def _read_share(document: Any) -> CoverageShare:
    shares = (document["share_80"], document["share_90"])
    share_80, share_90 = (math.nan if share is None else _number(share) for share in shares)
    return CoverageShare(_text(document["name"]), int(_number(document["rows"])), share_80, share_90)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{value!r} is no finite number")
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is no text")
    return value
