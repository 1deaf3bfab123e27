"""The thread that keeps the run index true while somebody looks, and sleeps while nobody does."""

from __future__ import annotations

import logging
import math
import threading
import time
from datetime import UTC, datetime
from typing import Final

from filelock import FileLock, Timeout

from core.domain.errors import LabError
from core.domain.run_query import RunQuery
from core.tracking.run_feed import RunFeed
from core.tracking.run_index import IndexLost, RunIndex
from core.tracking.store import RETRY_SECONDS
from core.workflows.training_state import Connect

LOOK_SECONDS: Final = 2.0
"""Between two looks at MLflow's store."""

LOOKED_AT_SECONDS: Final = 30.0
"""So long after it was asked for last, a page counts as one that somebody looks at."""

FIRST_LOOK_SECONDS: Final = 1.0
"""So long whoever comes after nobody was there waits at most; a look takes a tenth of it unless MLflow is away."""

MOST_WATCHED: Final = 20
_BUILD_RUNS: Final = 250
_WALK_RUNS: Final = 100
_REST_SHARE: Final = 0.25
"""While all runs are read, the thread rests for this share of its time, so that screens stay quick."""

_log = logging.getLogger(__name__)


class Refresher:
    """Feeds the index from a thread of its own, started on first use.

    Several processes may have one for the same index: whoever holds its lock reads all runs, the others look after
    the pages of their own screens.
    """

    def __init__(self, connect: Connect, index: RunIndex) -> None:
        self._connect = connect
        self._index = index
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._looked = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._watched: dict[RunQuery, float] = {}
        self._away: tuple[datetime, str] | None = None
        self._file_lock = FileLock(f"{index.path}.lock", timeout=0)
        self._feed: RunFeed | None = None
        self._checked: set[RunQuery] = set()
        self._next_check = 0.0

    @property
    def stale(self) -> str:
        """Since when MLflow has not answered, and why; empty while it does."""
        away = self._away
        if away is None:
            return ""
        return f"MLflow has not answered since {away[0]:%H:%M:%S} UTC, and the table shows what it held then. {away[1]}"

    def watch(self, query: RunQuery) -> bool:
        """Somebody looks at this page now: what it shows is kept true for a while.

        Returns:
            Whether nobody looked at any page lately, so that what the index holds may be as old as the last visit.
        """
        with self._lock:
            if self._closed:
                return False
            is_new, now = query not in self._watched, time.monotonic()
            is_first = now - max(self._watched.values(), default=-math.inf) >= LOOKED_AT_SECONDS
            if is_first:
                self._looked.clear()
                self._next_check = now
            self._watched[query] = now
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="run index", daemon=True)
                self._thread.start()
        if is_new or is_first:
            self._wake.set()
        return is_first

    def wait_for_a_look(self) -> None:
        """Until the store was looked at once, but not for long: MLflow may be away."""
        self._looked.wait(FIRST_LOOK_SECONDS)

    def close(self) -> None:
        """Stop the thread, and wait until it has."""
        with self._lock:
            self._closed = True
            thread = self._thread
        self._wake.set()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        try:
            while True:
                self._wake.clear()
                if self._closed:  # asked after the clearing: whoever closes wakes afterwards
                    return
                rest = self._look()
                self._looked.set()
                self._wake.wait(rest)
        finally:
            self._file_lock.release()
            self._index.close()

    def _look(self) -> float | None:
        """Look once at the store; for how many seconds to rest now, None until somebody looks again."""
        watched = self._looked_at()
        began = time.monotonic()
        try:
            if self._feed is None:
                self._feed = RunFeed(self._connect(), self._index)
            is_time = began >= self._next_check
            due = watched if is_time else [query for query in watched if query not in self._checked]
            if due:
                self._feed.verify(due)
                self._checked = set(watched)
            if is_time:
                self._next_check = time.monotonic() + LOOK_SECONDS
            is_building = self._advance(self._feed)
        except LabError as error:
            self._away = self._away or (datetime.now(UTC), error.what)
            return RETRY_SECONDS
        except IndexLost as error:
            _log.warning("the run index is made anew: %s", error)
            self._feed = None
            return LOOK_SECONDS
        self._away = None
        spent = time.monotonic() - began
        if is_building:
            return _REST_SHARE * spent
        if watched:
            return max(LOOK_SECONDS, spent)
        self._file_lock.release()
        return None

    def _advance(self, feed: RunFeed) -> bool:
        """Read on in the whole store, unless another process does; whether the first round goes on."""
        if not self._file_lock.is_locked:
            try:
                self._file_lock.acquire()
            except Timeout:
                return False
        is_building = not self._index.state.complete
        feed.advance(runs=_BUILD_RUNS if is_building else _WALK_RUNS)
        return is_building

    def _looked_at(self) -> list[RunQuery]:
        """The pages somebody looks at, those asked for last; all others are forgotten."""
        oldest = time.monotonic() - LOOKED_AT_SECONDS
        with self._lock:
            recent = sorted(self._watched.items(), key=lambda item: item[1])[-MOST_WATCHED:]
            self._watched = {query: asked for query, asked in recent if asked >= oldest}
            return list(self._watched)
