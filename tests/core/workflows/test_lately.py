"""One look at the records serves for a moment, and a dead server is waited for once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from core.domain.errors import NotFound, StoreUnavailable
from core.tracking.store import RETRY_SECONDS, Store
from core.workflows import lately
from core.workflows.lately import HELD_SECONDS, Lately
from core.workflows.training_state import Connect

Told = TypeVar("Told")


class Clock:
    """A clock that stands until it is put forward."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


class DeadStore:
    """Counts how often somebody waits for it."""

    def __init__(self) -> None:
        self.waited_for = 0

    def __call__(self) -> Store:
        self.waited_for += 1
        raise StoreUnavailable("MLflow is away.", remedy="Start it.")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr(lately, "time", clock)
    return clock


@pytest.fixture
def store() -> DeadStore:
    return DeadStore()


@pytest.fixture
def records(store: DeadStore, clock: Clock) -> Lately:
    return Lately(store)


def ask(connect: Connect) -> str:
    connect()
    return "from the store"


def ask_without(connect: Connect) -> str:
    """As a price is found while MLflow is away."""
    try:
        return ask(connect)
    except StoreUnavailable:
        return "without it"


def at_once(visitors: int, visit: Callable[[], Told]) -> list[Told]:
    """What so many threads are told that ask in the same instant."""
    together = threading.Barrier(visitors)

    def after_the_others(_: int) -> Told:
        together.wait(timeout=30)
        return visit()

    with ThreadPoolExecutor(visitors) as pool:
        return list(pool.map(after_the_others, range(visitors)))


def test_an_answer_serves_for_a_moment_and_is_asked_for_again_after_it(records: Lately, clock: Clock) -> None:
    answers = iter("abc")
    asked = [records.get("key", lambda connect: next(answers)) for _ in range(3)]
    clock.now += HELD_SECONDS
    assert [*asked, records.get("key", lambda connect: next(answers))] == ["a", "a", "a", "b"]


def test_an_answer_serves_as_long_as_its_asker_says(records: Lately, clock: Clock) -> None:
    answers = iter("ab")
    told = [records.get("key", lambda connect: next(answers), held=HELD_SECONDS * 5)]
    for passed in (HELD_SECONDS, HELD_SECONDS * 4):
        clock.now += passed
        told.append(records.get("key", lambda connect: next(answers), held=HELD_SECONDS * 5))
    assert told == ["a", "a", "b"]


def test_many_who_ask_at_once_are_told_what_one_of_them_was_answered(store: DeadStore) -> None:
    records, asked = Lately(store), []

    def slowly(connect: Connect) -> int:
        asked.append(True)
        time.sleep(0.2)
        return len(asked)

    assert at_once(8, lambda: records.get("key", slowly)) == [1] * 8
    assert len(asked) == 1


def test_whoever_waited_for_an_answer_that_failed_asks_himself(store: DeadStore) -> None:
    records, asked = Lately(store), []

    def fails_once(connect: Connect) -> str:
        asked.append(True)
        time.sleep(0.2)
        if len(asked) == 1:
            raise NotFound("not there", remedy="Look again.")
        return "there"

    def visit() -> str:
        try:
            return records.get("key", fails_once)
        except NotFound:
            return "failed"

    assert sorted(at_once(3, visit)) == ["failed", "there", "there"]
    assert len(asked) == 2


def test_another_question_has_its_own_answer(records: Lately) -> None:
    assert [records.get(key, lambda connect, key=key: key) for key in "abab"] == list("abab")  # type: ignore[misc]


def test_a_store_that_does_not_answer_is_waited_for_once_whatever_is_asked(
    records: Lately, store: DeadStore, clock: Clock
) -> None:
    for key in ("versions", "source", "versions"):
        with pytest.raises(StoreUnavailable):
            records.get(key, ask)
    assert records.get("price", ask_without) == "without it"
    assert store.waited_for == 1
    clock.now += RETRY_SECONDS
    with pytest.raises(StoreUnavailable):
        records.get("versions", ask)
    assert store.waited_for == 2


def test_its_silence_is_not_made_longer_by_asking(records: Lately, store: DeadStore, clock: Clock) -> None:
    for _ in range(6):
        with pytest.raises(StoreUnavailable):
            records.get("versions", ask)
        clock.now += RETRY_SECONDS / 3
    assert store.waited_for == 2


def test_what_was_found_without_the_store_serves_as_long_as_its_silence(
    records: Lately, store: DeadStore, clock: Clock
) -> None:
    def get() -> str:
        return records.get("source", ask_without, is_stopgap=lambda answer: answer == "without it")

    assert get() == "without it"
    clock.now += RETRY_SECONDS - 1
    assert get() == "without it"
    assert store.waited_for == 1
    clock.now += 1
    assert get() == "without it"
    assert store.waited_for == 2


def test_another_refusal_is_not_kept(records: Lately) -> None:
    def missing(connect: Connect) -> str:
        raise NotFound("No such version.", remedy="Name another.")

    with pytest.raises(NotFound):
        records.get("7", missing)
    assert records.get("7", lambda connect: "there now") == "there now"


def test_what_nobody_asks_for_any_more_is_forgotten(records: Lately, clock: Clock) -> None:
    for number in range(50):
        records.get(number, lambda connect: "kept")
        clock.now += HELD_SECONDS
    assert len(records._kept) == 1
