"""A web server of the tests' own, on 127.0.0.1, that answers as it is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass(frozen=True)
class Answer:
    """``announced`` overrides the Content-Length; a silent answer never comes while the server lives."""

    body: bytes = b""
    status: int = 200
    announced: int | None = None
    location: str = ""
    silent: bool = False
    hangs_after_body: bool = False


@dataclass
class Web:
    """Gives its answers in turn and the last one for ever; counts the requests."""

    url: str
    answers: list[Answer] = field(default_factory=list)
    requests: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = desk.answers[min(desk.requests, len(desk.answers) - 1)]
            desk.requests += 1
            if answer.silent:
                desk.stopped.wait()
                return
            self.send_response(answer.status)
            self.send_header("Content-Length", str(answer.announced or len(answer.body)))
            if answer.location:
                self.send_header("Location", answer.location)
            self.end_headers()
            self.wfile.write(answer.body)
            if answer.hangs_after_body:
                self.wfile.flush()
                desk.stopped.wait()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    desk = Web(f"http://127.0.0.1:{server.server_address[1]}/housing.csv")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield desk
    desk.stopped.set()
    server.shutdown()
    thread.join()
    server.server_close()
