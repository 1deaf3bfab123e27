"""A body arrives whole and in time, or its sender is told why not; larger work waits its turn."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from core.domain.house import House
from core.serving.arrival import Disconnected, Limits, whole_body
from core.serving.door import Door
from core.serving.following import Follower, ServedVersion
from core.serving.refusals import Refused
from core.serving.traffic import Traffic
from core.workflows.served_model import ServedModel

LIMITS = Limits(body_bytes=100, body_seconds=0.05)


def arriving(*messages: Mapping[str, Any] | None) -> Any:
    """An ASGI receive that hands these out; None never comes."""
    waiting = list(messages)

    async def receive() -> Mapping[str, Any]:
        message = waiting.pop(0)
        if message is None:
            await asyncio.sleep(60)
        assert message is not None
        return message

    return receive


def chunk(body: bytes, *, more: bool = True) -> dict[str, object]:
    return {"type": "http.request", "body": body, "more_body": more}


def read(*messages: Mapping[str, Any] | None, declared: str | None = None) -> bytes:
    return asyncio.run(whole_body(arriving(*messages), declared, LIMITS))


def test_a_body_in_parts_is_put_together() -> None:
    assert read(chunk(b"ab"), chunk(b""), chunk(b"cd", more=False)) == b"abcd"
    assert read(chunk(b"x" * 100, more=False)) == b"x" * 100


@pytest.mark.parametrize(
    ("messages", "declared"),
    [
        ([chunk(b"x" * 101, more=False)], None),
        ([chunk(b"x" * 60), chunk(b"x" * 60), chunk(b"", more=False)], "nonsense"),
        ([chunk(b"x" * 1_000)] * 3, None),
        ([], "1601"),
    ],
)
def test_a_body_that_is_too_large_is_413(messages: Sequence[Mapping[str, Any]], declared: str | None) -> None:
    with pytest.raises(Refused) as raised:
        read(*messages, declared=declared)
    assert raised.value.status == 413


def test_a_body_that_does_not_come_is_408() -> None:
    with pytest.raises(Refused) as raised:
        read(chunk(b"ab"), None)
    assert raised.value.status == 408
    assert raised.value.headers == {"Connection": "close"}


def test_a_caller_that_left_is_noticed() -> None:
    with pytest.raises(Disconnected):
        read(chunk(b"ab"), {"type": "http.disconnect"})


class SlowRoute:
    """A model that prices when it is told to."""

    is_quick = False

    def __init__(self) -> None:
        self.may_go = threading.Event()

    def prices(self, rows: object) -> np.ndarray:
        self.may_go.wait(10)
        return np.zeros(1)


@pytest.fixture
def slow() -> Any:
    route = SlowRoute()
    yield route
    route.may_go.set()


def test_work_beyond_its_time_or_its_queue_is_503_with_a_time_to_come_back(slow: Any) -> None:
    served = ServedVersion(ServedModel(None, None, slow), datetime.now(UTC))  # type: ignore[arg-type]
    limits = Limits(answer_seconds=0.2, waiting=2)
    with ThreadPoolExecutor(1) as batches:
        door = Door(Follower(None, None), Traffic(), limits, batches)  # type: ignore[arg-type]

        async def ask_three() -> list[Any]:
            work = [door._worked(b"{}", served, lambda: slow.prices(None)) for _ in range(3)]
            return await asyncio.gather(*work, return_exceptions=True)

        refusals = asyncio.run(ask_three())
        slow.may_go.set()
    assert [refusal.status for refusal in refusals] == [503, 503, 503]
    assert all(refusal.headers == {"Retry-After": "1"} for refusal in refusals)
    assert ["wait already" in refusal.what for refusal in refusals] == [False, False, True]


def test_the_default_limits_hold_ten_thousand_houses() -> None:
    limits = Limits()
    house = House.typical().as_dict()
    assert len(json.dumps({"dataframe_records": [house] * limits.rows})) < limits.body_bytes
