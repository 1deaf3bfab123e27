"""What a person does with a sweep: start it, pause it, let it go on, cancel it."""

from __future__ import annotations

import logging
import uuid
from datetime import UTC, datetime

from core.domain.errors import RecordsError
from core.domain.jobs import kept_name
from core.domain.sweep_plans import SweepPlan
from core.domain.sweeps import Sweep, SweepState
from core.jobs.engine import JobQueue
from core.workflows.sweep_records import mark_sweep, open_sweep
from core.workflows.training_state import Connect

_log = logging.getLogger(__name__)


def start_sweep(queue: JobQueue, connect: Connect, plan: SweepPlan, *, actor: str, name: str = "") -> str:
    """Enter a sweep and return its id at once; the workers start its trials.

    Raises:
        InvalidSpec: the name cannot be kept. QueueUnavailable: the job database does not answer.
    """
    title = kept_name(name) or plan.default_name
    sweep = Sweep(uuid.uuid4().hex[:8], title, plan, actor, SweepState.PAUSED, datetime.now(UTC))
    # Paused until its run is open: two workers would open two runs.
    queue.sweeps.add(sweep)
    try:
        queue.sweeps.set_run(sweep.sweep_id, open_sweep(sweep, connect))
    except RecordsError as error:
        _log.warning("the sweep has no MLflow run of its own: %s", error)
    if not queue.sweeps.change(sweep.sweep_id, [SweepState.PAUSED], SweepState.RUNNING):
        _mark(queue, connect, sweep.sweep_id)  # cancelled before its run was open
    return sweep.sweep_id


def pause_sweep(queue: JobQueue, connect: Connect, sweep_id: str) -> Sweep:
    """Start no further trial; those under way end as they would.

    Raises:
        NotFound: there is none of that id.
    """
    return _change(queue, connect, sweep_id, SweepState.RUNNING, SweepState.PAUSED)


def resume_sweep(queue: JobQueue, connect: Connect, sweep_id: str) -> Sweep:
    """Let a paused sweep go on.

    Raises:
        NotFound: there is none of that id.
    """
    return _change(queue, connect, sweep_id, SweepState.PAUSED, SweepState.RUNNING)


def cancel_sweep(queue: JobQueue, sweep_id: str) -> Sweep:
    """End a sweep now, its trials under way with it. What is judged stays.

    Raises:
        NotFound: there is none of that id.
    """
    queue.sweeps.change(sweep_id, [SweepState.RUNNING, SweepState.PAUSED], SweepState.CANCELLED)
    # Read afterwards: a trial that was started meanwhile is stopped too.
    sweep = queue.sweeps.get(sweep_id)
    known = queue.states(trial.job_id for trial in sweep.under_way)
    for job_id in known:
        queue.cancel(job_id)
    return queue.sweeps.get(sweep_id)


def _change(queue: JobQueue, connect: Connect, sweep_id: str, before: SweepState, after: SweepState) -> Sweep:
    if queue.sweeps.change(sweep_id, [before], after):
        return _mark(queue, connect, sweep_id)
    return queue.sweeps.get(sweep_id)


def _mark(queue: JobQueue, connect: Connect, sweep_id: str) -> Sweep:
    """Let the run say what the sweep's row says, also when a worker or a person changed it meanwhile."""
    sweep, said = queue.sweeps.get(sweep_id), None
    while sweep.state is not said:
        said = sweep.state
        try:
            mark_sweep(sweep, connect)
        except RecordsError as error:
            _log.warning("the sweep's run does not say %s: %s", said, error)
        sweep = queue.sweeps.get(sweep_id)
    return sweep
