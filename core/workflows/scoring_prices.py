"""Prices, ranges and warnings of many rows at once, on as many threads as a fit may take."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from core.domain.errors import RecordsError
from core.domain.money import CAP_NEARNESS, LOWEST_RECORDED, SURVEY_CAP
from core.domain.scoring import RANGE_COLUMNS
from core.evaluation.intervals import Ranges
from core.explanation.plausibility import judge_rows
from core.features.direct import HouseRows
from core.workflows.served_model import ServedModel

AT_CAP: Final = "at_survey_cap"
BELOW_LOWEST: Final = "below_lowest_recorded"
DEMO_MODEL: Final = "demo_model"
BETWEEN: Final = "; "
"""What parts the keys of one row's warnings, as in :class:`core.explanation.plausibility.RowsPlausibility`."""

_FEWEST_A_THREAD: Final = 2_000
"""Fewer rows are not worth a thread, and a forest of so few is walked instead of asked."""

Floats = npt.NDArray[np.float64]
PriceRows = Callable[[HouseRows], "PricedRows"]


@dataclass(frozen=True, slots=True, eq=False)
class PricedRows:
    """n rows priced, in their order: prices in 1990 USD, ranges where they are known, the keys of their warnings."""

    prices: Floats
    ranges: Ranges | None
    warnings: npt.NDArray[np.object_]


def row_pricer(model: ServedModel, pool: Executor, threads: int) -> PriceRows:
    """What prices rows by that version, each part of them on a thread of the pool.

    The parts are cut here because scikit-learn and LightGBM are served with one thread each; both let go of Python's
    lock while they predict. The prices do not depend on the cut.

    Raises:
        RecordsError: by the call, when the model's answer is no price.
    """

    def price(rows: HouseRows) -> PricedRows:
        parts = max(1, min(threads, len(rows) // _FEWEST_A_THREAD))
        if parts == 1:
            return price_rows(model, rows)
        ends = np.linspace(0, len(rows), parts + 1).astype(int).tolist()
        cut = [HouseRows(rows.numbers[low:high], rows.places[low:high]) for low, high in pairwise(ends)]
        return _together(list(pool.map(lambda part: price_rows(model, part), cut)))

    return price


def price_rows(model: ServedModel, rows: HouseRows) -> PricedRows:
    """The rows by the version's quickest exact route, in this thread.

    Raises:
        RecordsError: the model's answer is no price.
    """
    prices = model.route.prices(rows)
    if prices.shape != (len(rows),) or not np.isfinite(prices).all():
        raise RecordsError(
            f"Version {model.source.version} does not price every row.",
            where=model.source.run_id or "",
            remedy="Train the model again, or choose another version.",
        )
    judged = judge_rows(rows, model.around) if model.around is not None else None
    ranges = None
    if model.intervals is not None:
        ranges = model.intervals.ranges(rows, prices, judged.widened if judged is not None else 1.0)
    keys = judged.keys if judged is not None else np.full(len(rows), "", dtype=object)
    return PricedRows(prices, ranges, _with_price_warnings(keys, prices, is_demo=model.source.is_demo))


def _with_price_warnings(keys: npt.NDArray[np.object_], prices: Floats, *, is_demo: bool) -> npt.NDArray[np.object_]:
    told = keys.copy()
    for key, places in (
        (DEMO_MODEL, np.arange(len(prices)) if is_demo else np.array([], dtype=int)),
        (AT_CAP, np.flatnonzero(prices >= SURVEY_CAP * CAP_NEARNESS)),
        (BELOW_LOWEST, np.flatnonzero(prices < LOWEST_RECORDED)),
    ):
        told[places] = [f"{before}{BETWEEN}{key}" if before else key for before in told[places]]
    return told


def _together(parts: list[PricedRows]) -> PricedRows:
    known = [part.ranges for part in parts if part.ranges is not None]
    ends = [np.concatenate([getattr(ranges, name) for ranges in known]) for name in RANGE_COLUMNS] if known else []
    return PricedRows(
        np.concatenate([part.prices for part in parts]),
        Ranges(*ends) if ends else None,
        np.concatenate([part.warnings for part in parts]),
    )
