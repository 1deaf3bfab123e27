"""Counters say what happened."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from core.serving.application import Counted
from core.serving.traffic import BUCKETS, Traffic


def prometheus(traffic: Traffic, version: str | None = "3") -> list[str]:
    return traffic.prometheus(version=version, family="ridge", healthy=True, since=1.5).splitlines()


def test_rate_and_quantiles_are_of_the_last_minute() -> None:
    now = [0.0]
    traffic = Traffic(clock=lambda: now[0])
    empty = traffic.recent()
    assert (empty.total, empty.per_second, empty.p50_ms, empty.p95_ms) == (0, 0.0, None, None)
    now[0] = 10.0
    for milliseconds in range(1, 101):
        traffic.note("POST", "/invocations", 200, milliseconds / 1000)
    traffic.note("GET", "/health", 200, 9.0)
    recent = traffic.recent()
    assert recent.total == 100
    assert recent.per_second == pytest.approx(10.0)
    assert recent.p50_ms == pytest.approx(51.0)
    assert recent.p95_ms == pytest.approx(96.0)
    now[0] = 71.0
    later = traffic.recent()
    assert (later.total, later.per_second, later.p95_ms) == (100, 0.0, None)


def test_more_requests_than_are_kept_have_the_right_rate() -> None:
    now = [0.0]
    traffic = Traffic(clock=lambda: now[0])
    for _ in range(60_000):
        now[0] += 0.001
        traffic.note("POST", "/valuations", 200, 0.001)
    assert traffic.recent().per_second == pytest.approx(1_000, rel=0.01)


def test_the_histogram_counts_each_request_in_every_bucket_above_it() -> None:
    traffic = Traffic()
    for seconds in (0.0005, BUCKETS[0], 0.3, 99.0):
        traffic.note("POST", "/invocations", 200, seconds)
    lines = prometheus(traffic)
    counts = {line.split('le="')[1].split('"')[0]: int(line.split()[1]) for line in lines if "_bucket" in line}
    assert (counts["0.001"], counts["0.25"], counts["0.5"], counts["10.0"], counts["+Inf"]) == (2, 2, 3, 3, 4)
    assert 'housing_lab_request_seconds_count{route="/invocations"} 4' in lines
    assert 'housing_lab_request_seconds_sum{route="/invocations"} 99.301500' in lines


def test_a_service_without_a_model_names_no_version() -> None:
    text = Traffic().prometheus(version=None, family=None, healthy=False, since=None)
    assert "served_" not in text
    assert "housing_lab_healthy 0" in text


def test_a_version_s_name_cannot_break_the_format() -> None:
    line = next(line for line in prometheus(Traffic(), 'v"1\\\n2') if line.startswith("housing_lab_served_version"))
    assert line == r'housing_lab_served_version{version="v\"1\\\n2",family="ridge"} 1'


@pytest.mark.parametrize(("begins", "counted"), [(False, 500), (True, 200)])
def test_a_failure_nobody_foresaw_is_counted_as_what_the_caller_is_told(*, begins: bool, counted: int) -> None:
    """Without a word sent, the server around it answers 500; a begun answer has its status already."""

    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        if begins:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    async def unheard(message: Message) -> None:
        """A caller who does not read."""

    traffic = Traffic()
    request = {"type": "http", "method": "POST", "path": "/invocations"}
    with pytest.raises(ZeroDivisionError):
        asyncio.run(Counted(failing, traffic)(request, nothing, unheard))
    counts = [line for line in prometheus(traffic) if line.startswith("housing_lab_requests_total{")]
    assert counts == [f'housing_lab_requests_total{{route="/invocations",method="POST",status="{counted}"}} 1']
