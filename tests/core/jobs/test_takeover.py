"""What becomes of the jobs of workers that die, hang or are killed too often."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from core.domain.jobs import Job, JobState
from core.domain.settings import Settings
from core.jobs.desk import INTERRUPTED
from core.jobs.engine import JobQueue
from core.jobs.training_job import MOST_RESUMES
from core.tracking.local_registry import ModelRegistry
from core.tracking.registry import all_versions
from core.tracking.runs import list_runs
from core.tracking.store import open_store
from tests.core.jobs.conftest import has_grown, is_final, request_of, wait_for
from tests.forked import start_worker, working

TAKEOVER_SECONDS = 30
PATIENT_SECONDS = 120


def test_the_job_of_a_worker_that_hangs_is_taken_over_from_its_checkpoint_and_its_return_disturbs_nothing(
    queue: JobQueue, settings: Settings
) -> None:
    often = settings.model_copy(update={"jobs": settings.jobs.model_copy(update={"checkpoint_seconds": 0.5})})
    job_id = queue.submit(request_of("random_forest", n_estimators=150, max_depth=20))
    with working(often, name="first") as first:
        wait_for(queue, job_id, lambda job: job.progress is not None and job.progress.done >= 40)
        with working(often, name="second") as second:
            _until(lambda: "second" in {worker.worker_id for worker in queue.live_workers()})
            assert first.pid is not None
            os.kill(first.pid, signal.SIGSTOP)
            began = time.monotonic()
            _until(lambda: queue.board.open_jobs().get(job_id) == "second", TAKEOVER_SECONDS)
            print(f"taken over after {time.monotonic() - began:.1f} s")
            job = wait_for(queue, job_id, is_final)
            assert job.state is JobState.SUCCEEDED, job.failure
            assert job.progress is not None
            assert any("came from checkpoints" in line for line in job.progress.log), job.progress.log
            second.kill()
            second.join()
        os.kill(first.pid, signal.SIGCONT)
        # It finds that its job is another's by now, drops it, and serves the next.
        next_job = wait_for(queue, queue.submit(request_of()), is_final)
        assert next_job.state is JobState.SUCCEEDED
    store = open_store(settings)
    assert [run.status for run in list_runs(store)] == ["FINISHED", "FINISHED"]
    assert len(all_versions(store)) == len(ModelRegistry(settings).read_file()) == 2
    assert not queue.board.open_jobs()
    assert not list(settings.paths.job_files.glob("*"))


def test_what_is_cancelled_while_no_worker_lives_is_closed_by_the_next_one(queue: JobQueue, settings: Settings) -> None:
    job_id = queue.submit(request_of("random_forest", n_estimators=300, max_depth=20))
    with working(settings, parent=os.getpid()):
        wait_for(queue, job_id, has_grown)
    assert queue.cancel(job_id).state is JobState.CANCELLED
    store = open_store(settings)
    assert [run.status for run in list_runs(store)] == ["RUNNING"], "nobody could close it yet"
    with working(settings, parent=os.getpid()):
        _until(lambda: not queue.board.open_jobs())
    assert [run.status for run in list_runs(store)] == ["KILLED"]
    assert not all_versions(store)
    assert not list(settings.paths.job_files.glob("*"))


def test_a_job_whose_worker_dies_too_often_fails_with_that_reason(queue: JobQueue, settings: Settings) -> None:
    job_id = queue.submit(request_of("random_forest", n_estimators=300, max_depth=20))
    for _ in range(MOST_RESUMES + 1):
        worker = start_worker(settings, parent=os.getpid())
        began = queue.board.read([job_id]).get(job_id)
        _until(lambda began=began: _posted_anew(queue, job_id, began))
        worker.kill()
        worker.join()
    with working(settings, parent=os.getpid()):
        job = wait_for(queue, job_id, is_final)
        _until(lambda: not queue.board.open_jobs())
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert "too often" in job.failure.what
    (run,) = list_runs(open_store(settings))
    assert run.status == "FAILED"
    assert run.tags["failure"] == job.failure.what
    assert not all_versions(open_store(settings))


STEPS = "INSERT ON operation_outputs"
"""The engine keeps what a step came to."""
ENDS = "UPDATE OF status ON workflow_status WHEN NEW.status IN ('SUCCESS', 'ERROR')"
"""The engine keeps that a job has ended."""


@pytest.mark.parametrize("refused", [STEPS, ENDS])
def test_a_worker_that_could_not_write_down_how_its_job_went_takes_it_up_again_itself(
    queue: JobQueue, settings: Settings, refused: str
) -> None:
    with working(settings, parent=os.getpid()) as worker:
        with _refusing(settings, refused):
            job_id = queue.submit(request_of())
            _until(lambda: "it is back on the queue" in _log_of(settings), PATIENT_SECONDS)
            assert not queue.get(job_id).state.is_final
        wait_for(queue, job_id, says_why_it_began_anew, seconds=PATIENT_SECONDS)
        job = wait_for(queue, job_id, is_final, seconds=PATIENT_SECONDS)
        assert job.state is JobState.SUCCEEDED, job.failure
        _until(lambda: not queue.board.open_jobs())
        assert worker.is_alive()
    store = open_store(settings)
    assert [run.status for run in list_runs(store)] == ["FINISHED"]
    assert len(all_versions(store)) == len(ModelRegistry(settings).read_file()) == 1
    assert not list(settings.paths.job_files.glob("*"))


def says_why_it_began_anew(job: Job) -> bool:
    return job.progress is not None and any(line.endswith(INTERRUPTED) for line in job.progress.log)


@contextmanager
def _refusing(settings: Settings, what: str) -> Iterator[None]:
    """The job database takes everything but this, as one does that has no room left for it."""
    with closing(sqlite3.connect(settings.paths.lab_db, isolation_level=None, timeout=30)) as database:
        # A number without a positive counterpart is an operational error, as a full disk is.
        database.execute(f"CREATE TRIGGER refused BEFORE {what} BEGIN SELECT abs(-9223372036854775807 - 1); END")
        yield
        database.execute("DROP TRIGGER refused")


def _log_of(settings: Settings) -> str:
    log = settings.home / "processes.log"
    return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""


def _posted_anew(queue: JobQueue, job_id: str, before: object) -> bool:
    posted = queue.board.read([job_id]).get(job_id)
    return posted is not None and posted != before and posted.run_id is not None


def _until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
