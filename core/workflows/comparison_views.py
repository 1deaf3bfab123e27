"""What Compare shows, as values: worked out once by :mod:`core.workflows.comparison`, drawn as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.domain.runs import Run
from core.evaluation.significance import Judgement, MeanInterval, Verdict

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One run beside the baseline.

    ``differences`` has a judgement for ``rmse``, ``mae``, ``mape`` and ``r2_score``, the run minus the baseline; it
    is empty for the baseline itself, and where ``not_compared`` says why there is no difference. ``note`` says that
    a run has the baseline's own settings and another seed: its word is then about two models of one recipe.
    """

    run: Run
    label: str
    differences: Mapping[str, Judgement]
    not_compared: str = ""
    note: str = ""

    @property
    def is_compared(self) -> bool:
        return bool(self.differences)


@dataclass(frozen=True, slots=True)
class ParamLine:
    """One param over the compared runs, in their order; None where a run has none. ``differs`` if they disagree.

    No two lines share a ``label``. The family is written as people read it, every other value as it was logged.
    """

    name: str
    label: str
    values: tuple[str | None, ...]
    differs: bool


@dataclass(frozen=True, slots=True)
class SettingsGroup:
    """Runs of one spec under one or several seeds, on the same data and split; the baseline's group comes first.

    ``run_ids`` has all of them, ``seeds`` each seed once, ascending; empty for a run that names none. ``rmse`` is
    the mean over seeds with the noise of the seeds alone. ``against_baseline`` is the difference of this mean to that
    of the baseline's group, its interval holding both the rows' noise and the seeds'; None for that group itself, and
    where ``note`` says why there is none (one seed only, other rows).
    """

    label: str
    run_ids: tuple[str, ...]
    seeds: tuple[int, ...]
    rmse: MeanInterval
    against_baseline: Judgement | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class SegmentLine:
    """The RMSE of every comparable run on a part of the held-out rows, in 1990 USD.

    ``kind`` is ``region``, ``price band`` or ``survey cap``; ``differences`` are of the RMSE to the baseline's, by run
    id without the baseline itself; empty where the segment has too few rows for an interval. A band's RMSE is
    compared between runs, not between bands.
    """

    kind: str
    name: str
    rows: int
    rmse: Mapping[str, float]
    differences: Mapping[str, Judgement]


@dataclass(frozen=True, slots=True, eq=False)
class MapCells:
    """Held-out rows in cells of equal size: centres in degrees, rows in each, and RMSE by run id; all of shape (m,).

    Cells with too few rows are left out.
    """

    longitude: np.ndarray
    latitude: np.ndarray
    rows: np.ndarray
    rmse: Mapping[str, np.ndarray]
    degrees: float


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A held-out row on which the runs' estimates lie far apart: its recorded price, and what each run estimated.

    ``house`` has its nine features, None for missing bedrooms; empty where the data file is not at hand.
    """

    row_id: int
    actual: float
    predicted: Mapping[str, float]
    house: Mapping[str, object]

    @property
    def spread(self) -> float:
        """Dollars between the highest and the lowest estimate."""
        return max(self.predicted.values()) - min(self.predicted.values())


@dataclass(frozen=True, slots=True)
class Profile:
    """One run's scores from several sides; None where its run logged none. RMSE in 1990 USD, coverage from 0 to 1.

    ``out_of_fold_rmse`` and ``spatial_rmse`` are both of cross-validation of the training rows, in parts drawn at
    random and in parts of whole blocks of the map.
    """

    run_id: str
    rmse: float | None
    without_capped: float | None
    capped_only: float | None
    spatial_rmse: float | None
    coverage: float | None
    out_of_fold_rmse: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SharedRows:
    """What comparable runs predicted for the same held-out rows, ordered by row id, all of shape (n,).

    Prices in 1990 USD; ``predicted`` is by run id, the baseline first.
    """

    row_ids: np.ndarray
    actual: np.ndarray
    predicted: Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two to twenty runs beside one of them, the baseline, which comes first.

    ``shared`` holds the baseline and every run comparable to it; None where the baseline itself has no predictions.
    ``where_missing`` says why there are no regions, cells and houses (the data file is no longer the runs' own); empty
    where they are there. Price bands and capped rows need no data file. ``margin`` is the practical margin as a share.
    ``metrics`` are those any of the runs has, the four scores first.
    """

    runs: tuple[ComparedRun, ...]
    params: tuple[ParamLine, ...]
    metrics: tuple[str, ...]
    groups: tuple[SettingsGroup, ...]
    segments: tuple[SegmentLine, ...]
    cells: MapCells | None
    disagreements: tuple[Disagreement, ...]
    profiles: tuple[Profile, ...]
    shared: SharedRows | None
    margin: float
    where_missing: str = ""

    @property
    def baseline(self) -> ComparedRun:
        return self.runs[0]

    @property
    def comparable(self) -> tuple[ComparedRun, ...]:
        """The baseline and the runs that have a difference to it."""
        return tuple(one for one in self.runs if one is self.baseline or one.is_compared)

    @property
    def others(self) -> tuple[ComparedRun, ...]:
        """The runs that have a difference to the baseline."""
        return tuple(one for one in self.runs if one.is_compared)

    def word_of(self, one: ComparedRun) -> str:
        """The verdict on a run's RMSE, as a table has it: ``better``, ``not comparable``, or ``baseline``."""
        if one is self.baseline:
            return "baseline"
        return one.differences["rmse"].verdict.value if one.is_compared else Verdict.NOT_COMPARABLE.value

    @property
    def labels(self) -> Mapping[str, str]:
        """How a screen names each run, by id: no two alike."""
        return {one.run.run_id: one.label for one in self.runs}
