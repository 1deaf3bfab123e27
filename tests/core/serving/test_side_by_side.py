"""Valid input is priced as ``mlflow models serve`` prices it, byte for byte: both servers run and are asked."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.domain.house import House
from core.domain.settings import PROJECT_ROOT
from tests.browser.server import free_port, stop
from tests.core.serving.conftest import ServedHome
from tests.core.serving.service import JSON, Caller, Service, encoded, request
from tests.core.serving.test_protocol import SHAPES, SINGLE, csv_of

START_SECONDS = 120


@contextmanager
def mlflow_serving(home: ServedHome, version: str, log: Path) -> Iterator[int]:
    """``mlflow models serve`` of a version until the block ends; the port it listens on."""
    port = free_port()
    words = ["models", "serve", "--model-uri", f"models:/{home.store.model_name}/{version}", "--env-manager", "local"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *words, "--host", "127.0.0.1", "--port", str(port)],
            cwd=PROJECT_ROOT,
            env={
                **os.environ,
                "MLFLOW_TRACKING_URI": home.store.uri,
                # It starts uvicorn by name.
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert process.poll() is None, log.read_text(errors="replace")[-3000:]
            assert time.monotonic() < deadline, log.read_text(errors="replace")[-3000:]
            try:
                if Caller(port).send(request("GET", "/ping", b"", {})).status == 200:
                    break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        stop(process)


def test_valid_input_is_priced_as_mlflow_prices_it(
    service: Service, served_home: ServedHome, houses: list[House], tmp_path: Path
) -> None:
    with mlflow_serving(served_home, "2", tmp_path / "mlflow.log") as port:
        known, ours = Caller(port), Caller(service.port)
        bodies = {name: (encoded(shape(houses)), JSON) for name, shape in {**SHAPES, **SINGLE}.items()}
        bodies |= {f"one: {name}": (encoded(shape(houses[-1:])), JSON) for name, shape in SHAPES.items()}
        bodies |= {
            f"CSV {newline!r} {mark!r}": (
                (mark + csv_of(houses, newline=newline)).encode(),
                {"Content-Type": "text/csv"},
            )
            for newline in ("\n", "\r\n", "\n\n")
            for mark in ("", "\ufeff")
        }
        for name, (body, headers) in bodies.items():
            message = request("POST", "/invocations", body, headers)
            theirs, answer = known.send(message), ours.send(message)
            assert theirs.status == answer.status == 200, (name, theirs.body[:300], answer.body[:300])
            assert answer.body == theirs.body, name
            assert answer.headers["content-type"] == theirs.headers["content-type"]
