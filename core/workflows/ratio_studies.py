"""A run's ratio study as the screens show it: its figures beside what assessors want, and what they say in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from core.domain.errors import DataError
from core.domain.metrics import RATIO_RANGES, figure_text
from core.domain.money import CAP_TEXT, MISSING, decimal, dollars, percent
from core.domain.runs import Run
from core.evaluation.fairness import LEVEL_REACH, Fairness, RatioStudy, ValueBand, judge_fairness
from core.workflows.comparability import Predictions

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    Places = Callable[[Run, np.ndarray], tuple[np.ndarray, np.ndarray]]

DIGITS: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class RatioReport:
    """The ratio study of a run's held-out rows, and ``findings``: what it says, a sentence each.

    ``where_missing`` says why there is no map; empty where there is one.
    """

    fairness: Fairness
    findings: tuple[str, ...]
    where_missing: str = ""


def study_ratios(run: Run, held: Predictions, places: Places) -> RatioReport:
    """Study what a run estimated for its held-out rows.

    Args:
        places: longitude and latitude of rows of the run's data file; raises DataError where that is not here.

    Raises:
        InvalidData: a recorded price is not above zero.
    """
    where_missing = ""
    try:
        longitude, latitude = places(run, held.row_ids)
        found = judge_fairness(held.actual, held.predicted, longitude, latitude)
    except DataError as error:
        where_missing = error.what
        found = judge_fairness(held.actual, held.predicted)
    return RatioReport(found, findings(found), where_missing)


def findings(fairness: Fairness) -> tuple[str, ...]:
    """What the study says, in sentences: cheap against dear, on the map, and what became of capped rows."""
    study = fairness.study
    if not study.rows:
        return ("Every held-out row is recorded at the survey's cap, so no ratio is known.",)
    told = [_by_value(fairness.bands), _by_doubling(study), _on_the_map(fairness), _capped(fairness)]
    return tuple(sentence for sentence in told if sentence)


def verdict_of(name: str, figure: float) -> str:
    """``within 5 to 15`` or ``outside 5 to 15``, as assessors want ``cod``, ``prd`` or ``prb``; missing → ``—``."""
    wanted = RATIO_RANGES[name]
    return MISSING if math.isnan(figure) else f"{'within' if wanted.holds(figure) else 'outside'} {wanted}"


def level_text(level: float) -> str:
    """``1.045``; missing → ``—``."""
    return decimal(level, DIGITS)


def _by_value(bands: Sequence[ValueBand]) -> str:
    if not bands:
        return ""
    cheap, dear = bands[0], bands[-1]
    said = (
        f"the cheapest tenth (up to {dollars(cheap.high)}) is estimated at {level_text(cheap.median)} of its recorded "
        f"price in the middle, the dearest (from {dollars(dear.low)}) at {level_text(dear.median)}."
    )
    return f"{_which(cheap.median, dear.median, 'block groups')}: {said}"


def _which(cheap: float, dear: float, what: str) -> str:
    """Who is favoured, as a clause; both ends of the scale are levels."""
    apart = cheap / dear - 1.0 if dear > 0 else math.nan
    if math.isnan(apart):
        return f"Cheap and dear {what} cannot be set beside each other"
    if abs(apart) <= LEVEL_REACH:
        return f"Cheap and dear {what} are valued alike, within {percent(100 * LEVEL_REACH, 0)}"
    return (
        f"Cheap {what} are {'over' if apart > 0 else 'under'}-valued beside dear ones, by {percent(100 * abs(apart))}"
    )


def _by_doubling(study: RatioStudy) -> str:
    if math.isnan(study.prb):
        return ""
    way = "falls" if study.prb < 0 else "rises"
    wanted = RATIO_RANGES["prb"]
    reach = percent(100 * wanted.high, 0)
    allowed = f"no more than the {reach} that assessors allow"
    if not wanted.holds(study.prb):
        allowed = f"more than the {reach} that assessors allow"
    share = percent(100 * abs(study.prb))
    return f"When the value doubles, the estimate's share of the price {way} by {share} (PRB), {allowed}."


def _on_the_map(fairness: Fairness) -> str:
    cells = fairness.cells
    if cells is None or math.isnan(cells.cheap):
        return ""
    return (
        f"On the map: {_lower(_which(cells.cheap, cells.dear, 'areas'))}: the quarter of its {len(cells.rows)} cells "
        f"with the lowest prices stands at {level_text(cells.cheap)}, the one with the highest at "
        f"{level_text(cells.dear)}."
    )


def _capped(fairness: Fairness) -> str:
    if not fairness.capped:
        return ""
    whole = fairness.with_capped
    figures = ", ".join(
        f"{name.upper()} {figure_text(name, figure)}"
        for name, figure in (("cod", whole.cod), ("prd", whole.prd), ("prb", whole.prb))
    )
    return (
        f"Left out: {fairness.capped:,} rows recorded as {CAP_TEXT}, whose true price nobody knows. With them: "
        f"{figures}."
    )


def _lower(clause: str) -> str:
    return clause[:1].lower() + clause[1:]
