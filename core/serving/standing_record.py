"""Where the service of a home is found: a small file, written while one runs and holds its lock."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from core.domain.files import draft_of
from core.domain.settings import Settings


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """A service process. ``began`` is its start in Unix time: a process id alone may be somebody else's by now."""

    address: str
    host: str
    pid: int
    began: float

    def process(self) -> psutil.Process | None:
        """The process itself, if it lives on this computer."""
        if self.host != socket.gethostname():
            return None
        try:
            process = psutil.Process(self.pid)
            # Two readings of one start differ by the clock's grain.
            lives = abs(process.create_time() - self.began) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return None
        return process if lives else None


@contextmanager
def service_record(settings: Settings, address: str) -> Iterator[None]:
    """Keeps this process on record while the block runs. A second service of the same home runs unrecorded.

    An address that listens everywhere is recorded as this computer's own.
    """
    settings.paths.locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.paths.locks / "serving.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        yield
        return
    file = _file(settings)
    began = psutil.Process().create_time()
    local = address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    record = ServiceRecord(local, socket.gethostname(), os.getpid(), began)
    try:
        with draft_of(file) as draft:
            draft.write_text(json.dumps(asdict(record)), encoding="utf-8")
        yield
    finally:
        file.unlink(missing_ok=True)
        lock.release()


def read_record(settings: Settings) -> ServiceRecord | None:
    """The record of the last service that wrote one; it may have been killed since."""
    try:
        return ServiceRecord(**json.loads(_file(settings).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _file(settings: Settings) -> Path:
    return settings.paths.locks / "serving.json"
