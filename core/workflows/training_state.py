"""What the parts of one training hand to each other, in a form that outlives a process."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from core.domain.settings import Settings
from core.tracking.lineage import Lineage
from core.tracking.store import Store

STAGE: Final = "train_model"
LOCALLY: Final = "Recorded in the local registry only."

Connect = Callable[[], Store]
"""Opens MLflow's store, or raises StoreUnavailable: training then goes on without it."""


Note = Callable[[str], None]
"""Told a line of what happens, for whoever watches the job."""


@dataclass(frozen=True, slots=True)
class OpenedRun:
    """The MLflow run of a job; ``run_id`` is None and ``note`` says why when there is none."""

    run_id: str | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What ``fit`` left: files in the work folder, figures here. JSON values, so that it outlives a process.

    ``unsound`` says which rules of behaviour the model breaks, a sentence each; empty for one that may be registered.
    """

    saved_name: str
    sha256: str
    metrics: Mapping[str, float]
    threshold_checks: Mapping[str, bool]
    curve: tuple[tuple[int, float], ...]
    lineage: Lineage
    unsound: tuple[str, ...] = ()

    def as_payload(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Fitted:
        curve = tuple((int(step), float(rmse)) for step, rmse in payload["curve"])
        broken = tuple(payload.get("unsound", ()))
        return cls(**{**payload, "curve": curve, "lineage": Lineage(**payload["lineage"]), "unsound": broken})


class WorkFolder:
    """Where a job keeps what is not recorded yet. Gone when the job has ended, however it ended."""

    def __init__(self, settings: Settings, job_id: str) -> None:
        self.job_id = job_id
        self.root = settings.paths.job_files / job_id
        self.model = self.root / "model.joblib"
        self.artifacts = self.root / "artifacts"
        self.checkpoints = self.root / "checkpoints"

    def remove(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
