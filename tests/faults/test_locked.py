"""Another program holds a SQLite database: jobs wait or fall back and say so, and nothing is lost."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.domain.jobs import Job, JobState
from core.domain.runs import RunStatus
from core.domain.settings import Settings
from core.jobs.engine import JobQueue
from core.tracking.local_registry import ModelRegistry
from core.tracking.registry import all_versions
from core.tracking.runs import list_runs
from core.tracking.store import open_store
from tests.core.jobs.conftest import request_of, wait_for
from tests.core.workflows.conftest import MakeHome, lab_home, make_home, small_file  # noqa: F401 - fixtures
from tests.faults.conftest import Ward, mend, until
from tests.forked import working

SHORT_SECONDS = 6.0
LONG_SECONDS = 30.0
JOB_SECONDS = 240
DATABASES = ("mlflow.db", "lab.db")


@contextmanager
def locked(database: Path, seconds: float) -> Iterator[threading.Thread]:
    """Nobody else can write to the database for so long; the block may end earlier."""
    taken = threading.Event()

    def hold() -> None:
        other = sqlite3.connect(database, isolation_level=None, timeout=60)
        other.execute("BEGIN IMMEDIATE")
        taken.set()
        time.sleep(seconds)
        other.execute("ROLLBACK")
        other.close()

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    assert taken.wait(60)
    try:
        yield thread
    finally:
        thread.join()


def hold_while_training(ward: Ward, database: Path, seconds: float, phase: str) -> Job:
    """A training, the database of which is held from this phase on."""
    job_id = ward.queue.submit(request_of("ridge"))
    ward.jobs.append(job_id)
    until(lambda: ward.phase(job_id) == phase or ward.is_final(job_id), f"never came to {phase}", pause=0.002)
    with locked(database, seconds):
        return wait_for(ward.queue, job_id, lambda job: job.state.is_final, seconds=JOB_SECONDS)


def go_through(settings: Settings, seconds: float) -> None:
    """Both databases, held at the beginning and at the end of a training."""
    queue = JobQueue(settings)
    ward = Ward(settings, queue)
    notes: list[str] = []
    databases = {"mlflow.db": settings.paths.mlflow_db, "lab.db": settings.paths.lab_db}
    with working(settings, parent=os.getpid()):
        for name, file in databases.items():
            for phase in ("opening the run", "recording"):
                job = hold_while_training(ward, file, seconds, phase)
                assert job.state is JobState.SUCCEEDED, (name, phase, job)
                assert job.outcome is not None
                notes += [f"{name} from {phase!r}: {note}" for note in job.outcome.notes]
        # The worker has outlived all of it.
        last = queue.submit(request_of("ridge"))
        ward.jobs.append(last)
        job = wait_for(queue, last, lambda job: job.state.is_final, seconds=JOB_SECONDS)
        assert job.outcome is not None
        assert job.outcome.version is not None
        until(lambda: not ward.left_open(), lambda: f"open: {ward.left_open()}", seconds=90)
    mended = mend(ward)
    store = open_store(settings)
    entries = ModelRegistry(settings).read_file()
    assert len(entries) == len(ward.jobs), "every model is in registry.json"
    in_mlflow = {version.version for version in all_versions(store)}
    assert in_mlflow == {entry.mlflow_version for entry in entries} - {None}
    assert len(in_mlflow) + sum("Recorded in the local registry only" in note for note in notes) >= len(entries)
    assert not [run for run in list_runs(store, limit=100) if run.status is RunStatus.RUNNING]
    queue.close()
    print(
        f"\n4 trainings with a database held for {seconds:g} s each and one after: {len(entries)} models in "
        f"registry.json, {len(in_mlflow)} in MLflow, none lost; told: {notes}; the doctor mended {mended}"
    )


@pytest.mark.timeout(900)
def test_a_database_held_for_a_while_by_another_program_loses_nothing(lab_home: Settings) -> None:  # noqa: F811
    go_through(lab_home, SHORT_SECONDS)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_database_held_for_thirty_seconds_loses_nothing(lab_home: Settings) -> None:  # noqa: F811
    go_through(lab_home, LONG_SECONDS)
