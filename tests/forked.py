"""Real workers, forked from a server process that has imported what is slow: a start costs a second, not five."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

from core.domain.settings import Settings
from core.jobs.worker import run_worker

_SLOW_TO_IMPORT = (
    "dbos",
    "lightgbm",
    "matplotlib.figure",
    "mlflow",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "pandera.pandas",
    "sklearn.ensemble",
    "sklearn.inspection",
    "core.jobs.worker",
)


def start_worker(settings: Settings, *, parent: int | None = None, name: str | None = None) -> BaseProcess:
    """The embedded worker where a parent is named, else one as if started by hand; it logs to ``processes.log``."""
    return start(_work, settings, parent, name)


def start(target: Callable[..., object], *args: object) -> BaseProcess:
    """A process that does this, a function of a module, as soon as it is forked."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_SLOW_TO_IMPORT))
    process = context.Process(target=target, args=args)
    process.start()
    return process


@contextmanager
def working(settings: Settings, *, parent: int | None = None, name: str | None = None) -> Iterator[BaseProcess]:
    """A worker that is gone when the block ends."""
    worker = start_worker(settings, parent=parent, name=name)
    try:
        yield worker
    finally:
        worker.kill()
        worker.join()


def _work(settings: Settings, parent: int | None, name: str | None) -> None:
    settings.home.mkdir(parents=True, exist_ok=True)
    log = os.open(settings.home / "processes.log", os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    run_worker(settings, parent_pid=parent, worker_id=name)
