"""The real server, started as a user starts it, on a port of its own and a state folder of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from core.domain.settings import HOME_VARIABLE, PROJECT_ROOT

START_SECONDS = 90
STOP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class RunningApp:
    """A server that answers. ``url`` has no trailing slash; ``log`` holds what it printed."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    home: Path

    def printed(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_app(
    home: Path,
    environment: Mapping[str, str] | None = None,
    *,
    script: Path = PROJECT_ROOT / "app.py",
    cwd: Path | None = None,
    tracebacks_allowed: bool = False,
) -> Iterator[RunningApp]:
    """``streamlit run app.py`` until the block ends; then it and all it started are gone.

    Args:
        home: the state folder (``HOUSING_LAB_HOME``); the log is written beside it as ``<home>.server.log``.
        environment: variables on top of this process's own.
        script: what to serve, for trials of a single widget.
        cwd: where the command is given; by default the script's folder.
        tracebacks_allowed: for tests that provoke one.

    Raises:
        AssertionError: the server did not start in time, ended before the block did, or its log holds a
            traceback at the end.
    """
    port = free_port()
    log = home.with_name(home.name + ".server.log")
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += ["--server.port", str(port), "--server.headless", "true"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=cwd or script.parent,
            env={**os.environ, "PYTHONUNBUFFERED": "1", HOME_VARIABLE: str(home), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    app = RunningApp(f"http://127.0.0.1:{port}", process, log, home)
    try:
        _wait_until_it_answers(app)
        yield app
        died = process.poll()
    finally:
        stop(process)
    assert died is None, f"the server ended with {died} while the test ran\n{_ending(app)}"
    assert tracebacks_allowed or "Traceback (most recent call last)" not in app.printed(), _ending(app)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process, its session and everything it started: asked first, killed after ten seconds."""
    family = _family(process.pid)
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.terminate()
    _, alive = psutil.wait_procs(family, timeout=STOP_SECONDS)
    for straggler in alive:
        straggler.kill()
    psutil.wait_procs(alive, timeout=STOP_SECONDS)
    process.wait(timeout=STOP_SECONDS)


def _family(pid: int) -> list[psutil.Process]:
    """The process, its descendants, and what was detached from them but is still in its session."""
    try:
        leader = psutil.Process(pid)
        descendants = [leader, *leader.children(recursive=True)]
    except psutil.NoSuchProcess:
        descendants = []
    known = {process.pid for process in descendants}
    return descendants + [other for other in _session(pid) if other.pid not in known]


def _session(leader: int) -> list[psutil.Process]:
    members = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == leader:
                members.append(process)
        except (ProcessLookupError, PermissionError):
            continue
    return members


def _wait_until_it_answers(app: RunningApp) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert app.process.poll() is None, f"the server ended with {app.process.returncode}\n{_ending(app)}"
        try:
            with urllib.request.urlopen(f"{app.url}/_stcore/health", timeout=5) as answer:  # noqa: S310 - our own
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise AssertionError(f"the server did not answer within {START_SECONDS} s\n{_ending(app)}")


def _ending(app: RunningApp) -> str:
    return f"{app.log} ends with:\n" + "\n".join(app.printed().splitlines()[-40:])
