"""Measuring how wide a version's ranges must be, as values: what was asked, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

ASSESSMENT_PREFIX: Final = "assess-"


def assessment_id(of: str) -> str:
    """The job that measures what the training ``of`` registered: the same however often it is put on the queue."""
    return f"{ASSESSMENT_PREFIX}{of}"


@dataclass(frozen=True, slots=True)
class AssessmentRequest:
    """Range and spatial score of one version are to be measured, as far as the settings ask for them.

    ``version`` is MLflow's number, an alias, or a ``v_…`` of the local registry; ``run_name`` is how people know it.
    With ``only_spatial`` a range that was measured before is left as it is.
    """

    version: str
    run_name: str
    actor: str
    only_spatial: bool = False

    @property
    def title(self) -> str:
        """``measuring the range of forest_of_20``: how lists and screens name the job."""
        return f"measuring the {'spatial score' if self.only_spatial else 'range'} of {self.run_name}"

    def as_payload(self) -> dict[str, object]:
        """JSON values only."""
        return {
            "version": self.version,
            "run_name": self.run_name,
            "actor": self.actor,
            "only_spatial": self.only_spatial,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> AssessmentRequest:
        """The request back from :meth:`as_payload`."""
        return cls(
            str(payload["version"]),
            str(payload["run_name"]),
            str(payload["actor"]),
            only_spatial=bool(payload.get("only_spatial", False)),
        )


@dataclass(frozen=True, slots=True)
class Assessment:
    """What measuring a version's range left in the records.

    Attributes:
        version: MLflow's number, or the local ``v_…`` where MLflow does not hold it.
        run_name: how people know it. run_id: its MLflow run, where there is one.
        folds: parts of the training rows, each priced by a model that was not fitted on it; 0 where no range was asked
            for.
        metrics: ``coverage`` and ``coverage_80`` (0 to 1) and ``interval_width`` (1990 USD, mean of the 90 % ranges)
            on the held-out rows, ``out_of_fold_rmse``, ``spatial_rmse`` and ``spatial_mae`` (1990 USD) on the training
            rows, ``spatial_folds``; what could not be measured is left out.
        sha256: of the recorded document; empty without a range.
        seconds: what the fits took.
        notes: what could not be recorded, and why.
        spatial_folds: parts of whole blocks of the map; 0 where they were not scored.
    """

    version: str
    run_name: str
    run_id: str | None
    folds: int
    metrics: Mapping[str, float]
    sha256: str
    seconds: float
    notes: tuple[str, ...] = ()
    spatial_folds: int = 0

    def as_report(self) -> dict[str, object]:
        """JSON values only: what the terminal prints and the queue keeps."""
        return {
            "version": self.version,
            "run_name": self.run_name,
            "run_id": self.run_id,
            "folds": self.folds,
            "metrics": dict(self.metrics),
            "sha256": self.sha256,
            "seconds": self.seconds,
            "notes": list(self.notes),
            "spatial_folds": self.spatial_folds,
        }

    @classmethod
    def from_report(cls, report: Mapping[str, Any]) -> Assessment:
        """The assessment back from :meth:`as_report`."""
        return cls(**{**report, "notes": tuple(report["notes"])})
