"""Feeds the run index through ``MlflowClient``: all runs once, then what is new, what goes on, and what is looked at.

What MLflow cannot be asked ("which runs changed?") is found three ways: runs that have not ended are read again,
the rows on a screen are read again, and a slow walk over all runs repairs the rest.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from core.domain.errors import InvalidFilter
from core.domain.run_query import Lifecycle, RunQuery
from core.domain.settings import SQLITE
from core.tracking.run_aliases import RunAliases
from core.tracking.run_index import RunIndex
from core.tracking.run_search import search
from core.tracking.run_walk import RunWalk
from core.tracking.runs import milliseconds, page_of_runs, runs_by_id
from core.tracking.store import Store, tune

OVERLAP_SECONDS: Final = 60.0
"""New runs are looked for from so long before the last look: clocks differ, and a run is visible after it began."""

UNFINISHED: Final = 200
ENDED: Final = 250
NEW_PAGES: Final = 4
"""Pages of new runs in one step: what is on the screens must not wait for thousands of them."""

_OLDEST: Final = "attributes.start_time ASC"
_LATEST_ENDED: Final = "attributes.end_time DESC"
_GROWTH: Final = 1.2
_WORTH_STATISTICS: Final = 100
_SETTLED_SECONDS: Final = 0.1
"""A file written since then may be written again within the same tick of its clock."""

Stamp = tuple[tuple[int, int], ...]


class RunFeed:
    """Brings one store's runs into an index. Not safe to share: one thread calls it.

    Raises:
        StoreUnavailable: by every method, when the store does not answer; the index keeps what it has.
        IndexLost: by every method, when the index cannot be used.
    """

    def __init__(self, store: Store, index: RunIndex) -> None:
        self._store = store
        self._index = index
        self._walk = RunWalk(store, index)
        self._verified: dict[RunQuery, Stamp] = {}
        self._looked: Stamp | None = None
        self._new: tuple[int, str | None] | None = None
        self._aliases = RunAliases(store)
        index.claim(store.experiment_id)

    @property
    def has_rest(self) -> bool:
        """Whether all is read and nothing has changed since: a local database whose files are as they were."""
        stamp = stamp_of(self._store)
        return stamp is not None and self._index.recall("clean") == _text(stamp)

    def verify(self, watched: Sequence[RunQuery]) -> None:
        """Make what is on the screens true: their rows, what belongs on a first page, and who serves."""
        stamp = stamp_of(self._store)
        if self.has_rest:
            return
        due = [query for query in watched if stamp is None or self._verified.get(query) != stamp]
        self._verified = {query: known for query, known in self._verified.items() if known == stamp}
        if due:
            self._refresh_aliases()
        for query in due:
            self._verify_page(query)
            if stamp is not None:
                self._verified[query] = stamp

    def advance(self, *, runs: int) -> None:
        """One step of the feeding proper: new, unfinished and ended runs, then so many of the walk over all.

        Call it from one process at a time: see :class:`core.tracking.run_walk.RunWalk`.
        """
        stamp = stamp_of(self._store)
        if self.has_rest:
            return
        if self._index.state.complete and (stamp is None or stamp != self._looked):
            caught_up = self._read_new()
            self._reread(self._index.unfinished(UNFINISHED))
            self._read_ended()
            self._looked = stamp if caught_up else None
        if self._walk.step(runs, stamp=_text(stamp)):
            self._keep_fast()

    def _verify_page(self, query: RunQuery) -> None:
        if query.page == 1:
            asked = time.time()
            try:
                found = search(self._store, query)
            except InvalidFilter:
                return  # whoever asked was told
            self._index.upsert(found.runs, looked=asked)
        if not self._index.state.complete:
            return
        # Rows that leave the page are followed by others, which may be as old.
        fresh: set[str] = set()
        for _ in range(2):
            stale = [run.run_id for run in self._index.page(query).runs if run.run_id not in fresh]
            if not stale:
                break
            self._reread(stale)
            fresh.update(stale)

    def _reread(self, run_ids: Sequence[str]) -> None:
        if not run_ids:
            return
        asked = time.time()
        found = runs_by_id(self._store, run_ids)
        self._index.upsert(list(found.values()), looked=asked)
        self._index.forget([run_id for run_id in run_ids if run_id not in found], looked=asked)

    def _read_new(self) -> bool:
        """Read runs that began since the last look, the oldest first; whether these were all."""
        since, token = self._new or (self._since("started"), None)
        newest = since
        for _ in range(NEW_PAGES):
            asked = time.time()
            runs, token = page_of_runs(
                self._store,
                filter_text=f"attributes.start_time >= {since}",
                order_by=[_OLDEST],
                lifecycle=Lifecycle.ALL,
                token=token,
            )
            self._index.upsert(runs, looked=asked)
            newest = max([newest, *(milliseconds(run.started) for run in runs)])
            if token is None:
                self._new = None
                self._remember("started", max(newest, since + round(1000 * OVERLAP_SECONDS)))
                return True
        self._new = since, token
        return False

    def _read_ended(self) -> None:
        since = self._since("ended")
        asked = time.time()
        runs, _ = page_of_runs(
            self._store,
            limit=ENDED,
            filter_text=f"attributes.end_time >= {since}",
            order_by=[_LATEST_ENDED],
            lifecycle=Lifecycle.ALL,
        )
        self._index.upsert(runs, looked=asked)
        ended = [milliseconds(run.ended) for run in runs if run.ended]
        self._remember("ended", max([since + round(1000 * OVERLAP_SECONDS), *ended]))

    def _since(self, what: str) -> int:
        """From which millisecond on to look; never from the future, whatever a client wrote."""
        now = time.time() * 1000
        known = self._index.recall(what)
        return round(min(float(known) if known else now, now) - 1000 * OVERLAP_SECONDS)

    def _remember(self, what: str, moment: int) -> None:
        if self._index.recall(what) != str(moment):
            self._index.remember(**{what: str(moment)})

    def _refresh_aliases(self) -> None:
        """Keep which runs serve under which aliases."""
        text = json.dumps(self._aliases.read())
        if self._index.recall("aliases") != text:
            self._index.remember(aliases=text)

    def _keep_fast(self) -> None:
        """New statistics for a database that others have filled: without them MLflow's own sorts are quadratic."""
        runs = self._index.state.runs
        known = self._index.recall("analysed")
        if known is None:
            self._index.remember(analysed=str(runs))  # opening the store has just tuned it
        elif runs >= max(_WORTH_STATISTICS, _GROWTH * int(known)):
            tune(self._store)
            self._index.remember(analysed=str(runs))


def stamp_of(store: Store) -> Stamp | None:
    """Sizes and times of a local database's files: equal stamps, equal content. None where that cannot be said."""
    if not store.uri.startswith(SQLITE):
        return None
    file = store.uri.removeprefix(SQLITE).partition("?")[0]
    found = []
    for path in (Path(file), Path(f"{file}-wal")):
        try:
            state = path.stat()
        except FileNotFoundError:
            found.append((-1, 0))
            continue
        if time.time() - state.st_mtime < _SETTLED_SECONDS:
            return None
        found.append((state.st_size, state.st_mtime_ns))
    return tuple(found)


def _text(stamp: Stamp | None) -> str | None:
    return None if stamp is None else json.dumps(stamp)
