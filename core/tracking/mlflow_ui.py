"""MLflow's own server on the lab's store, for its own UI: a process of its own that ends with ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from core.domain.errors import StoreUnavailable
from core.tracking.store import Store

_ENVIRONMENT: Final = {
    # By default it starts four workers and seven consumers of jobs nobody here uses: 2.3 GB instead of 0.5.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
_WORKERS: Final = "1"
_ENDING_SECONDS: Final = 10


def serve_ui(store: Store, *, artifacts: str, host: str, port: int) -> int:
    """Run MLflow's server until it ends, or until somebody ends this process (Ctrl+C, SIGTERM); its exit code.

    Args:
        artifacts: where it keeps files of experiments that are begun through it; the lab's own say where theirs are.

    Raises:
        StoreUnavailable: the store is a server itself, and shows its UI at its own address.
    """
    if store.uri.startswith(("http://", "https://")):
        raise StoreUnavailable(
            "MLflow's store is a server with a UI of its own.", where="tracking.uri", remedy=f"Open {store.uri}."
        )
    words = ["server", "--backend-store-uri", store.uri, "--registry-store-uri", store.uri]
    words += ["--artifacts-destination", artifacts]
    words += ["--host", host, "--port", str(port), "--workers", _WORKERS]
    # A session of its own, so that the whole family of processes can be ended at once.
    server = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "mlflow", *words], env={**os.environ, **_ENVIRONMENT}, start_new_session=True
    )
    try:
        with _ended_by_signals():
            return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        _end(server)


def _end(server: subprocess.Popen[bytes]) -> None:
    """End the server and its workers; a worker may outlive the process that started it."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, how)
        except (ProcessLookupError, PermissionError):
            return
        try:
            server.wait(_ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            continue


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM ends a process without a word to its children; here it is like Ctrl+C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
