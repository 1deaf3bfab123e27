"""The ids of trainings that run without the queue, and whether the process behind one still lives.

No queue knows these trainings, so their id itself says whose they are: process, its start, host. That is what a
run, a version, an entry of registry.json and a work folder carry anyway.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
from typing import Final

import psutil

PREFIX: Final = "inline-"
_SAME_START_SECONDS: Final = 3.0
"""Two readings of one process's start differ by less: the clock behind them counts whole seconds."""

_FORM: Final = re.compile(rf"{PREFIX}(?P<pid>\d+)-(?P<start>\d+)-[0-9a-f]{{8}}-(?P<host>.+)")


def new_inline_job() -> str:
    """An id for a training of this very process: ``inline-<pid>-<start>-<random>-<host>``."""
    start = _start_of(os.getpid()) or 0.0
    return f"{PREFIX}{os.getpid()}-{round(start)}-{secrets.token_hex(4)}-{_host()}"


def is_inline(job_id: str) -> bool:
    return job_id.startswith(PREFIX)


def inline_job_lives(job_id: str) -> bool | None:
    """Whether the process of an inline training is alive; None where this host cannot know."""
    told = _FORM.fullmatch(job_id)
    if told is None or told["host"] != _host():
        return None
    try:
        start = _start_of(int(told["pid"]))
    except psutil.AccessDenied:
        return None
    # A process id is used again, and then its process started at another time.
    return start is not None and abs(start - int(told["start"])) < _SAME_START_SECONDS


def writer_lives(pid: int, written: float) -> bool:
    """Whether a process of this id is alive that may have written a file at ``written`` (seconds since 1970)."""
    try:
        start = _start_of(pid)
    except psutil.AccessDenied:
        return True
    return start is not None and psutil.boot_time() + start < written + _SAME_START_SECONDS


def _start_of(pid: int) -> float | None:
    """Seconds from the machine's start to the process's; None when there is no such process.

    Not the time of day: setting the clock must not make a live process look like another one.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return process.create_time() - psutil.boot_time()
    except psutil.NoSuchProcess:
        return None


def _host() -> str:
    """The host's name in letters a folder's name and a filter of MLflow can hold."""
    return re.sub(r"[^A-Za-z0-9.-]", "_", socket.gethostname())[:63] or "unnamed"
