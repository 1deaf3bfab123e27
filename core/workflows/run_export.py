"""Runs as CSV text, for a spreadsheet or pandas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from core.domain.run_query import Column, ColumnKind
from core.domain.runs import Run
from core.domain.spreadsheet import cell

ATTRIBUTES: Final = ("run_id", "name", "status", "family", "started", "ended", "seconds", "deleted")


def columns_of(runs: Iterable[Run]) -> tuple[Column, ...]:
    """The metrics, params and tags that any of the runs has."""
    found: set[Column] = set()
    for run in runs:
        for kind, values in _values(run):
            found.update(Column(kind, key) for key in values)
    return tuple(sorted(found))


def csv_lines(runs: Iterable[Run], columns: Sequence[Column]) -> Iterator[str]:
    """The header and a line a run, each with its line end; what a run does not have is empty."""
    yield _line([*ATTRIBUTES, *[str(column) for column in columns]])
    for run in runs:
        values = dict(_values(run))
        cells = [values[column.kind].get(column.key) for column in columns]
        yield _line([*_attributes(run), *cells])


def _values(run: Run) -> tuple[tuple[ColumnKind, dict[str, str | float | None]], ...]:
    return (
        (ColumnKind.METRIC, dict(run.metrics)),
        (ColumnKind.PARAM, dict(run.params)),
        (ColumnKind.TAG, dict(run.tags)),
    )


def _attributes(run: Run) -> list[str | float | None]:
    ended = None if run.ended is None else run.ended.isoformat()
    return [
        run.run_id,
        run.name,
        run.status.value,
        run.family,
        run.started.isoformat(),
        ended,
        run.seconds,
        "yes" if run.deleted else "no",
    ]


def _line(values: Iterable[str | float | None]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([cell(value) for value in values])
    return text.getvalue()
