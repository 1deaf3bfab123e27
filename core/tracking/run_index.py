"""The run index: a copy of MLflow's runs on disk, laid out so that a page of the run table is quick to find.

It is only a cache. Whatever is wrong with its file (corrupt, of another version, of another store), it is thrown
away and filled again. It never asks MLflow; :mod:`core.tracking.run_feed` feeds it.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from core.domain.run_query import Column, ColumnKind, ColumnUse, RunQuery
from core.domain.runs import Run
from core.tracking.run_index_file import IndexFile, IndexLost, recall, remember
from core.tracking.run_index_reading import IndexState, load_runs, read_columns, read_numbers, read_state
from core.tracking.run_rows import RowWriter
from core.tracking.run_selection import Selection, where

__all__ = ["IndexLost", "IndexPage", "IndexState", "RunIndex", "identity_of"]

Found = TypeVar("Found")

_AT_A_TIME: Final = 500
_REMEMBERED: Final = 64
_COLUMN_COST: Final = 20
"""Columns are worked out anew only after this many times the seconds it took: what varies moves slowly."""


@dataclass(frozen=True, slots=True)
class IndexPage:
    """The rows of a page, how many runs match in all, and what :meth:`RunIndex.signature` says of it.

    ``is_complete`` says whether all runs had been read into the very file this page is of.
    """

    runs: tuple[Run, ...]
    total: int
    signature: str
    is_complete: bool


@dataclass(frozen=True, slots=True)
class _Shown:
    numbers: list[int]
    total: int
    signature: str


class RunIndex:
    """The runs of one experiment of one store, in a SQLite file that several processes and threads may use at once.

    Readers never wait for a writer.

    Args:
        path: the file; made where it is missing.
        identity: whose runs these are, see :func:`identity_of`; a file of another store is emptied.

    Raises:
        IndexLost: by every method, when the file cannot be used. The caller then asks MLflow itself.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self.path = path
        self._file = IndexFile(path, identity)
        self._lock = threading.Lock()
        self._known: OrderedDict[Selection, tuple[int, int]] = OrderedDict()
        self._columns: OrderedDict[Selection, tuple[int, float, tuple[ColumnUse, ...]]] = OrderedDict()

    @property
    def state(self) -> IndexState:
        with self._reading() as database:
            return read_state(database)

    def page(self, query: RunQuery) -> IndexPage:
        """The query's page, or the last there is.

        Raises:
            InvalidFilter: the query's filter text is no filter.
        """
        with self._reading() as database:
            shown = self._shown(database, query)
            runs = tuple(load_runs(database, shown.numbers))
            return IndexPage(runs, shown.total, shown.signature, read_state(database).complete)

    def all(self, query: RunQuery) -> Iterator[Run]:
        """Every matching run in the query's order, whatever its page; read in portions as they are taken."""
        with self._reading() as database:
            numbers = read_numbers(database, where(query), query)
        for start in range(0, len(numbers), _AT_A_TIME):
            with self._reading() as database:
                portion = list(load_runs(database, numbers[start : start + _AT_A_TIME]))
            yield from portion

    def signature(self, query: RunQuery) -> str:
        """A short text that differs when the query's page does: its rows, their content, or how many match."""
        with self._reading() as database:
            return self._shown(database, query).signature

    def columns(self, query: RunQuery) -> tuple[ColumnUse, ...]:
        """The metrics, params and tags that any matching run has, on all its pages.

        What was found a moment ago is given again, for finding it reads every matching run.
        """
        matching = where(query)
        with self._reading() as database:
            generation = read_state(database).generation
            with self._lock:
                kept = self._columns.get(matching)
            if kept is not None and (kept[0] == generation or time.monotonic() < kept[1]):
                return kept[2]
            began = time.monotonic()
            total = self._total(database, matching)
            found = read_columns(database, matching, total)
            now = time.monotonic()
        with self._lock:
            _keep(self._columns, matching, (generation, now + _COLUMN_COST * (now - began), found))
        return found

    def known_columns(self) -> tuple[Column, ...]:
        """Every metric, param and tag that any run of the index has or had."""
        with self._reading() as database:
            rows = database.execute("SELECT kind, key FROM columns ORDER BY kind, key")
            return tuple(Column(ColumnKind(kind), key) for kind, key in rows)

    def get(self, run_ids: Iterable[str]) -> dict[str, Run]:
        """The runs of these ids, those the index knows."""
        with self._reading() as database:
            wanted = list(dict.fromkeys(run_ids))
            marks = ", ".join("?" * len(wanted))
            rows = database.execute(f"SELECT number FROM runs WHERE run_id IN ({marks})", wanted)  # noqa: S608
            return {run.run_id: run for run in load_runs(database, [number for (number,) in rows])}

    def upsert(self, runs: Sequence[Run], *, looked: float) -> int:
        """Take in runs as MLflow showed them; how many of them were news.

        Args:
            looked: when MLflow was asked, in seconds since 1970. A look older than the one a row comes from
                changes nothing, so that several processes may feed one file.
        """
        if not runs:
            return 0
        with self._writing() as database:
            generation = read_state(database).generation + 1
            writer = RowWriter(database, looked=looked, changed=generation)
            news = sum([writer.write(run) for run in runs])
            if news:
                remember(database, "generation", str(generation))
        return news

    def forget(self, run_ids: Iterable[str], *, looked: float) -> int:
        """Drop runs that MLflow no longer knew when it was asked; how many there were."""
        with self._writing() as database:
            generation = read_state(database).generation + 1
            writer = RowWriter(database, looked=looked, changed=generation)
            dropped = sum([writer.delete(run_id) for run_id in run_ids])
            if dropped:
                remember(database, "generation", str(generation))
        return dropped

    def unfinished(self, limit: int) -> list[str]:
        """The ids of runs that have not ended, newest first."""
        with self._reading() as database:
            found = database.execute(
                "SELECT run_id FROM runs WHERE ended IS NULL ORDER BY started DESC LIMIT ?", (limit,)
            )
            return [run_id for (run_id,) in found]

    def started_between(self, after: int | None, until: int | None, *, looked_before: float) -> set[str]:
        """The ids of runs started in ``(after, until]`` (milliseconds; None is open) and not looked at since."""
        with self._reading() as database:
            found = database.execute(
                "SELECT run_id FROM runs WHERE looked < :looked"
                " AND (:after IS NULL OR started > :after) AND (:until IS NULL OR started <= :until)",
                {"looked": looked_before, "after": after, "until": until},
            )
            return {run_id for (run_id,) in found}

    def recall(self, key: str) -> str | None:
        """What was remembered under that key; None for nothing."""
        with self._reading() as database:
            return recall(database, key)

    def remember(self, **values: str | None) -> None:
        """Keep some words beside the runs; None takes them away."""
        with self._writing() as database:
            for key, value in values.items():
                remember(database, key, value)

    def claim(self, experiment_id: str) -> None:
        """Say which experiment MLflow means by the name; a file filled from another one is emptied."""
        known = self.recall("experiment")
        if known == experiment_id:
            return
        if known is not None:
            self._file.empty()
        self.remember(experiment=experiment_id)

    def close(self) -> None:
        """Close the file; a later question opens it again."""
        self._file.close()

    def _shown(self, database: sqlite3.Connection, query: RunQuery) -> _Shown:
        matching = where(query)
        total = self._total(database, matching)
        last = max(1, -(-total // query.size))
        page = query.at(min(query.page, last))
        numbers = read_numbers(database, matching, query, limit=query.size, offset=page.offset)
        marks = ", ".join("?" * len(numbers))
        changed = dict(database.execute(f"SELECT number, changed FROM runs WHERE number IN ({marks})", numbers))  # noqa: S608
        told = [total, recall(database, "aliases"), *[(number, changed[number]) for number in numbers]]
        return _Shown(numbers, total, hashlib.sha256(repr(told).encode()).hexdigest()[:16])

    def _total(self, database: sqlite3.Connection, matching: Selection) -> int:
        generation = read_state(database).generation
        with self._lock:
            kept = self._known.get(matching)
        if kept is not None and kept[0] == generation:
            return kept[1]
        (total,) = database.execute(f"SELECT COUNT(*) FROM runs AS r WHERE {matching.sql}", matching.values).fetchone()  # noqa: S608
        with self._lock:
            _keep(self._known, matching, (generation, int(total)))
        return int(total)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._file.transaction("BEGIN") as database:
            yield database

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._file.transaction("BEGIN IMMEDIATE") as database:
            yield database


def identity_of(uri: str, experiment_name: str) -> str:
    """Whose runs an index holds. Hashed, for an address may hold a password."""
    return hashlib.sha256(f"{uri}\n{experiment_name}".encode()).hexdigest()


def _keep(kept: OrderedDict[Selection, Found], key: Selection, value: Found) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > _REMEMBERED:
        kept.popitem(last=False)
