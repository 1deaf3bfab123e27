"""Starting the embedded worker: one process, apart from the app, so that training never blocks a screen."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import psutil

from core.domain.settings import PROJECT_ROOT, Settings
from core.jobs.database import database_errors
from core.jobs.engine import JobQueue
from core.jobs.roster import Worker

STARTING_SECONDS: Final = 60.0
"""A busy machine takes so long for a worker's imports. Only then does it say that it lives, and others would be started
beside it meanwhile, each of which makes the machine busier."""


def ensure_worker(settings: Settings, queue: JobQueue) -> subprocess.Popen[bytes] | None:
    """Start the embedded worker unless some worker is alive or the settings forbid it.

    Safe to call from anywhere, often, and from several processes at once: none is started beside one that is starting,
    and where two processes started one each in the same instant, the second finds the first one's lock and leaves.

    Returns:
        The process, when one was started.

    Raises:
        QueueUnavailable: the job database does not answer.
    """
    if not settings.jobs.embedded_worker or any(_lives(worker) for worker in queue.live_workers()):
        return None
    started = settings.paths.locks / "worker.starting"
    if _is_starting(started):
        return None
    with database_errors():
        settings.paths.locks.mkdir(parents=True, exist_ok=True)
    with database_errors(), settings.paths.worker_log.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module, no user's words
            [sys.executable, "-m", "core", "worker", "--parent-pid", str(os.getpid())],
            cwd=PROJECT_ROOT,
            env=settings.for_child(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Ctrl+C in the app's terminal must not end a training in its middle.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        started.write_text(f"{process.pid} {socket.gethostname()}", encoding="utf-8")
        return process


def _is_starting(started: Path) -> bool:
    """Whether a worker was started on this host a moment ago and still runs."""
    try:
        pid, _, host = started.read_text(encoding="utf-8").partition(" ")
        seconds = time.time() - started.stat().st_mtime
    except OSError:
        return False
    if host != socket.gethostname() or not pid.isdecimal() or not 0 <= seconds < STARTING_SECONDS:
        return False
    return _runs(int(pid))


def _lives(worker: Worker) -> bool:
    """Whether it lives as far as can be told: one killed on this host a moment ago is not waited for."""
    return worker.host != socket.gethostname() or _runs(worker.pid)


def _runs(pid: int) -> bool:
    try:
        # The app's own dead child stays in the process table until the app asks after it.
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
