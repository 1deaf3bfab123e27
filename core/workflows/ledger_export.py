"""The ledger as a CSV file that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Final

from core.domain.promotion import LedgerEntry
from core.domain.spreadsheet import cell

COLUMNS: Final = (
    *("number", "when", "who", "act", "alias", "from", "to", "reason", "override", "gates"),
    *("previous_hash", "hash"),
)


def ledger_csv(entries: Iterable[LedgerEntry]) -> Iterator[str]:
    """CSV text, line by line, a header first; times in UTC."""
    yield _line(COLUMNS)
    for entry in entries:
        report = entry.as_report()
        gates = "; ".join(f"{gate.name}: {'passed' if gate.passed else 'FAILED'}" for gate in entry.gates)
        cells = {**report, "gates": gates, "override": "yes" if entry.override else "no"}
        yield _line([_cell(cells[name]) for name in COLUMNS])


def _cell(value: object) -> str:
    return cell(value if isinstance(value, int) else None if value is None else str(value))


def _line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(list(cells))
    return text.getvalue()
