"""The queue without a worker: what was put on it stays as it was put."""

from __future__ import annotations

import sqlite3
import unicodedata

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.domain.errors import InvalidSpec, NotFound, QueueFull, QueueUnavailable
from core.domain.jobs import JobState, Progress, TrainingRequest
from core.domain.settings import Settings
from core.jobs.engine import JobQueue
from tests.core.jobs.conftest import request_of


def test_a_job_waits_in_its_place_and_keeps_its_request(queue: JobQueue) -> None:
    requests = [request_of("random_forest", name=f"run {n}", n_estimators=10 + 10 * n) for n in range(3)]
    ids = [queue.submit(request) for request in requests]
    for place, (job_id, request) in enumerate(zip(ids, requests, strict=True), start=1):
        job = queue.get(job_id)
        assert (job.state, job.queue_position, job.request) == (JobState.QUEUED, place, request)
    assert [job.job_id for job in queue.list_jobs()] == ids[::-1]


def test_another_process_sees_the_same_queue(queue: JobQueue, settings: Settings) -> None:
    job_id = queue.submit(request_of())
    other = JobQueue(settings)
    assert other.get(job_id) == queue.get(job_id)
    other.close()


def test_a_full_queue_says_so(settings: Settings) -> None:
    small = settings.model_copy(update={"jobs": settings.jobs.model_copy(update={"queued": 2})})
    queue = JobQueue(small)
    queue.submit(request_of())
    queue.submit(request_of())
    with pytest.raises(QueueFull, match="2 trainings wait already"):
        queue.submit(request_of())
    queue.close()


def test_a_cancelled_job_never_starts_and_stays_on_the_list(queue: JobQueue) -> None:
    job_id = queue.submit(request_of())
    assert queue.cancel(job_id).state is JobState.CANCELLED
    assert not queue.list_jobs(active_only=True)
    assert [job.job_id for job in queue.list_jobs()] == [job_id]
    assert queue.cancel(job_id).state is JobState.CANCELLED, "a second cancel changes nothing"


def test_an_unknown_job_is_refused_by_name(queue: JobQueue) -> None:
    for ask in (queue.get, queue.cancel):
        with pytest.raises(NotFound, match="no job 'nobody'"):
            ask("nobody")


def test_a_database_that_is_none_is_refused_with_a_remedy(settings: Settings) -> None:
    settings.paths.logs.mkdir(parents=True, exist_ok=True)
    settings.paths.lab_db.write_bytes(b"this is no database, and long enough to be taken for one" * 100)
    with pytest.raises(QueueUnavailable) as refusal:
        JobQueue(settings)
    assert "jobs.database_url" in refusal.value.where


def test_nothing_in_the_job_database_is_a_pickle(queue: JobQueue, settings: Settings) -> None:
    """A row of it must not be able to run code in the app."""
    queue.submit(request_of(name="a name"))
    with sqlite3.connect(settings.paths.lab_db) as database:
        dump = "\n".join(database.iterdump())
    assert '"run_name":"a name"' in dump
    assert "gASV" not in dump, "the start of every pickle in base64"


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(min_size=1, max_size=250).filter(str.strip))
def test_any_run_name_comes_back_on_one_line_or_is_refused_before_it_is_queued(queue: JobQueue, name: str) -> None:
    on_one_line = " ".join(name.split())
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in on_one_line):
        with pytest.raises(InvalidSpec, match="nothing can show"):
            request_of(name=name)
        return
    job_id = queue.submit(request_of(name=name))
    assert queue.get(job_id).request.run_name == on_one_line
    queue.cancel(job_id)


@given(
    done=st.integers(0, 5000),
    curve=st.lists(st.tuples(st.integers(1, 5000), st.floats(0, 1e6)), max_size=5),
    remaining=st.none() | st.floats(0, 1e5),
)
def test_progress_survives_its_way_through_the_database(
    done: int, curve: list[tuple[int, float]], remaining: float | None
) -> None:
    progress = Progress("fitting", done, 5000, "trees", 1.5, remaining, tuple(curve))
    assert Progress.from_payload(progress.as_payload()) == progress
    assert 0 <= progress.share <= 1


def test_what_is_known_of_a_job_is_overwritten_not_piled_up(queue: JobQueue, settings: Settings) -> None:
    for done in range(5):
        queue.board.post("a job", Progress("fitting", done, 10), "a run")
    (posted,) = queue.board.read(["a job", "another"]).values()
    assert (posted.progress.done, posted.run_id) == (4, "a run")
    with sqlite3.connect(settings.paths.lab_db) as database:
        assert database.execute("select count(*) from lab_job_progress").fetchone() == (1,)


def test_a_request_is_the_same_after_its_payload() -> None:
    request = request_of("lightgbm", name="x", learning_rate=0.1)
    assert TrainingRequest.from_payload(request.as_payload()) == request
