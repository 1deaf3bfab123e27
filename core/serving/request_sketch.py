"""Counting what the priced houses are like, beside the requests and never in their way.

A request leaves its rows in a list, which takes a microsecond; a thread of its own counts them and writes the counts
every few seconds. What a crash loses is what came since. When more comes than can be held, the surplus is not counted
and the log says how many: an answer never waits for a count.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from datetime import date
from typing import Final

import numpy as np

from core.data.block_groups import BlockGroups
from core.domain.errors import RecordsError
from core.domain.paths import Paths
from core.evaluation.drift import DriftBaseline, DriftSketch
from core.features.direct import HouseRows
from core.workflows.request_counts import RowsKnown, forget_old, today, write_counts
from core.workflows.scoring_drift import training_rows

WRITE_SECONDS: Final = 5.0
MOST_WAITING: Final = 200_000
"""Rows that wait to be counted at most: 16 MB."""

_log = logging.getLogger(__name__)


class RequestSketch:
    """Counts the rows of one service process. Safe to tell from any thread.

    Args:
        paths: where the counts go. split: the split's name, under which training rows are known.
        day: the day it is now.
    """

    def __init__(self, paths: Paths, split: str, *, day: Callable[[], date] = today) -> None:
        self._paths = paths
        self._split = split
        self._day = day
        self._lock = threading.Lock()
        self._waiting: list[tuple[BlockGroups, HouseRows]] = []
        self._rows_waiting = 0
        self._dropped = 0
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._tally: _Tally | None = None

    def note(self, around: BlockGroups | None, rows: HouseRows) -> None:
        """Rows that were priced by a version of these block groups; without any there is nothing to set them beside."""
        if around is None:
            return
        with self._lock:
            if self._rows_waiting + len(rows) > MOST_WAITING:
                self._dropped += len(rows)
                return
            self._waiting.append((around, rows))
            self._rows_waiting += len(rows)

    def start(self) -> None:
        """Count from now on, until ``close``."""
        self._thread = threading.Thread(target=self._run, name="request counts", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Count and write what waits, and end."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()

    def count(self) -> None:
        """Count and write all that waits now."""
        with self._lock:
            waiting, self._waiting, self._rows_waiting = self._waiting, [], 0
            dropped, self._dropped = self._dropped, 0
        if dropped:
            _log.warning("%s priced rows came too fast to be counted; drift is shown without them.", f"{dropped:,}")
        day = self._day()
        touched: list[_Tally] = []
        # Rows of one baseline follow each other, but for a moment after a promotion.
        for around, rows in _joined(waiting):
            tally = self._of(around, day)
            tally.add(rows)
            if tally not in touched:
                touched.append(tally)
        for tally in touched:
            self._write(tally)

    def _of(self, around: BlockGroups, day: date) -> _Tally:
        if self._tally is None or self._tally.around is not around or self._tally.day != day:
            if self._tally is None or self._tally.day != day:
                forget_old(self._paths)
            self._tally = _Tally(around, day)
        return self._tally

    def _write(self, tally: _Tally) -> None:
        known = RowsKnown(tally.around.sha256, self._split)
        try:
            write_counts(self._paths, tally.day, tally.writer, known, tally.sketch)
        except RecordsError as error:
            # The counts stay in memory, and the next writing of this day holds them too.
            _log.warning("%s", error)

    def _run(self) -> None:
        while not self._ending.wait(WRITE_SECONDS):
            self.count()
        self.count()


class _Tally:
    """The counts of one day against one set of training rows, written under a name of its own."""

    def __init__(self, around: BlockGroups, day: date) -> None:
        self.around = around
        self.day = day
        self.writer = secrets.token_hex(8)
        self._baseline = DriftBaseline.of(training_rows(around))
        self.sketch: DriftSketch = self._baseline.count(HouseRows(np.empty((0, 8)), np.empty(0, dtype=np.intp)))

    def add(self, rows: HouseRows) -> None:
        self.sketch = self.sketch + self._baseline.count(rows)


def _joined(waiting: list[tuple[BlockGroups, HouseRows]]) -> list[tuple[BlockGroups, HouseRows]]:
    """Neighbours of one baseline as one table: a thousand single rows are counted as fast as one."""
    groups: list[tuple[BlockGroups, list[HouseRows]]] = []
    for around, rows in waiting:
        if groups and groups[-1][0] is around:
            groups[-1][1].append(rows)
        else:
            groups.append((around, [rows]))
    return [
        (around, HouseRows(np.vstack([one.numbers for one in parts]), np.concatenate([one.places for one in parts])))
        for around, parts in groups
    ]
