"""Loading the models of a verdict and asking them for prices."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from core.domain.errors import LabError, RecordsError, StoreUnavailable
from core.domain.house import NUMERIC_COLUMNS, RAW_COLUMNS, House
from core.domain.promotion import MovedPrice, Requote
from core.domain.runs import ModelVersion
from core.domain.settings import PromotionSettings
from core.models.packaged import UNREADABLE
from core.tracking.registry import InputColumn, input_columns, load_version
from core.tracking.store import Store
from core.workflows.promotion_evidence import LoadEvidence
from core.workflows.promotion_rows import DrawnRows, KnownRows

if TYPE_CHECKING:
    import pandas as pd

MOST_MOVED: Final = 10
"""Houses named in a preview: those whose price moves farthest."""

_NUMBER_KINDS: Final = frozenset({"double", "float", "long", "integer"})
_PREDICTION_ERRORS: Final = (*UNREADABLE, ArithmeticError, MemoryError, OSError, RuntimeError)
"""What a Pipeline of whatever origin is known to raise when it is asked for prices."""


class Models:
    """The Pipelines of one verdict, each loaded once, its file compared with its digest."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._loaded: dict[str, Any] = {}

    def load(self, version: ModelVersion) -> Any:
        """The fitted Pipeline. Raises RecordsError."""
        if version.version not in self._loaded:
            self._loaded[version.version] = load_version(self._store, version)
        return self._loaded[version.version]

    def price(self, version: ModelVersion, rows: pd.DataFrame) -> np.ndarray:
        """Prices in 1990 USD, shape (n,), for rows of shape (n, 9).

        Raises:
            RecordsError: the model cannot be loaded, or gives no prices.
        """
        pipeline = self.load(version)
        with _prediction_errors(version):
            prices = np.asarray(pipeline.predict(rows), dtype=float)
            if prices.shape != (len(rows),):
                raise ValueError(f"{len(rows)} rows gave an answer of shape {prices.shape}")
        return prices


def look_at_loading(
    store: Store, version: ModelVersion, models: Models, known: KnownRows, rules: PromotionSettings
) -> LoadEvidence:
    """Load the version, look at its signature, and have it price the policy's rows.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    began = time.monotonic()
    try:
        models.load(version)
    except StoreUnavailable:
        raise
    except RecordsError as error:
        return LoadEvidence(is_loaded=False, problem=error.what)
    loading = time.monotonic() - began
    drawn = known.draw(rules.rows, rules.seed)
    try:
        signature_problem = _signature_problem(input_columns(store, version))
        began = time.monotonic()
        prices = models.price(version, drawn.rows)
    except StoreUnavailable:
        raise
    except RecordsError as error:
        return LoadEvidence(is_loaded=True, problem=error.what, seconds=loading)
    seconds = loading + time.monotonic() - began
    usable = np.isfinite(prices) & (prices > 0)
    return LoadEvidence(
        is_loaded=True,
        signature_problem=signature_problem,
        seconds=seconds,
        rows=len(prices),
        wrong_prices=int((~usable).sum()),
        lowest=float(prices[usable].min(initial=np.inf)) if usable.any() else float("nan"),
        highest=float(prices[usable].max(initial=-np.inf)) if usable.any() else float("nan"),
        is_made_up=drawn.is_made_up,
    )


def requote(
    models: Models,
    champion: ModelVersion,
    candidate: ModelVersion,
    drawn: DrawnRows,
    rules: PromotionSettings,
    scenarios: Mapping[str, House],
) -> Requote:
    """How the prices of saved scenarios and of drawn block groups move.

    Raises:
        RecordsError: one of the models cannot be loaded, or gives no prices.
    """
    import pandas as pd

    kind = "made-up block group" if drawn.is_made_up else "block group of row"
    names = [*(f"scenario “{name}”" for name in scenarios), *(f"{kind} {row}" for row in drawn.rows.index)]
    saved = pd.DataFrame([house.as_dict() for house in scenarios.values()], columns=list(RAW_COLUMNS))
    rows = pd.concat([saved.astype(dict.fromkeys(NUMERIC_COLUMNS, float)), drawn.rows]) if scenarios else drawn.rows
    before, after = models.price(champion, rows), models.price(candidate, rows)
    moves = [MovedPrice(name, old, new) for name, old, new in zip(names, before.tolist(), after.tolist(), strict=True)]
    # A price that is no number has moved as far as any can.
    farthest = sorted(moves, key=lambda move: -_distance(move))
    return Requote(
        houses=len(moves),
        scenarios=len(scenarios),
        moved=sum(_distance(move) > rules.requote_percent for move in moves),
        percent=rules.requote_percent,
        most=tuple(move for move in farthest[:MOST_MOVED] if _distance(move) > 0),
        saved=tuple(moves[: len(scenarios)]),
    )


def _distance(move: MovedPrice) -> float:
    apart = abs(move.percent)
    return float("inf") if np.isnan(apart) else apart


def _signature_problem(columns: tuple[InputColumn, ...] | None) -> str:
    if columns is None:
        return "It has no signature of columns."
    by_name = {column.name: column for column in columns}
    missing = [name for name in RAW_COLUMNS if name not in by_name]
    strange = [column.name for column in columns if column.required and column.name not in RAW_COLUMNS]
    unlike = [
        name
        for name in RAW_COLUMNS
        if name in by_name and (by_name[name].kind in _NUMBER_KINDS) is not (name in NUMERIC_COLUMNS)
    ]
    told = [
        f"{verb} {', '.join(names)}"
        for verb, names in (("lacks", missing), ("wants", strange), ("takes another kind of", unlike))
        if names
    ]
    return f"Its signature {' and '.join(told)}." if told else ""


@contextmanager
def _prediction_errors(version: ModelVersion) -> Iterator[None]:
    try:
        yield
    except (LabError, *_PREDICTION_ERRORS) as error:
        reason = error.what if isinstance(error, LabError) else f"{type(error).__name__}: {error}"
        raise RecordsError(
            f"Version {version.version} gives no prices: {reason.rstrip('.')}.",
            where=version.run_id,
            remedy="Train the model again.",
        ) from error
