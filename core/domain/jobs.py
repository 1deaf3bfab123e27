"""Work on the queue, as values: what was asked, how far it is, how it ended."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from core.domain.assessment import Assessment, AssessmentRequest
from core.domain.datasets import CONFIGURED
from core.domain.errors import InvalidSpec, NotFound
from core.domain.hyperparameters import TrainingSpec
from core.domain.runs import TrainingOutcome
from core.domain.scoring import ScoringReport, ScoringRequest

LONGEST_RUN_NAME: Final = 200
TRAINING_PREFIX: Final = "train-"
TRIAL_PREFIX: Final = "trial-"

UNKEPT: Final = frozenset({"Cc", "Cs"})
"""Unicode's control characters and halves of letters: a log, a terminal or a database would act on them or fail."""


def kept_name(text: str) -> str:
    """The name of a run or a sweep as it is kept: whole, on one line.

    Raises:
        InvalidSpec: it is longer than a registry holds, or holds control characters.
    """
    name = " ".join(text.split())
    if len(name) > LONGEST_RUN_NAME:
        raise InvalidSpec(
            f"The name has {len(name):,} characters.",
            remedy=f"Give at most {LONGEST_RUN_NAME}; it names a run, and longer text fits in its note.",
        )
    if any(unicodedata.category(sign) in UNKEPT for sign in name):
        raise InvalidSpec("The name holds characters that nothing can show.", remedy="Type it anew.")
    return name


class JobState(StrEnum):
    """Where a job stands; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self not in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """One training somebody asked for. ``run_name`` is never empty; ``actor`` is who asked.

    ``data_sha256`` is the digest of the rows to train on; empty: the configured file, as it is when the job begins.
    """

    spec: TrainingSpec
    run_name: str
    actor: str
    data_sha256: str = CONFIGURED

    @classmethod
    def create(
        cls, spec: TrainingSpec, *, actor: str, run_name: str = "", data_sha256: str = CONFIGURED
    ) -> TrainingRequest:
        """A request under the name given, else under the spec's own.

        Raises:
            InvalidSpec: the name cannot be kept; see :func:`kept_name`.
        """
        return cls(spec, kept_name(run_name) or spec.default_run_name, actor, data_sha256)

    @property
    def title(self) -> str:
        """How lists and screens name the job."""
        return self.run_name

    def as_payload(self) -> dict[str, object]:
        """JSON values only: what crosses the queue must outlive this version of the code."""
        return {
            "params": self.spec.as_params(),
            "run_name": self.run_name,
            "actor": self.actor,
            "data_sha256": self.data_sha256,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, object]) -> TrainingRequest:
        """The request back from :meth:`as_payload`.

        Raises:
            InvalidSpec: the payload's params are out of range by now.
        """
        data = str(payload.get("data_sha256", CONFIGURED))  # a job from before there was a choice has none
        return cls(_spec(payload), str(payload["run_name"]), str(payload["actor"]), data)


@dataclass(frozen=True, slots=True)
class TrialRequest:
    """One trial of a sweep: a spec to be judged by cross-validation. ``number`` counts from 0.

    ``data_sha256`` as in :class:`TrainingRequest`.
    """

    spec: TrainingSpec
    run_name: str
    actor: str
    sweep_id: str
    number: int
    data_sha256: str = CONFIGURED

    @property
    def job_id(self) -> str:
        """The same however often it is put on the queue, so that it runs once."""
        return f"{TRIAL_PREFIX}{self.sweep_id}-{self.number}"

    @property
    def title(self) -> str:
        """How lists and screens name the job."""
        return self.run_name

    def as_payload(self) -> dict[str, object]:
        """JSON values only."""
        return {
            "params": self.spec.as_params(),
            "run_name": self.run_name,
            "actor": self.actor,
            "sweep_id": self.sweep_id,
            "number": self.number,
            "data_sha256": self.data_sha256,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> TrialRequest:
        """The request back from :meth:`as_payload`.

        Raises:
            InvalidSpec: the payload's params are out of range by now.
        """
        return cls(
            _spec(payload),
            payload["run_name"],
            payload["actor"],
            payload["sweep_id"],
            number=int(payload["number"]),
            data_sha256=str(payload.get("data_sha256", CONFIGURED)),
        )


FitRequest = TrainingRequest | TrialRequest
"""What a job was asked to fit: it has a run of its own."""

Request = FitRequest | AssessmentRequest | ScoringRequest
"""What a job was asked to do."""


def _spec(payload: Mapping[str, object]) -> TrainingSpec:
    params = payload["params"]
    if not isinstance(params, Mapping):
        raise TypeError(f"params is {type(params).__name__}, not a mapping")
    return TrainingSpec.from_params(params)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training is.

    ``phase`` is what it does now ("fitting", "recording", …); ``done`` of ``total`` counts ``unit``
    (trees, iterations); ``elapsed`` is seconds since the fit began, ``remaining`` the seconds the fit will
    still take (None before the first step ended); ``curve`` holds (done, RMSE on the held-out rows) so far.
    The curve of a training is watched only: nothing stops early or chooses on it. ``log`` holds the last lines
    of what happened; ``said`` is what else stands beside the count (``12 rejected``).
    """

    phase: str
    done: int = 0
    total: int = 0
    unit: str = "steps"
    elapsed: float = 0.0
    remaining: float | None = None
    curve: tuple[tuple[int, float], ...] = ()
    log: tuple[str, ...] = ()
    said: str = ""

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    @property
    def last_score(self) -> float | None:
        return self.curve[-1][1] if self.curve else None

    def as_payload(self) -> dict[str, object]:
        return {
            "phase": self.phase,
            "done": self.done,
            "total": self.total,
            "unit": self.unit,
            "elapsed": self.elapsed,
            "remaining": self.remaining,
            "curve": [list(point) for point in self.curve],
            "log": list(self.log),
            "said": self.said,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Progress:
        curve = tuple((int(done), float(score)) for done, score in payload["curve"])
        return cls(**{**payload, "curve": curve, "log": tuple(payload.get("log", ()))})


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job failed, in the three parts every error has."""

    what: str
    remedy: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work on the queue. Times are in UTC; ``queue_position`` is 1 for the next to start.

    ``outcome`` is there once a training succeeded, ``assessment`` once a range was measured, ``scored`` once a file
    was priced, ``failure`` once the job failed.
    """

    job_id: str
    state: JobState
    request: Request
    created: datetime
    updated: datetime
    progress: Progress | None = None
    queue_position: int | None = None
    run_id: str | None = None
    outcome: TrainingOutcome | None = None
    failure: Failure | None = None
    assessment: Assessment | None = None
    scored: ScoringReport | None = None

    @property
    def spec(self) -> TrainingSpec:
        """What it fits.

        Raises:
            NotFound: it is no training and no trial.
        """
        if isinstance(self.request, TrainingRequest | TrialRequest):
            return self.request.spec
        raise NotFound(
            f"Job {self.job_id} is no training.", remedy="Take `job` out of the address to see the newest training."
        )
