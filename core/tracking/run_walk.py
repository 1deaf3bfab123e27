"""The walk over all runs of a store, newest first: it fills an empty index, and later repairs what nobody looked at."""

from __future__ import annotations

import time
from typing import Final

from core.domain.run_query import Lifecycle
from core.tracking.run_index import RunIndex
from core.tracking.runs import NEWEST_FIRST, milliseconds, page_of_runs, runs_by_id
from core.tracking.store import Store

_BOUND: Final = "walk"


class RunWalk:
    """Goes over the runs by falling start time, and around again when it is through.

    How far it is stands in the index, so that a walk cut off goes on where it was. The place is a start time, not
    MLflow's token: runs that begin meanwhile, or are taken away, move no other run past it.
    """

    def __init__(self, store: Store, index: RunIndex) -> None:
        self._store = store
        self._index = index
        self._token: str | None = None
        self._seen: set[str] = set()
        self._began: str | None = None

    def step(self, size: int, *, stamp: str | None) -> bool:
        """Read the next ``size`` runs; whether that was the end of a round.

        Args:
            stamp: the state of the store before this step, None where it has none. A round in which it never
                changed is remembered under ``clean``: nothing needs to be read until it does.
        """
        bound = self._index.recall(_BOUND)
        if bound is None:
            self._token, self._seen, self._began = None, set(), stamp
            if self._index.recall("started") is None:
                now = str(round(time.time() * 1000))
                self._index.remember(started=now, ended=now)
        asked = time.time()
        runs, token = page_of_runs(
            self._store,
            limit=size,
            filter_text="" if bound is None else f"attributes.start_time <= {bound}",
            order_by=NEWEST_FIRST,
            lifecycle=Lifecycle.ALL,
            token=self._token,
        )
        self._index.upsert(runs, looked=asked)
        self._seen.update(run.run_id for run in runs)
        until = None if bound is None else int(bound)
        if token is None:
            self._drop_vanished(None, until, asked)
            is_clean = stamp is not None and stamp == self._began
            self._index.remember(complete="yes", clean=stamp if is_clean else None, **{_BOUND: None})
            self._token, self._seen = None, set()
            return True
        last = milliseconds(runs[-1].started)
        if until is not None and last >= until:
            self._token = token  # a whole page began in the same millisecond
            return False
        self._drop_vanished(last, until, asked)
        self._token = None
        self._seen = {run.run_id for run in runs if milliseconds(run.started) == last}
        self._index.remember(**{_BOUND: str(last)})
        return False

    def _drop_vanished(self, after: int | None, until: int | None, asked: float) -> None:
        """Take out the runs of this stretch that MLflow did not show: its ``gc`` has taken them."""
        missing = self._index.started_between(after, until, looked_before=asked) - self._seen
        if missing:
            asked = time.time()
            found = runs_by_id(self._store, missing)
            self._index.upsert(list(found.values()), looked=asked)
            self._index.forget(missing - found.keys(), looked=asked)
