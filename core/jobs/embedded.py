"""Starting the embedded worker: one process, apart from the app, so that training never blocks a screen."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import psutil

from core.domain.settings import PROJECT_ROOT, Settings
from core.jobs.database import database_errors
from core.jobs.engine import JobQueue
from core.jobs.roster import Worker


def ensure_worker(settings: Settings, queue: JobQueue) -> subprocess.Popen[bytes] | None:
    """Start the embedded worker unless some worker is alive or the settings forbid it.

    Safe to call from anywhere, often, and from several processes at once: a second embedded worker finds
    the first one's lock and leaves.

    Returns:
        The process, when one was started.

    Raises:
        QueueUnavailable: the job database does not answer.
    """
    if not settings.jobs.embedded_worker or any(_lives(worker) for worker in queue.live_workers()):
        return None
    with database_errors():
        settings.paths.logs.mkdir(parents=True, exist_ok=True)
    with database_errors(), settings.paths.worker_log.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module, no user's words
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


def _lives(worker: Worker) -> bool:
    """Whether it lives as far as can be told: one killed on this host a moment ago is not waited for."""
    if worker.host != socket.gethostname():
        return True
    try:
        # The app's own dead child stays in the process table until the app asks after it.
        return psutil.Process(worker.pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
