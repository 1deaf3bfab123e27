"""The REST service as the Models screen handles it: found, started and stopped from another process."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psutil

from core.domain.access import Actor, Deed
from core.domain.errors import LabError
from core.domain.settings import PROJECT_ROOT, Settings
from core.serving.standing_record import ServiceRecord, read_record

DEFAULT_PORT: Final = 5001
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 35.0
"""A service may take half a minute to answer the requests it has begun."""

_ASK_SECONDS: Final = 2.0
_PAUSE_SECONDS: Final = 0.1
_SHOWN_LINES: Final = 5


@dataclass(frozen=True, slots=True)
class RunningService:
    """A service that answers. Figures are of the last minute; ``p50_ms`` and ``p95_ms`` are None without requests.

    ``condition`` is ``ok``, ``degraded`` or ``waiting`` (then ``version`` is None), and ``reason`` says why.
    """

    address: str
    pid: int
    condition: str
    reason: str
    version: str | None
    alias: str | None
    family: str | None
    since: datetime | None
    requests: int
    per_second: float
    p50_ms: float | None
    p95_ms: float | None


def find_service(settings: Settings) -> RunningService | None:
    """The service of this home, if one is recorded and answers. Takes milliseconds, at worst two seconds."""
    record = read_record(settings)
    if record is None or record.process() is None:
        return None
    health = _health(record)
    return None if health is None else _running(record, health)


def start_service(
    settings: Settings, *, actor: Actor, port: int, host: str = "127.0.0.1", seconds: float = START_SECONDS
) -> RunningService:
    """Start the service in a process of its own that outlives this one, and wait until it answers.

    A service that runs already is handed out as it is.

    Raises:
        Forbidden: the actor may not.
        LabError: it ended, or did not answer in time; the last lines of its log are told.
    """
    actor.require(Deed.RUN_SERVICE)
    running = find_service(settings)
    if running is not None:
        return running
    log = service_log(settings)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and module, no user's words
                [sys.executable, "-m", "core", "serve", "--host", host, "--port", str(port)],
                cwd=PROJECT_ROOT,
                env={**settings.for_child(os.environ), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl+C in the app's terminal ends the app, not the service.
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
    except OSError as error:
        raise LabError(
            f"The service could not be started: {error.strerror or error}.",
            where=str(log),
            remedy="Free some disk space or correct the folder's permissions.",
        ) from error
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise _not_started(log, "It ended at once.")
        running = find_service(settings)
        if running is not None:
            return running
        time.sleep(_PAUSE_SECONDS)
    process.terminate()
    raise _not_started(log, f"It did not answer within {seconds:g} s.")


def stop_service(settings: Settings, *, actor: Actor, seconds: float = STOP_SECONDS) -> bool:
    """Ask the service of this home to end, and wait until it has; requests under way are answered first.

    Returns:
        False when none was running.

    Raises:
        Forbidden: the actor may not.
        LabError: it did not end in time.
    """
    actor.require(Deed.RUN_SERVICE)
    record = read_record(settings)
    process = None if record is None else record.process()
    if process is None:
        return False
    try:
        process.terminate()
        process.wait(seconds)
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied as error:
        raise LabError(
            f"The service (process {process.pid}) belongs to somebody else.", remedy="Ask who started it to stop it."
        ) from error
    except psutil.TimeoutExpired as error:
        raise LabError(
            f"The service (process {process.pid}) did not end within {seconds:g} s.",
            remedy="Wait, or end the process by its number.",
        ) from error
    return True


def service_log(settings: Settings) -> Path:
    """Where a service that was started from here writes."""
    return settings.paths.logs / "serving.log"


def _health(record: ServiceRecord) -> Mapping[str, Any] | None:
    """What the service says of itself; None when nobody, or somebody else, answers at its address."""
    at = urlsplit(record.address)
    connection = http.client.HTTPConnection(at.hostname or "", at.port or 80, timeout=_ASK_SECONDS)
    try:
        connection.request("GET", "/health")
        document = json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return document if isinstance(document, dict) and document.get("pid") == record.pid else None


def _running(record: ServiceRecord, health: Mapping[str, Any]) -> RunningService:
    served, requests = health["served"] or {}, health["requests"]
    return RunningService(
        address=record.address,
        pid=record.pid,
        condition=health["status"],
        reason=health["reason"],
        version=served.get("version"),
        alias=served.get("alias"),
        family=served.get("family"),
        since=datetime.fromisoformat(served["since"]) if served else None,
        requests=requests["total"],
        per_second=requests["per_second"],
        p50_ms=requests["p50_ms"],
        p95_ms=requests["p95_ms"],
    )


def _not_started(log: Path, why: str) -> LabError:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_SHOWN_LINES:] if log.is_file() else []
    return LabError(
        f"The service did not start. {why} Its log ends: {' / '.join(lines) or 'with nothing'}.",
        where=str(log),
        remedy="Choose another port where this one is taken; otherwise run `python -m core doctor`.",
    )
