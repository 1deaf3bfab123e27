"""Putting a training on the queue and taking a job off it. Light to import: the terminal answers at once."""

from __future__ import annotations

from collections.abc import Callable

from core.domain.access import Actor, Deed
from core.domain.datasets import CONFIGURED
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import Job, TrainingRequest
from core.domain.settings import Settings
from core.jobs.embedded import ensure_worker
from core.jobs.engine import JobQueue
from core.workflows.chosen_data import require_dataset


def submit_training(
    settings: Settings,
    queue: Callable[[], JobQueue],
    spec: TrainingSpec,
    *,
    actor: Actor,
    run_name: str = "",
    data_sha256: str = CONFIGURED,
) -> str:
    """Put a training on the queue, make sure somebody works on it, and return its id at once.

    Args:
        queue: gives the queue, the same one every time; not asked for whoever may not.
        data_sha256: of the dataset to train on; by default the configured file.

    Raises:
        Forbidden: the actor may not. NotFound: there is no such dataset.
        QueueFull: as many wait as ``jobs.queued`` allows.
    """
    actor.require(Deed.TRAIN)
    require_dataset(settings, data_sha256)
    request = TrainingRequest.create(spec, actor=actor.name, run_name=run_name, data_sha256=data_sha256)
    job_id = queue().submit(request)
    ensure_worker(settings, queue())
    return job_id


def cancel_job(settings: Settings, queue: Callable[[], JobQueue], job_id: str, *, actor: Actor) -> Job:
    """Ask a job of any kind to stop.

    Args:
        queue: as above.

    Raises:
        Forbidden: the actor may not. NotFound: there is no such job.
    """
    actor.require(Deed.CANCEL_JOB)
    job = queue().cancel(job_id)
    if job_id in queue().board.open_jobs():
        ensure_worker(settings, queue())  # somebody must close what it left open
    return job
