"""A run as rows of the run index: its attributes, its content for painting, its cells for sorting and filtering."""

from __future__ import annotations

import json
import math
import re
import sqlite3
import sys
from collections.abc import Mapping
from typing import Any, Final

from core.domain.run_query import Column, ColumnKind
from core.domain.runs import Run, RunStatus
from core.tracking.runs import milliseconds, moment

SCHEMA: Final = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE runs (
        number INTEGER PRIMARY KEY, run_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, status TEXT NOT NULL,
        started INTEGER NOT NULL, ended INTEGER, deleted INTEGER NOT NULL, looked REAL NOT NULL,
        changed INTEGER NOT NULL
    )""",
    "CREATE INDEX runs_started ON runs (started)",
    "CREATE INDEX runs_unfinished ON runs (started) WHERE ended IS NULL",
    # Apart from the attributes, so that a sort of all runs does not read the content of each.
    "CREATE TABLE contents (run INTEGER PRIMARY KEY, content TEXT NOT NULL)",
    "CREATE TABLE columns (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, UNIQUE (kind, key))",
    """CREATE TABLE cells (
        column_id INTEGER NOT NULL, run INTEGER NOT NULL, number REAL, text TEXT, PRIMARY KEY (column_id, run)
    ) WITHOUT ROWID""",
)
"""NaN is a cell whose number and text are both NULL; a missing value is no cell."""

ROW: Final = (
    "SELECT r.number, r.run_id, r.name, r.status, r.started, r.ended, r.deleted, c.content"
    " FROM runs AS r JOIN contents AS c ON c.run = r.number"
)

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.ASCII | re.IGNORECASE)
_LONGEST_NUMBER: Final = 100

Cell = tuple[float | None, str | None]


def read_run(row: tuple[Any, ...]) -> Run:
    """The run of a row of :data:`ROW`."""
    _, run_id, name, status, started, ended, deleted, content = row
    params, metrics, tags = json.loads(content)
    return Run(
        run_id=run_id,
        name=name,
        status=RunStatus(status),
        started=moment(started),
        ended=None if ended is None else moment(ended),
        params=params,
        metrics=metrics,
        tags=tags,
        deleted=bool(deleted),
    )


class RowWriter:
    """Writes and deletes runs within one transaction.

    Args:
        looked: when MLflow was asked, in seconds since 1970. A row that comes from a later look stays as it is.
        changed: the generation that changed rows get.
    """

    def __init__(self, database: sqlite3.Connection, *, looked: float, changed: int) -> None:
        self._database = database
        self._looked = looked
        self._changed = changed
        self._columns: dict[Column, int] = {}

    def write(self, run: Run) -> bool:
        """Make the rows of a run say what it says; whether they said anything else."""
        ended = None if run.ended is None else milliseconds(run.ended)
        attributes = (_plain(run.name), run.status.value, milliseconds(run.started), ended, int(run.deleted))
        values = [dict(run.params), dict(run.metrics), dict(run.tags)]
        content = json.dumps(values, separators=(",", ":"), sort_keys=True)
        known = self._database.execute(
            "SELECT r.number, r.looked, r.name, r.status, r.started, r.ended, r.deleted, c.content"
            " FROM runs AS r JOIN contents AS c ON c.run = r.number WHERE r.run_id = ?",
            (run.run_id,),
        ).fetchone()
        if known is None:
            number = self._database.execute(
                "INSERT INTO runs (run_id, name, status, started, ended, deleted, looked, changed)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (run.run_id, *attributes, self._looked, self._changed),
            ).lastrowid
            before: dict[Column, Cell] = {}
        else:
            number, looked, *attributes_before, content_before = known
            if looked > self._looked or (tuple(attributes_before), content_before) == (attributes, content):
                return False
            before = _cells(*json.loads(content_before))
            self._database.execute(
                "UPDATE runs SET name = ?, status = ?, started = ?, ended = ?, deleted = ?, looked = ?, changed = ?"
                " WHERE number = ?",
                (*attributes, self._looked, self._changed, number),
            )
        self._database.execute("INSERT OR REPLACE INTO contents VALUES (?, ?)", (number, content))
        now = _cells(run.params, run.metrics, run.tags)
        self._delete_cells(number, [column for column in before if column not in now])
        self._database.executemany(
            "INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?)",
            [(self._id(column), number, *cell) for column, cell in now.items() if before.get(column) != cell],
        )
        return True

    def delete(self, run_id: str) -> bool:
        """Take the rows of a run away; whether there were any."""
        known = self._database.execute(
            "SELECT r.number, c.content FROM runs AS r JOIN contents AS c ON c.run = r.number"
            " WHERE r.run_id = ? AND r.looked <= ?",
            (run_id, self._looked),
        ).fetchone()
        if known is None:
            return False
        number, content = known
        self._delete_cells(number, list(_cells(*json.loads(content))))
        self._database.execute("DELETE FROM contents WHERE run = ?", (number,))
        self._database.execute("DELETE FROM runs WHERE number = ?", (number,))
        return True

    def _delete_cells(self, number: int | None, columns: list[Column]) -> None:
        self._database.executemany(
            "DELETE FROM cells WHERE column_id = ? AND run = ?", [(self._id(column), number) for column in columns]
        )

    def _id(self, column: Column) -> int:
        known = self._columns.get(column)
        if known is None:
            name = (column.kind.value, _plain(column.key))
            self._database.execute("INSERT OR IGNORE INTO columns (kind, key) VALUES (?, ?)", name)
            (known,) = self._database.execute("SELECT id FROM columns WHERE kind = ? AND key = ?", name).fetchone()
            self._columns[column] = known
        return int(known)


def _cells(
    params: Mapping[str, str], metrics: Mapping[str, float], tags: Mapping[str, str | None]
) -> dict[Column, Cell]:
    cells: dict[Column, Cell] = {
        Column(ColumnKind.METRIC, key): (_stored(value), None) for key, value in metrics.items()
    }
    for kind, texts in ((ColumnKind.PARAM, params), (ColumnKind.TAG, tags)):
        cells |= {Column(kind, key): (_as_number(text or ""), _plain(text or "")) for key, text in texts.items()}
    return cells


def _as_number(text: str) -> float | None:
    """The number a param or tag is, to sort by; None for one that is words."""
    return _stored(float(text)) if len(text) <= _LONGEST_NUMBER and _NUMBER.fullmatch(text) else None


def _stored(value: float) -> float | None:
    """A number as MLflow's databases hold it, so that a filter gives the same answer on both."""
    if math.isnan(value):
        return None
    return math.copysign(sys.float_info.max, value) if math.isinf(value) else value


def _plain(text: str) -> str:
    """Text a database takes: half a surrogate pair cannot be written."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
