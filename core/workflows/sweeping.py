"""What a sweep does next: decided here from its rows alone, done by the conductor of any worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.domain.jobs import JobState
from core.domain.sweeps import Sweep, SweepState, Trial, TrialState

MOST_FAILURES: Final = 3
"""As many trials in a row that fail end the sweep: the next would fail too."""

_ENDED: Final = {JobState.CANCELLED: TrialState.CANCELLED, JobState.FAILED: TrialState.FAILED}


@dataclass(frozen=True, slots=True)
class Settle:
    """A trial's job ended without saying so: it was cancelled while it waited, or given up."""

    trial: Trial
    state: TrialState


@dataclass(frozen=True, slots=True)
class Enqueue:
    """A trial is entered and its job is not on the queue: its worker died between the two."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class Stop:
    """Its sweep was cancelled while its job was put on the queue."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class Start:
    """The next trial."""

    number: int


@dataclass(frozen=True, slots=True)
class End:
    """Nothing is left to do."""

    state: SweepState
    reason: str = ""


Act = Settle | Enqueue | Stop | Start | End


def next_acts(sweep: Sweep, jobs: Mapping[str, JobState]) -> tuple[Act, ...]:
    """What to do now. Doing it twice, or by two workers at once, does no harm.

    Args:
        jobs: the states of the jobs of the trials under way, as far as the queue knows them.
    """
    unsettled: list[Act] = []
    for trial in sweep.under_way:
        state = jobs.get(trial.job_id)
        if state is None and not sweep.state.is_final:
            unsettled.append(Enqueue(trial))
        elif state is not None and not state.is_final and sweep.state is SweepState.CANCELLED:
            unsettled.append(Stop(trial))
        elif state is None:
            unsettled.append(Settle(trial, TrialState.CANCELLED))
        elif state in _ENDED:
            unsettled.append(Settle(trial, _ENDED[state]))
    if unsettled or sweep.state is not SweepState.RUNNING:
        return tuple(unsettled)
    trouble = _failing(sweep)
    if trouble is not None:
        return () if sweep.under_way else (End(SweepState.FAILED, trouble),)
    if is_spent(sweep):
        return () if sweep.under_way else (End(SweepState.FINISHED),)
    started = len(sweep.trials)
    free = min(sweep.plan.workers - len(sweep.under_way), sweep.plan.trials - started)
    return tuple(Start(started + place) for place in range(free))


def is_spent(sweep: Sweep) -> bool:
    """Whether no further trial is to start: all of the plan's have, or its time is over."""
    minutes = sweep.plan.minutes
    return len(sweep.trials) >= sweep.plan.trials or (minutes is not None and sweep.work_seconds >= minutes * 60)


def _failing(sweep: Sweep) -> str | None:
    """Why the last trials failed, when nothing else happened for so long."""
    last = [trial for trial in sweep.trials if trial.is_final][-MOST_FAILURES:]
    if len(last) == MOST_FAILURES and all(trial.state is TrialState.FAILED for trial in last):
        return f"{MOST_FAILURES} trials in a row failed. The last one: {last[-1].reason}"
    return None
