"""The real service, started as a user starts it, and a caller that sends exactly the bytes it is given."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.domain.house import House
from core.domain.settings import PROJECT_ROOT, Settings
from tests.browser.server import stop

START_SECONDS = 60
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problems(self) -> list[tuple[object, object, object, object]]:
        return [(one["row"], one["column"], one["value"], one["rule"]) for one in self.json["problems"]]


class Caller:
    """One connection, kept open, as a client that asks often has it."""

    def __init__(self, port: int, *, seconds: float = 60) -> None:
        self._address = ("127.0.0.1", port)
        self._seconds = seconds
        self._socket: socket.socket | None = None

    def send(self, message: bytes) -> Answer:
        """Send these bytes and read one answer."""
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=self._seconds)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(message)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._more()
        head, _, body = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        while len(body) < int(headers.get("content-length", 0)):
            body += self._more()
        if headers.get("connection") == "close":
            self.close()
        return Answer(int(first.split()[1]), headers, body)

    def _more(self) -> bytes:
        assert self._socket is not None
        part = self._socket.recv(65_536)
        if not part:
            raise ConnectionResetError("the service closed the connection before its answer was whole")
        return part

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


@dataclass(frozen=True, slots=True)
class Service:
    """A service that answers."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def ask(
        self, method: str, path: str, body: bytes | str | object = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request on a connection of its own. What is neither bytes nor text is sent as JSON."""
        caller = Caller(self.port)
        try:
            return caller.send(request(method, path, encoded(body), headers or {}))
        finally:
            caller.close()

    def invoke(self, body: bytes | str | object, headers: Mapping[str, str] | None = None) -> Answer:
        return self.ask("POST", "/invocations", body, JSON if headers is None else headers)

    def value(self, body: bytes | str | object) -> Answer:
        return self.ask("POST", "/valuations", body, JSON)

    def printed(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


def encoded(body: bytes | str | object) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def request(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """A request's bytes, with these headers and no other but Host and Content-Length."""
    sent = {"Host": "localhost", "Content-Length": str(len(body)), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def split_of(houses: Sequence[House]) -> dict[str, object]:
    """The houses in MLflow's ``dataframe_split``."""
    records = [house.as_dict() for house in houses]
    return {"dataframe_split": {"columns": list(records[0]), "data": [list(record.values()) for record in records]}}


@contextmanager
def running_service(settings: Settings, log: Path, *, ends_itself: bool = False) -> Iterator[Service]:
    """``python -m core serve`` on a free port until the block ends, then ended by SIGTERM.

    Raises:
        AssertionError: it did not start, ended before the block did (unless the test ends it), or its log holds a
            traceback.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "core", "serve", "--port", "0"],
            cwd=PROJECT_ROOT,
            env={**os.environ, **settings.as_environment(), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    service = None
    try:
        service = _wait_until_it_answers(process, log)
        yield service
        died = process.poll()
    finally:
        stop(process)
    assert died is None or ends_itself, f"the service ended with {died} while the test ran\n{service.printed()[-3000:]}"
    assert "Traceback (most recent call last)" not in service.printed(), service.printed()[-3000:]


def _wait_until_it_answers(process: subprocess.Popen[bytes], log: Path) -> Service:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        printed = log.read_text(encoding="utf-8", errors="replace")
        assert process.poll() is None, f"the service ended with {process.returncode}\n{printed[-3000:]}"
        found = re.search(r"Serving at http://127\.0\.0\.1:(\d+)", printed)
        if found:
            service = Service(int(found[1]), process, log)
            # The address is bound from here on; the first answer comes when the model is loaded.
            service.ask("GET", "/health")
            return service
        time.sleep(0.05)
    raise AssertionError(f"the service did not start within {START_SECONDS} s\n{log.read_text()[-3000:]}")


@dataclass(slots=True)
class Load:
    """What several clients saw. ``answers`` holds status, version and body of each; ``seconds`` how long each took."""

    answers: list[tuple[int, str, bytes]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def quantile_ms(self, share: float) -> float:
        took = sorted(self.seconds)
        return 1000 * took[min(len(took) - 1, int(share * len(took)))]


@contextmanager
def load_on(port: int, messages: Sequence[bytes], clients: int) -> Iterator[Load]:
    """Clients that ask without a pause until the block ends, each on one connection, in turn through ``messages``."""
    load, ending = Load(), threading.Event()

    def work(number: int) -> None:
        caller, turn = Caller(port), number
        while not ending.is_set():
            began = time.perf_counter()
            try:
                answer = caller.send(messages[turn % len(messages)])
            except OSError as error:
                load.errors.append(f"{type(error).__name__}: {error}")
                caller.close()
                continue
            load.seconds.append(time.perf_counter() - began)
            load.answers.append((answer.status, answer.headers.get("x-model-version", ""), answer.body))
            turn += 1
        caller.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        ending.set()
        for thread in threads:
            thread.join()
