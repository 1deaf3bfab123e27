"""What the doctor says: findings, and what of them can be mended. Values only: looking and mending are elsewhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from core.domain.runs import RunStatus

RUN_DOCTOR: Final = "`python -m core doctor` mends it."
CUT_OFF: Final = "its worker ended in the middle of it"


@dataclass(frozen=True, slots=True)
class Mend(ABC):
    """One thing that can be put right without asking anybody."""

    verb: ClassVar[tuple[str, str]]

    @property
    @abstractmethod
    def of(self) -> str:
        """What the verb is about."""

    @property
    def plan(self) -> str:
        """``would close run x as FAILED: its worker ended in the middle of it``."""
        return f"would {self.verb[0]} {self.of}"

    @property
    def attempt(self) -> str:
        """``close run x …``, for a sentence that says it could not be done."""
        return f"{self.verb[0]} {self.of}"

    @property
    def deed(self) -> str:
        """``closed run x as FAILED: its worker ended in the middle of it``."""
        return f"{self.verb[1]} {self.of}"


@dataclass(frozen=True, slots=True)
class CloseRun(Mend):
    """End a run whose job has ended. With ``takes_back``, what it registered and its work folder go as well."""

    verb: ClassVar = ("close", "closed")
    run_id: str
    name: str
    job_id: str
    status: RunStatus
    reason: str
    takes_back: bool
    is_trial: bool

    @property
    def of(self) -> str:
        return f"run {self.name} as {self.status}: {self.reason}"


@dataclass(frozen=True, slots=True)
class TakeBack(Mend):
    """Withdraw from both registries what a run registered that failed or was cancelled."""

    verb: ClassVar = ("take back", "took back")
    run_id: str
    name: str
    job_id: str
    status: RunStatus
    registered: str

    @property
    def of(self) -> str:
        return f"{self.registered}: its run {self.name} is {self.status}"


@dataclass(frozen=True, slots=True)
class FailModel(Mend):
    """Say of a logged model that nobody is going to finish it."""

    verb: ClassVar = ("mark", "marked")
    model_id: str

    @property
    def of(self) -> str:
        return f"MLflow's model {self.model_id} as FAILED: its run has ended"


@dataclass(frozen=True, slots=True)
class CompleteRegistry(Mend):
    """Enter versions of MLflow in registry.json; with none named, build the whole file again."""

    verb: ClassVar = ("enter", "entered")
    versions: tuple[str, ...]

    @property
    def of(self) -> str:
        return f"{_counted('version', self.versions)} of MLflow in registry.json"


@dataclass(frozen=True, slots=True)
class RebuildRegistry(Mend):
    """Build registry.json again from MLflow; a corrupt one is kept under another name."""

    verb: ClassVar = ("rebuild", "rebuilt")
    corrupt: bool

    @property
    def of(self) -> str:
        return "registry.json from MLflow" + (", the corrupt one kept beside it" if self.corrupt else "")


@dataclass(frozen=True, slots=True)
class ReconcileAliases(Mend):
    """Carry out promotions a crash cut off, enter what was moved outside the lab, and mirror it in registry.json."""

    verb: ClassVar = ("reconcile", "reconciled")
    about: tuple[str, ...]

    @property
    def of(self) -> str:
        return f"ledger, MLflow and registry.json: {listed(self.about)}"


@dataclass(frozen=True, slots=True)
class RestoreModelFile(Mend):
    """Copy a lost model file out of MLflow, where its version holds the same bytes."""

    verb: ClassVar = ("copy", "copied")
    local_version: str
    mlflow_version: str

    @property
    def of(self) -> str:
        return f"the lost model file of {self.local_version} out of version {self.mlflow_version} of MLflow"


@dataclass(frozen=True, slots=True)
class RemoveWorkFolder(Mend):
    """Remove what a job that has ended had not recorded."""

    verb: ClassVar = ("remove", "removed")
    job_id: str

    @property
    def of(self) -> str:
        return f"the work folder of job {self.job_id}, which has ended"


@dataclass(frozen=True, slots=True)
class RemoveDraft(Mend):
    """Remove a half-written file whose process is gone."""

    verb: ClassVar = ("remove", "removed")
    file: Path

    @property
    def of(self) -> str:
        return f"the half-written file {self.file}: its process is gone"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: whether it is as it should be, what was found, and the remedy where it is not.

    ``mends`` is what the doctor can put right by itself; a finding that is well may carry a remedy too, as advice.
    """

    name: str
    ok: bool
    detail: str
    remedy: str = ""
    mends: tuple[Mend, ...] = ()


def listed(names: tuple[str, ...] | list[str], most: int = 5) -> str:
    """``a, b, c and 12 more``."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def _counted(noun: str, names: tuple[str, ...]) -> str:
    return f"{noun}{'' if len(names) == 1 else 's'} {listed(names)}"
