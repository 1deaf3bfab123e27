"""What the screens show, as values: read once from the records, drawn as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.domain.jobs import Job
from core.domain.runs import ModelVersion, Run, Scores

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class VersionCard:
    """A registered version with the scores of its run; ``scores`` is None where the run is gone."""

    version: ModelVersion
    run: Run | None

    @property
    def scores(self) -> Scores | None:
        return self.run.scores if self.run else None

    @property
    def sha256_of_data(self) -> str:
        return self.version.tags.get("data.sha256", "")


@dataclass(frozen=True, slots=True)
class Overview:
    """The first screen: what prices houses now, the newest runs, and the jobs under way.

    ``serving`` is the champion, or the newest version while none is promoted (``is_champion`` says which).
    ``unreachable`` says why MLflow's part is empty when its store does not answer.
    """

    serving: VersionCard | None
    is_champion: bool
    runs: tuple[Run, ...]
    local_versions: int
    unreachable: str = ""

    @property
    def is_empty(self) -> bool:
        """Nothing was ever trained here."""
        return self.serving is None and not self.runs and not self.local_versions


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One figure of a run beside the same of the reference; ``difference`` is None where they cannot be compared."""

    name: str
    value: float
    difference: float | None


@dataclass(frozen=True, slots=True, eq=False)
class TrainingResult:
    """A finished training: its scores beside the reference's, and what the plots need.

    ``actual`` and ``predicted`` are held-out prices in 1990 USD of shape (n,), ``row_ids`` their rows in the
    data file. ``reference`` is the champion, or the newest earlier version; None for the first.
    ``not_compared`` says why there is no difference to it.
    """

    job: Job
    run: Run
    reference: VersionCard | None
    not_compared: str
    row_ids: np.ndarray
    actual: np.ndarray
    predicted: np.ndarray
    importance_method: str
    importance: tuple[tuple[str, float], ...]
    threshold_checks: tuple[tuple[str, bool], ...]

    @property
    def lines(self) -> tuple[ScoreLine, ...]:
        """RMSE, MAE, R² and MAPE in that order."""
        scores = self.run.scores
        if scores is None:
            return ()
        other = self.reference.scores if self.reference and not self.not_compared else None
        against = other.as_metrics() if other else {}
        return tuple(
            ScoreLine(name, figure, figure - against[name] if name in against else None)
            for name, figure in scores.as_metrics().items()
        )


@dataclass(frozen=True, slots=True)
class Expectation:
    """How long a training should take, from past runs of its family on this store."""

    seconds: float
    runs: int
