"""What the records hold, as values: scores, runs, versions, and what one training produced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from core.domain.assessment import Assessment
from core.domain.errors import InvalidSpec
from core.domain.hyperparameters import TrainingSpec
from core.domain.provenance import NOTE_TAG, is_demo


class Alias(StrEnum):
    """The registry's two names with a meaning: what serves, and what is meant to serve next."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"


@dataclass(frozen=True, slots=True)
class Scores:
    """Errors on the held-out rows. ``rmse`` and ``mae`` in 1990 USD, ``mape`` in percent."""

    rmse: float
    mae: float
    r2_score: float
    mape: float

    def as_metrics(self) -> dict[str, float]:
        return {"rmse": self.rmse, "mae": self.mae, "r2_score": self.r2_score, "mape": self.mape}

    @classmethod
    def from_metrics(cls, metrics: Mapping[str, float]) -> Scores | None:
        """The scores among a run's metrics; None when any of the four is missing."""
        names = ("rmse", "mae", "r2_score", "mape")
        if any(name not in metrics for name in names):
            return None
        return cls(*(metrics[name] for name in names))


class RunStatus(StrEnum):
    """MLflow's words for the state of a run."""

    SCHEDULED = "SCHEDULED"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


@dataclass(frozen=True, slots=True)
class Run:
    """One training as MLflow holds it. Times are in UTC. A ``deleted`` run can be restored."""

    run_id: str
    name: str
    status: RunStatus
    started: datetime
    ended: datetime | None
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    deleted: bool = False

    @property
    def seconds(self) -> float | None:
        """How long the run took from start to end; None while it is under way."""
        return None if self.ended is None else (self.ended - self.started).total_seconds()

    @property
    def note(self) -> str:
        """What somebody wrote about it; MLflow's own UI shows the same text."""
        return self.tags.get(NOTE_TAG, "")

    @property
    def family(self) -> str:
        return self.params.get("family", "")

    @property
    def scores(self) -> Scores | None:
        return Scores.from_metrics(self.metrics)

    @property
    def spec(self) -> TrainingSpec | None:
        """What was trained, to train it again; None for a run of another program, or of knobs no longer known."""
        try:
            return TrainingSpec.from_params(self.params)
        except InvalidSpec:
            return None

    @property
    def fit_seconds(self) -> float | None:
        """Seconds the fit took; None also for one that went on from checkpoints, whose last part alone was timed."""
        return None if self.metrics.get("restored_trees") else self.metrics.get("fit_seconds")

    @property
    def model_mb(self) -> float | None:
        """Megabytes the fitted model takes in memory."""
        return self.metrics.get("model_mb")

    @property
    def is_demo(self) -> bool:
        return is_demo(self.tags)


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One registered version of the price model.

    ``sha256`` is the digest of the model file; every load compares the file against it.
    """

    version: str
    run_id: str
    created: datetime
    family: str
    aliases: tuple[str, ...] = ()
    sha256: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_demo(self) -> bool:
        return is_demo(self.tags)

    @property
    def label(self) -> str:
        """``version 3 (champion)``: how a screen names it."""
        return f"version {self.version}" + (f" ({', '.join(self.aliases)})" if self.aliases else "")


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """What one training left in the records.

    ``run_id`` and ``version`` are None when MLflow was off or out of reach; ``local_version`` (the
    ``v_YYYYMMDD_HHMMSS`` of registry.json) is always there.
    """

    run_name: str
    family: str
    params: Mapping[str, str | int | float]
    metrics: Mapping[str, float]
    threshold_checks: Mapping[str, bool]
    run_id: str | None
    version: str | None
    local_version: str
    notes: tuple[str, ...] = ()

    @property
    def all_checks_passed(self) -> bool:
        return all(self.threshold_checks.values())

    @property
    def scores(self) -> Scores | None:
        return Scores.from_metrics(self.metrics)

    def with_assessment(self, assessment: Assessment) -> TrainingOutcome:
        """The outcome with the figures of its range."""
        notes = tuple(dict.fromkeys((*self.notes, *assessment.notes)))
        return replace(self, metrics={**self.metrics, **assessment.metrics}, notes=notes)

    def as_report(self) -> dict[str, object]:
        """The terminal's JSON and the evaluation report: JSON values only."""
        return {
            "run_id": self.run_id,
            "run_name": self.run_name,
            "family": self.family,
            "params": dict(self.params),
            "metrics": dict(self.metrics),
            "version": self.version,
            "local_version": self.local_version,
            "threshold_checks": dict(self.threshold_checks),
            "all_checks_passed": self.all_checks_passed,
            "notes": list(self.notes),
        }

    @classmethod
    def from_report(cls, report: Mapping[str, Any]) -> TrainingOutcome:
        """The outcome back from :meth:`as_report`."""
        return cls(
            run_name=report["run_name"],
            family=report["family"],
            params=report["params"],
            metrics=report["metrics"],
            threshold_checks=report["threshold_checks"],
            run_id=report["run_id"],
            version=report["version"],
            local_version=report["local_version"],
            notes=tuple(report["notes"]),
        )
