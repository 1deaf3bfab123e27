"""The screen starts, finds and stops the service."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from core.domain.errors import LabError
from core.domain.house import House
from core.domain.settings import Settings
from core.serving.service_control import find_service, service_log, start_service, stop_service
from core.serving.standing_record import ServiceRecord, read_record, service_record
from core.tracking.store import open_store
from core.workflows.training import train_now
from tests.actors import TESTER
from tests.browser.server import free_port
from tests.core.serving.service import JSON, Caller, encoded, request, split_of
from tests.core.workflows.conftest import ridge


@pytest.fixture
def stopped_after(lab_home: Settings) -> Iterator[Settings]:
    yield lab_home
    stop_service(lab_home, actor=TESTER)


def test_a_service_is_started_found_and_stopped(stopped_after: Settings) -> None:
    home, port = stopped_after, free_port()
    assert find_service(home) is None
    assert stop_service(home, actor=TESTER) is False
    started = start_service(home, actor=TESTER, port=port)
    assert (started.address, started.condition) == (f"http://127.0.0.1:{port}", "waiting")
    assert (started.version, started.requests, started.p95_ms) == (None, 0, None)
    assert psutil.Process(started.pid).cmdline()[:4] == [sys.executable, "-m", "core", "serve"]
    # It outlives whoever started it: it leads a session of its own.
    assert psutil.Process(started.pid).pid != psutil.Process().pid

    # Started on an empty lab, it serves the first model there is.
    outcome = train_now(home, ridge(), lambda: open_store(home))
    message = request("POST", "/invocations", encoded(split_of([House.typical()])), JSON)
    caller = Caller(port)
    for _ in range(200):
        if caller.send(message).status == 200:
            break
    else:
        _wait_for_version(home)
    caller.send(message)
    found = find_service(home)
    assert found is not None
    assert (found.condition, found.version, found.family) == ("ok", outcome.version, "ridge")
    assert found.p95_ms is not None
    assert found.per_second > 0
    assert start_service(home, actor=TESTER, port=port + 1).pid == started.pid

    assert stop_service(home, actor=TESTER) is True
    assert not psutil.pid_exists(started.pid)
    assert find_service(home) is None
    assert read_record(home) is None


def _wait_for_version(home: Settings) -> None:
    import time

    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found = find_service(home)
        if found is not None and found.version is not None:
            return
        time.sleep(0.05)
    raise AssertionError("the first model was not served")


def test_a_service_that_cannot_start_tells_the_end_of_its_log(lab_home: Settings) -> None:
    meant = lab_home.access.model_copy(update={"allow_public": True})
    with pytest.raises(LabError) as raised:
        start_service(lab_home.model_copy(update={"access": meant}), actor=TESTER, port=1, host="203.0.113.1")
    assert "cannot listen on 203.0.113.1, port 1" in raised.value.what
    assert raised.value.where == str(service_log(lab_home))


def test_the_record_of_a_killed_service_points_at_nobody_else(lab_home: Settings) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        with service_record(lab_home, "http://127.0.0.1:9"):
            kept = read_record(lab_home)
            assert kept is not None
            assert kept.process() is not None
        # A process that has the dead one's number by now, but began at another time.
        record = {"address": "http://127.0.0.1:9", "host": kept.host, "pid": bystander.pid, "began": 1.0}
        (lab_home.paths.locks / "serving.json").write_text(json.dumps(record))
        assert find_service(lab_home) is None
        assert stop_service(lab_home, actor=TESTER) is False
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', "\x00"])
def test_a_record_that_is_none_is_as_good_as_missing(lab_home: Settings, content: str) -> None:
    lab_home.paths.locks.mkdir(parents=True, exist_ok=True)
    (lab_home.paths.locks / "serving.json").write_text(content)
    assert find_service(lab_home) is None
    assert stop_service(lab_home, actor=TESTER) is False


def test_a_second_service_of_a_home_leaves_the_first_on_record(lab_home: Settings, tmp_path: Path) -> None:
    with service_record(lab_home, "http://127.0.0.1:1"), service_record(lab_home, "http://127.0.0.1:2"):
        first = read_record(lab_home)
    assert isinstance(first, ServiceRecord)
    assert first.address == "http://127.0.0.1:1"
    assert read_record(lab_home) is None
