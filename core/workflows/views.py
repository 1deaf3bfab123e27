"""What the screens show, as values: read once from the records, drawn as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from core.domain.jobs import Job, JobState
from core.domain.runs import Run, Scores, TrainingOutcome

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class VersionCard:
    """A version with the scores of its training; ``scores`` is None where its run is gone."""

    version: str
    run_id: str | None
    run_name: str
    started: datetime | None
    scores: Scores | None
    tags: Mapping[str, str]

    @property
    def title(self) -> str:
        return f"version {self.version}"


@dataclass(frozen=True, slots=True)
class Overview:
    """The first screen: what prices houses now, and the newest runs.

    ``serving`` is the champion, or the newest version while none is promoted (``is_champion`` says which).
    ``unreachable`` says why there are no runs when MLflow does not answer; ``mlflow_is_off`` that nobody
    expects it to.
    """

    serving: VersionCard | None
    is_champion: bool
    runs: tuple[Run, ...] = ()
    unreachable: str = ""
    mlflow_is_off: bool = False

    @property
    def is_empty(self) -> bool:
        """Nothing was ever trained here."""
        return self.serving is None and not self.runs


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One figure of a run beside the same of the reference; ``difference`` is None where they cannot be compared."""

    name: str
    value: float
    difference: float | None


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """What the plots of a run need.

    ``actual`` and ``predicted`` are prices in 1990 USD of shape (n,), ``row_ids`` their rows in the data file.
    ``importance`` holds (column, share), largest first, measured by ``importance_method``.
    """

    row_ids: np.ndarray
    actual: np.ndarray
    predicted: np.ndarray
    importance_method: str
    importance: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """Two runs to compare, the baseline first, and what the baseline is called."""

    title: str
    run_ids: tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingResult:
    """A finished training: its scores beside the reference's, and what the plots need.

    ``reference`` is the champion, or the version before this one; None for the first. ``not_compared`` says
    why there is no difference to it. ``held_out`` is None where MLflow holds no run of it. ``repeated`` says
    whether an earlier training of the same settings gave the same predictions; empty when there was none.
    """

    outcome: TrainingOutcome
    reference: VersionCard | None
    not_compared: str
    held_out: HeldOut | None
    repeated: str = ""

    @property
    def version(self) -> str:
        """The version it was registered as: MLflow's, else the local registry's."""
        return self.outcome.version or self.outcome.local_version

    @property
    def lines(self) -> tuple[ScoreLine, ...]:
        """RMSE, MAE, R² and MAPE in that order."""
        scores = self.outcome.scores
        if scores is None:
            return ()
        other = self.reference.scores if self.reference and not self.not_compared else None
        against = other.as_metrics() if other else {}
        return tuple(
            ScoreLine(name, figure, figure - against[name] if name in against else None)
            for name, figure in scores.as_metrics().items()
        )

    @property
    def compared_runs(self) -> Beside | None:
        """The reference's run and this one, where the two can be compared."""
        reference = self.reference
        if reference is None or reference.run_id is None or self.outcome.run_id is None or self.not_compared:
            return None
        return Beside(reference.title, (reference.run_id, self.outcome.run_id))

    @property
    def missed_thresholds(self) -> tuple[str, ...]:
        """The scores that do not reach the thresholds of config.yaml."""
        return tuple(name for name, reached in self.outcome.threshold_checks.items() if not reached)


@dataclass(frozen=True, slots=True)
class RangeStanding:
    """Where a version's prediction range and spatial score stand.

    ``figures`` are its metrics once they were measured, empty before; ``job`` is the newest that measures or measured
    them.
    """

    figures: Mapping[str, float]
    job: Job | None

    @property
    def is_under_way(self) -> bool:
        """Whether it waits for a worker or is being measured."""
        return self.job is not None and not self.job.state.is_final

    @property
    def has_range(self) -> bool:
        return "coverage" in self.figures

    @property
    def has_spatial_score(self) -> bool:
        return "spatial_rmse" in self.figures

    @property
    def reason(self) -> str:
        """Why it has no range, in one sentence; empty while it is measured, and once it was."""
        if self.has_range or self.is_under_way:
            return ""
        if self.job is None:
            return "The range of this version has not been measured."
        if self.job.state is JobState.CANCELLED:
            return "The measuring of its range was cancelled."
        return f"Its range could not be measured. {self.job.failure.what}" if self.job.failure else ""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a training should take, from past runs of its family on this store.

    ``seconds`` of the fit and ``megabytes`` of the model in memory are None where no past run tells; ``runs`` is
    how many told the seconds. ``most_megabytes`` is a forest's upper bound, computed while none tells its size.
    """

    seconds: float | None
    runs: int
    megabytes: float | None = None
    most_megabytes: float | None = None
