"""The server process: one uvicorn, one event loop, ended by SIGTERM or Ctrl+C once its requests are answered."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Final

from core.domain.admission import refuse_open_door
from core.domain.errors import LabError
from core.domain.settings import Settings
from core.serving.protection import REST_HEADERS
from core.serving.standing_record import service_record

_GRACE_SECONDS: Final = 30
_IDLE_SECONDS: Final = 20
_MOST_CONNECTIONS: Final = 512
_BACKLOG: Final = 1024
_ONE_THREAD: Final = "OMP_NUM_THREADS"
"""Read when scikit-learn and LightGBM are loaded. Threads make one row slower, and spin beside its neighbours."""


def run_server(settings: Settings, *, host: str, port: int, tell: Callable[[str], object]) -> None:
    """Serve until stopped. ``port`` 0 takes a free one.

    Args:
        tell: told one line when the address is known.

    Raises:
        Forbidden: the address is public and nobody would be asked who he is.
        LabError: the address cannot be listened on.
    """
    refuse_open_door(settings.access, host, door="The service", key="rest_tokens", where="--host")
    os.environ.setdefault(_ONE_THREAD, "1")
    with _listening(host, port) as listener:
        address = f"http://{_printed(host)}:{listener.getsockname()[1]}"
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

        import uvicorn

        from core.data.split import split_name
        from core.serving.application import create_app
        from core.serving.following import Follower
        from core.serving.request_sketch import RequestSketch
        from core.tracking.store import Connection

        sketch = RequestSketch(settings.paths, split_name(settings.data.test_size, settings.data.random_state))
        app = create_app(Follower(settings, Connection(settings)), access=settings.access, sketch=sketch)
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level=logging.WARNING,
            access_log=False,
            server_header=False,
            headers=list(REST_HEADERS.items()),
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_keep_alive=_IDLE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            ws="none",
            lifespan="on",
        )
        # uvicorn answers its last requests and then raises the signal again, for whoever was there before it.
        before = signal.signal(signal.SIGTERM, _already_stopped)
        try:
            with service_record(settings, address):
                tell(f"Serving at {address} (stop with Ctrl+C); {address}/docs says how to ask.")
                uvicorn.Server(config).run(sockets=[listener])
        except KeyboardInterrupt:
            tell("Stopped.")
        finally:
            signal.signal(signal.SIGTERM, before)


def _listening(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        family, kind, protocol, _, address = found[0]
        # Not socket.create_server: it leaves the protocol open, and asyncio sends a TCP answer's two parts without
        # delay only where the protocol is named. Each answer would wait 40 ms for the caller's acknowledgement.
        listener = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
        return listener
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise LabError(
            f"The service cannot listen on {host}, port {port}: {reason}.",
            where="--host, --port",
            remedy="Stop what listens there, or choose another port with --port.",
        ) from error


def _printed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _already_stopped(number: int, frame: FrameType | None) -> None:
    """The signal has done its work."""
