"""What the records answered a moment ago, so that one look at a screen asks them once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

from core.domain.errors import StoreUnavailable
from core.tracking.store import RETRY_SECONDS, Store
from core.workflows.training_state import Connect

HELD_SECONDS: Final = 1.0
"""So long an answer serves for the next asker too."""

WATCHED_SECONDS: Final = 10.0
"""So long it serves where its key changes with the records themselves: a file's clock may miss a change that follows a
look within a few milliseconds."""

Value = TypeVar("Value")


class Lately:
    """Answers of the records that serve for a moment. Safe to share between threads.

    One thread asks, and whoever has the same question meanwhile waits for its answer: of fifty visitors many find it
    too old in the same instant, and the question is a hundred times as dear as its answer.

    That MLflow does not answer is taken at its word for :data:`RETRY_SECONDS`, whatever was asked: a client waits five
    seconds for a dead server, and a screen asks it several questions.

    Args:
        connect: opens MLflow's store.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._kept: dict[Hashable, tuple[float, Any]] = {}
        self._asking: WeakValueDictionary[Hashable, threading.Lock] = WeakValueDictionary()
        self._away: tuple[float, StoreUnavailable] | None = None

    def get(
        self,
        key: Hashable,
        ask: Callable[[Connect], Value],
        is_stopgap: Callable[[Value], bool] | None = None,
        held: float = HELD_SECONDS,
    ) -> Value:
        """The answer to the question of that key, of a moment ago or now.

        Args:
            ask: puts it to the store it opens by what it is given.
            is_stopgap: whether an answer was given without the store, and so serves as long as its silence.
            held: seconds for which an answer serves.

        Raises:
            StoreUnavailable: as ``ask`` does. What it raises is not kept.
        """
        with self._lock:
            if (kept := self._kept_now(key)) is not None:
                return kept[0]  # type: ignore[no-any-return]
            asking = self._asking.setdefault(key, threading.Lock())
        with asking:
            with self._lock:
                if (kept := self._kept_now(key)) is not None:
                    return kept[0]  # type: ignore[no-any-return]
            try:
                found = ask(self._connect_unless_away)
            except StoreUnavailable as error:
                if self._known_away() is None:
                    self._away = (time.monotonic() + RETRY_SECONDS, error)
                raise
            now = time.monotonic()
            seconds = RETRY_SECONDS if is_stopgap is not None and is_stopgap(found) else held
            with self._lock:
                fresh = {one: kept for one, kept in self._kept.items() if kept[0] > now}
                self._kept = fresh | {key: (now + seconds, found)}
            return found

    def _kept_now(self, key: Hashable) -> tuple[Any] | None:
        until, answer = self._kept.get(key, (0.0, None))
        return (answer,) if time.monotonic() < until else None

    def _connect_unless_away(self) -> Store:
        error = self._known_away()
        if error is not None:
            raise error
        return self._connect()

    def _known_away(self) -> StoreUnavailable | None:
        away = self._away
        return away[1] if away is not None and time.monotonic() < away[0] else None
