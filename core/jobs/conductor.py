"""Leads the sweeps: starts their next trials, settles those whose jobs ended silently, closes what has ended.

There is no sweep process to lose: what comes next follows from the rows, and every worker looks at them.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Final, assert_never

from core.domain.errors import LabError, RecordsError
from core.domain.jobs import TrialRequest
from core.domain.sweeps import Sweep, SweepState, Trial, TrialState
from core.jobs.engine import JobQueue
from core.search.proposal import propose
from core.workflows.sweep_records import close_sweep
from core.workflows.sweeping import Act, End, Enqueue, Settle, Start, Stop, next_acts
from core.workflows.training_state import Connect

RETRY_SECONDS: Final = 60.0
_log = logging.getLogger(__name__)


class Conductor:
    """Moves sweeps on. Safe to call from several threads and processes at once."""

    def __init__(self, queue: JobQueue, connect: Connect) -> None:
        self._queue = queue
        self._connect = connect
        self._not_before: dict[str, float] = {}

    def look(self) -> None:
        """Move every sweep on that is not closed."""
        for sweep in self._queue.sweeps.open():
            try:
                self._move(sweep)
            except LabError as error:
                # One that cannot go on must not hold up the others.
                _log.warning("sweep %s: %s", sweep.sweep_id, error)

    def advance(self, sweep_id: str) -> None:
        """Move one sweep on. A trial that has just ended calls this, and loses nothing when it fails."""
        try:
            self._move(self._queue.sweeps.get(sweep_id))
        except LabError as error:
            _log.warning("%s", error)

    def _move(self, sweep: Sweep) -> None:
        jobs = self._queue.states(trial.job_id for trial in sweep.under_way)
        for act in next_acts(sweep, jobs):
            sweep = self._do(sweep, act)
        if sweep.state.is_final and not sweep.under_way:
            self._close(sweep)

    def _do(self, sweep: Sweep, act: Act) -> Sweep:
        sweeps = self._queue.sweeps
        match act:
            case Settle(trial, state):
                settled = replace(trial, state=state, reason=self._reason(trial, state))
                sweeps.end_trial(sweep.sweep_id, settled)
                return _with(sweep, settled)
            case Enqueue(trial):
                self._queue.submit_trial(_request(sweep, trial))
                return sweep
            case Start(number):
                spec = propose(sweep.plan, sweep.trials, number)
                request = _request(sweep, Trial(number, spec, TrialState.RUNNING, job_id=""))
                trial = Trial(number, spec, TrialState.RUNNING, job_id=request.job_id)
                if sweeps.add_trial(sweep.sweep_id, trial):
                    self._queue.submit_trial(request)
                return _with(sweep, trial)
            case Stop(trial):
                self._queue.cancel(trial.job_id)
                return sweep
            case End(state, reason):
                if not sweeps.change(sweep.sweep_id, [SweepState.RUNNING], state, reason):
                    return sweeps.get(sweep.sweep_id)  # somebody paused or cancelled it first
                return replace(sweep, state=state, reason=reason)
            case _:
                assert_never(act)

    def _reason(self, trial: Trial, state: TrialState) -> str:
        if state is TrialState.CANCELLED:
            return ""
        failure = self._queue.get(trial.job_id).failure
        return failure.what if failure else ""

    def _close(self, sweep: Sweep) -> None:
        if time.monotonic() < self._not_before.get(sweep.sweep_id, 0.0):
            return
        try:
            if sweep.run_id is not None:
                close_sweep(sweep, self._connect)
        except RecordsError as error:
            _log.warning("the sweep's run could not be closed yet: %s", error)
            self._not_before[sweep.sweep_id] = time.monotonic() + RETRY_SECONDS
            return
        self._queue.sweeps.close(sweep.sweep_id)


def _request(sweep: Sweep, trial: Trial) -> TrialRequest:
    name = f"{sweep.name}, trial {trial.number + 1}"
    return TrialRequest(trial.spec, name, sweep.actor, sweep.sweep_id, trial.number, data_sha256=sweep.plan.data_sha256)


def _with(sweep: Sweep, trial: Trial) -> Sweep:
    others = [other for other in sweep.trials if other.number != trial.number]
    return replace(sweep, trials=tuple(sorted([*others, trial], key=lambda one: one.number)))
