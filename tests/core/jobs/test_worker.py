"""Real worker processes: what they run, what they survive, when they end."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable

import psutil
import pytest

from core.domain.jobs import JobState, Progress
from core.domain.settings import Settings
from core.jobs.embedded import ensure_worker
from core.jobs.engine import JobQueue
from core.tracking.local_registry import ModelRegistry
from core.tracking.registry import all_versions
from core.tracking.runs import get_run, list_runs
from core.tracking.store import open_store
from core.workflows.lab import Lab
from tests.core.jobs.conftest import has_grown, is_final, request_of, wait_for, worker_process
from tests.forked import working


def test_a_training_is_run_recorded_and_registered(live_queue: JobQueue, working_settings: Settings) -> None:
    job_id = live_queue.submit(request_of("random_forest", name="thirty", n_estimators=30, max_depth=10))
    job = wait_for(live_queue, job_id, is_final)
    assert job.state is JobState.SUCCEEDED, job.failure
    assert job.outcome is not None
    store = open_store(working_settings)
    run = get_run(store, str(job.outcome.run_id))
    assert (run.name, run.status, run.tags["job.id"]) == ("thirty", "FINISHED", job_id)
    assert run.metrics["rmse"] == job.outcome.metrics["rmse"]
    (entry,) = ModelRegistry(working_settings).list_models()
    assert (entry.version, entry.mlflow_version) == (job.outcome.local_version, job.outcome.version)
    assert not list(working_settings.paths.job_files.glob("*")), "the work folder is gone"

    result = Lab(working_settings).result(job.outcome)
    assert result.held_out is not None
    assert len(result.held_out.actual) == len(result.held_out.predicted) == 4128
    assert result.lines[0].difference is None, "the first version has nothing to be compared with"


def test_progress_moves_at_least_once_a_second_while_a_forest_grows(live_queue: JobQueue) -> None:
    job_id = live_queue.submit(request_of("random_forest", n_estimators=120, max_depth=20))
    wait_for(live_queue, job_id, has_grown)
    seen: list[tuple[float, Progress]] = []
    while not (job := live_queue.get(job_id)).state.is_final:
        assert job.progress is not None
        if job.progress.phase == "fitting" and (not seen or job.progress.done != seen[-1][1].done):
            seen.append((time.monotonic(), job.progress))
        time.sleep(0.05)
    pauses = [later[0] - earlier[0] for earlier, later in itertools.pairwise(seen)]
    counts = [progress.done for _, progress in seen]
    print(f"{len(seen)} movements, longest pause {max(pauses):.2f} s")
    assert counts == sorted(counts)
    assert len(seen) >= 4
    # Steps are sized to 0.6 s; the bound leaves room for a neighbour on the same two cores.
    assert sorted(pauses)[len(pauses) // 2] < 1.0
    last = seen[-1][1]
    assert last.last_score is not None
    assert last.remaining is not None
    assert [count for count, _ in last.curve] == sorted({count for count, _ in last.curve})


def test_a_running_training_stops_within_a_step_and_leaves_nothing(
    live_queue: JobQueue, working_settings: Settings
) -> None:
    store = open_store(working_settings)
    before = len(all_versions(store)), len(ModelRegistry(working_settings).list_models())
    job_id = live_queue.submit(request_of("random_forest", n_estimators=500, max_depth=30))
    run_id = wait_for(live_queue, job_id, has_grown).run_id
    assert run_id is not None
    began = time.monotonic()
    assert live_queue.cancel(job_id).state is JobState.CANCELLED
    while get_run(store, run_id).status == "RUNNING":
        assert time.monotonic() - began < 15
        time.sleep(0.05)
    print(f"stopped after {time.monotonic() - began:.2f} s")
    assert get_run(store, run_id).status == "KILLED"
    assert (len(all_versions(store)), len(ModelRegistry(working_settings).list_models())) == before
    # The worker is free for the next.
    assert wait_for(live_queue, live_queue.submit(request_of()), is_final).state is JobState.SUCCEEDED
    assert not list(working_settings.paths.job_files.glob("*"))


def test_a_training_that_fails_says_why_and_its_run_does_not_say_running(queue: JobQueue, settings: Settings) -> None:
    bad = settings.home / "bad.csv"
    bad.write_text("longitude,latitude\n1,2\n")
    broken = settings.model_copy(update={"data": settings.data.model_copy(update={"path": bad})})
    with working(broken):
        job = wait_for(queue, queue.submit(request_of()), is_final)
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert "bad.csv" in job.failure.where
    assert job.failure.remedy
    (run,) = list_runs(open_store(settings))
    assert run.status == "FAILED"
    assert run.tags["failure"] == job.failure.what
    assert not all_versions(open_store(settings))


def test_two_embedded_workers_never_live_side_by_side(queue: JobQueue, settings: Settings) -> None:
    with worker_process(settings, parent=os.getpid()) as first:
        _until(lambda: bool(queue.live_workers()))
        assert ensure_worker(settings, queue) is None, "one is alive, so none is started"
        with worker_process(settings, parent=os.getpid()) as second:
            assert second.wait(timeout=30) == 0
        assert first.poll() is None
        first.terminate()
        assert first.wait(timeout=30) == 0
    assert not queue.live_workers(), "a worker that is asked to end says goodbye"


def test_the_embedded_worker_ends_with_its_last_job_when_the_app_is_gone(queue: JobQueue, settings: Settings) -> None:
    app = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with worker_process(settings, parent=app.pid) as worker:
        job_id = queue.submit(request_of("random_forest", n_estimators=60, max_depth=20))
        wait_for(queue, job_id, has_grown)
        app.kill()
        app.wait()
        assert worker.wait(timeout=90) == 0
    assert queue.get(job_id).state is JobState.SUCCEEDED


def test_the_app_starts_a_worker_only_where_the_settings_allow_it(queue: JobQueue, settings: Settings) -> None:
    forbidden = settings.model_copy(update={"jobs": settings.jobs.model_copy(update={"embedded_worker": False})})
    assert ensure_worker(forbidden, queue) is None
    started = ensure_worker(settings, queue)
    assert started is not None
    try:
        assert not queue.live_workers()
        assert ensure_worker(settings, queue) is None, "it is starting: another would make a busy machine busier"
        _until(lambda: bool(queue.live_workers()))
        assert psutil.Process(started.pid).cwd()
    finally:
        started.kill()
        started.wait()


@pytest.mark.parametrize("mlflow_is", ["off", "out of reach"])
def test_a_worker_without_mlflow_trains_into_the_local_registry_and_says_so(
    queue: JobQueue, settings: Settings, mlflow_is: str
) -> None:
    change = (
        {"training": settings.training.model_copy(update={"enable_mlflow": False})}
        if mlflow_is == "off"
        else {"tracking": settings.tracking.model_copy(update={"uri": "http://127.0.0.1:9"})}
    )
    alone = settings.model_copy(update=change)
    with working(alone):
        job = wait_for(queue, queue.submit(request_of()), is_final)
    assert job.state is JobState.SUCCEEDED, job.failure
    assert job.outcome is not None
    assert job.outcome.version is None
    assert any("local registry only" in note for note in job.outcome.notes)
    (entry,) = ModelRegistry(settings).list_models()
    assert entry.version == job.outcome.local_version


def _until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_worker_asked_to_end_leaves_its_training_to_the_next(queue: JobQueue, settings: Settings) -> None:
    """The fit cannot be interrupted, so the process goes at once: two workers never fit one job side by side."""
    job_id = queue.submit(request_of("random_forest", n_estimators=100, max_depth=20))
    with worker_process(settings, parent=os.getpid()) as first:
        wait_for(queue, job_id, has_grown)
        first.terminate()
        assert first.wait(timeout=10) == 0
    assert queue.get(job_id).state is JobState.RUNNING
    assert not queue.live_workers()
    with working(settings, parent=os.getpid()):
        job = wait_for(queue, job_id, is_final)
    assert job.state is JobState.SUCCEEDED, job.failure
    assert [run.status for run in list_runs(open_store(settings))] == ["FINISHED"]
    assert len(all_versions(open_store(settings))) == 1
