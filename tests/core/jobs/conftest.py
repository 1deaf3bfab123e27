"""A real worker process over a real database."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.domain.configuration import load_settings
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import Job, TrainingRequest
from core.domain.settings import PROJECT_ROOT, Settings
from core.jobs.engine import JobQueue
from tests.conftest import rows_in
from tests.core.workflows.conftest import with_empty_store
from tests.forked import working

TRAINING_SECONDS = 90

Condition = Callable[[Job], bool]


@contextmanager
def worker_process(settings: Settings, *, parent: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """``python -m core worker`` over these settings, embedded when a parent is named; gone when the block ends."""
    embedded = [] if parent is None else ["--parent-pid", str(parent)]
    log = settings.home / "worker.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "core", "worker", *embedded],
            cwd=PROJECT_ROOT,
            env={**os.environ, **settings.as_environment()},
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def request_of(family: str = "ridge", *, name: str = "", **knobs: object) -> TrainingRequest:
    return TrainingRequest.create(TrainingSpec.create(family, knobs), actor="tester", run_name=name)


def wait_for(queue: JobQueue, job_id: str, condition: Condition, *, seconds: float = TRAINING_SECONDS) -> Job:
    """The job once the condition holds; fails with where it stood when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition(job := queue.get(job_id)):
        assert time.monotonic() < deadline, f"after {seconds} s: {job}"
        time.sleep(0.05)
    return job


def is_final(job: Job) -> bool:
    return job.state.is_final


def has_grown(job: Job) -> bool:
    return job.progress is not None and job.progress.done > 0


@pytest.fixture
def settings(settings: Settings, empty_store_file: Path) -> Settings:
    """The suite's own, with a store in which nothing is yet: MLflow takes seconds to make one."""
    return with_empty_store(settings, empty_store_file)


@pytest.fixture
def queue(settings: Settings) -> Iterator[JobQueue]:
    queue = JobQueue(settings)
    yield queue
    queue.close()


@pytest.fixture(scope="module")
def working_settings(
    tmp_path_factory: pytest.TempPathFactory, data_file: Path, empty_store_file: Path
) -> Iterator[Settings]:
    """A home with a live worker, shared by the tests of a module."""
    home = load_settings(home=tmp_path_factory.mktemp("working"), environment=rows_in(data_file))
    settings = with_empty_store(home, empty_store_file)
    with working(settings):
        yield settings


@pytest.fixture(scope="module")
def live_queue(working_settings: Settings) -> Iterator[JobQueue]:
    queue = JobQueue(working_settings)
    yield queue
    queue.close()
