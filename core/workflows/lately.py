"""What the records answered a moment ago, so that one look at a screen asks them once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from core.domain.errors import StoreUnavailable
from core.tracking.store import RETRY_SECONDS

HELD_SECONDS: Final = 1.0
"""So long an answer serves for the next asker too."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Lately(Generic[Key, Value]):
    """Answers that serve for a moment. Safe to share between threads; two that ask at once may both ask the records.

    That the records do not answer is taken at its word for :data:`RETRY_SECONDS`, as a connection takes it: a screen
    that asks five times must not wait for a dead server five times.

    Args:
        is_stopgap: whether an answer was given without the records, and so serves as long as their silence.
    """

    def __init__(self, is_stopgap: Callable[[Value], bool]) -> None:
        self._is_stopgap = is_stopgap
        self._lock = threading.Lock()
        self._kept: dict[Key, _Answer[Value]] = {}

    def get(self, key: Key, ask: Callable[[], Value]) -> Value:
        """The answer to that question, of a moment ago or now.

        Raises:
            StoreUnavailable: as ``ask`` does, or did just now. Whatever else it raises is not kept.
        """
        with self._lock:
            answer = self._kept.get(key)
        if answer is None or time.monotonic() >= answer.until:
            answer = self._ask(ask)
            with self._lock:
                now = time.monotonic()
                self._kept = {one: kept for one, kept in self._kept.items() if kept.until > now} | {key: answer}
        if answer.refusal is not None:
            raise answer.refusal
        assert answer.value is not None
        return answer.value

    def _ask(self, ask: Callable[[], Value]) -> _Answer[Value]:
        try:
            value = ask()
        except StoreUnavailable as error:
            return _Answer(time.monotonic() + RETRY_SECONDS, refusal=error)
        seconds = RETRY_SECONDS if self._is_stopgap(value) else HELD_SECONDS
        return _Answer(time.monotonic() + seconds, value)


@dataclass(frozen=True, slots=True)
class _Answer(Generic[Value]):
    until: float
    value: Value | None = None
    refusal: StoreUnavailable | None = None
