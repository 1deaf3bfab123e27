"""What is read from the run index within one transaction: which runs, in which order, with which columns."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from core.domain.run_query import Column, ColumnKind, ColumnUse, RunQuery
from core.domain.runs import Run
from core.tracking.run_index_file import recall
from core.tracking.run_rows import ROW, read_run
from core.tracking.run_selection import Selection, ordering

_COLUMN_USE: Final = """
    SELECT k.kind, k.key, COUNT(*), MIN(c.number) IS NOT MAX(c.number)
        OR MIN(c.text) IS NOT MAX(c.text)
        OR COUNT(c.number) NOT IN (0, COUNT(*))
        OR COUNT(*) < ?
    FROM cells AS c JOIN columns AS k ON k.id = c.column_id
    {only}
    GROUP BY c.column_id ORDER BY k.kind, k.key
"""


@dataclass(frozen=True, slots=True)
class IndexState:
    """How far the index is. ``generation`` grows with every change of what it holds."""

    complete: bool
    runs: int
    generation: int


def read_state(database: sqlite3.Connection) -> IndexState:
    """How far the index is."""
    (runs,) = database.execute("SELECT COUNT(*) FROM runs").fetchone()
    return IndexState(
        complete=recall(database, "complete") is not None,
        runs=runs,
        generation=int(recall(database, "generation") or 0),
    )


def read_numbers(
    database: sqlite3.Connection, matching: Selection, query: RunQuery, *, limit: int = -1, offset: int = 0
) -> list[int]:
    """The numbers of the matching runs in the query's order; a page of them where a limit is given."""
    join, order = ordering(query.order)
    found = database.execute(
        f"SELECT r.number FROM runs AS r {join.sql} WHERE {matching.sql} ORDER BY {order} LIMIT ? OFFSET ?",  # noqa: S608
        (*join.values, *matching.values, limit, offset),
    )
    return [number for (number,) in found]


def load_runs(database: sqlite3.Connection, numbers: Sequence[int]) -> Iterator[Run]:
    """The runs of these numbers, in their order."""
    marks = ", ".join("?" * len(numbers))
    rows = database.execute(f"{ROW} WHERE r.number IN ({marks})", numbers)
    runs = {row[0]: read_run(row) for row in rows}
    # A run may have been dropped since its number was found.
    yield from (runs[number] for number in numbers if number in runs)


def read_columns(database: sqlite3.Connection, matching: Selection, total: int) -> tuple[ColumnUse, ...]:
    """Every column of the ``total`` matching runs; reads each cell of theirs."""
    (runs,) = database.execute("SELECT COUNT(*) FROM runs").fetchone()
    only = Selection("")
    if total < runs:
        only = Selection(f"WHERE c.run IN (SELECT r.number FROM runs AS r WHERE {matching.sql})", matching.values)  # noqa: S608
    rows = database.execute(_COLUMN_USE.format(only=only.sql), (total, *only.values))
    return tuple(ColumnUse(Column(ColumnKind(kind), key), runs, bool(varies)) for kind, key, runs, varies in rows)
