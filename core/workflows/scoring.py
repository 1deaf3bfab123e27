"""Pricing a file of houses in bounded memory: every row is priced or rejected, none is lost, none is guessed at."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from core.data.table_files import open_table
from core.data.table_parts import TableFile, TablePart, cell_values
from core.domain.errors import InvalidData, ScoringCancelled
from core.domain.house import NUMERIC_COLUMNS
from core.domain.house_columns import ColumnMapping, map_columns
from core.domain.jobs import Progress
from core.domain.scoring import PRICE_COLUMNS, REJECTED_COLUMNS, RejectedRow, ScoringReport
from core.domain.settings import Settings
from core.models.trainer import Report, ShouldStop
from core.workflows.scoring_drift import FileDrift
from core.workflows.scoring_files import (
    PricedOutput,
    RejectedOutput,
    check_suffix,
    free_names,
    priced_output,
    rejected_output,
)
from core.workflows.scoring_prices import PricedRows, PriceRows, row_pricer
from core.workflows.scoring_rows import CheckedPart, check_part
from core.workflows.scoring_tally import ScoringTally, price_bars
from core.workflows.served_model import ServedModel

CHECKING: Final = "checking the file"
PRICING: Final = "pricing"

_REASONS_BETWEEN: Final = "; "


@dataclass(frozen=True, slots=True)
class ScoringFiles:
    """Where the houses come from and where they go: ``priced`` in one form or several, the others to ``rejected``."""

    source: Path
    priced: tuple[Path, ...]
    rejected: Path

    @classmethod
    def beside(cls, source: Path, output: Path) -> ScoringFiles:
        """One output, CSV or Parquet by its name, and ``<its stem>.rejected.csv`` beside it.

        Raises:
            InvalidData: the output's name says neither, or one of the two would take the source's place.
        """
        check_suffix(output)
        files = cls(source, (output,), output.with_name(f"{output.stem}.rejected.csv"))
        for target in (output, files.rejected):
            if _is_same(source, target):
                raise InvalidData(
                    f"{target.name} would take the place of the file that is to be priced.",
                    where=str(source),
                    remedy="Name another output.",
                )
        return files


def score_file(
    settings: Settings,
    model: ServedModel,
    files: ScoringFiles,
    columns: Mapping[str, str | None] | ColumnMapping | None = None,
    *,
    report: Report | None = None,
    should_stop: ShouldStop | None = None,
) -> ScoringReport:
    """Price every row of a file that can be priced and say of the others why they cannot.

    The outputs take their places when all rows are done; before that, and after a cancel or an error, nothing of
    them is there. The file of rejected rows is written even when there are none, so that none of an earlier time is
    taken for this one's.

    Args:
        settings: whose limits and threads. model: the version that prices; without its block groups nothing warns of
            unlikely houses and no drift is measured.
        columns: feature → column for those that are chosen, the others by their names; or all nine, as a screen has
            them.
        report: told how far it is. should_stop: asked between two chunks.

    Raises:
        DataError: the file cannot be read, is too large, or its columns are not clear.
        ScoringCancelled: ``should_stop`` said so.
        RecordsError: the outputs cannot be written, or the model gives no prices.
    """
    limits = settings.scoring
    tell = report or (lambda progress: None)
    began = time.monotonic()
    with open_table(files.source, limits.max_megabytes) as table:
        # Chosen on a screen or not: the file may be another one than the columns were chosen for.
        mapping = map_columns(table.names, columns.as_payload() if isinstance(columns, ColumnMapping) else columns)
        tell(Progress(CHECKING, unit="rows"))
        rows = table.count(limits.max_rows)
        scoring = _Scoring(table, mapping, model)
        with ThreadPoolExecutor(settings.training.n_jobs, thread_name_prefix="scoring") as pool, ExitStack() as outputs:
            price = row_pricer(model, pool, settings.training.n_jobs)
            names = free_names(table.names, PRICE_COLUMNS)
            priced = [
                outputs.enter_context(priced_output(file, names, scoring.read_as_numbers)) for file in files.priced
            ]
            # Entered last, so in its place first: who sees prices finds the rejected rows beside them.
            rejected = outputs.enter_context(rejected_output(files.rejected, free_names(table.names, REJECTED_COLUMNS)))
            pace = _Pace(tell, rows)
            for part in table.parts(limits.chunk_rows):
                if should_stop is not None and should_stop():
                    raise ScoringCancelled(where=files.source.name)
                scoring.add(part, price, priced, rejected)
                pace.tell(scoring.done, scoring.tally.rejected)
            if should_stop is not None and should_stop():
                raise ScoringCancelled(where=files.source.name)
    return scoring.report([*files.priced, files.rejected], time.monotonic() - began)


class _Scoring:
    """One file on its way through."""

    def __init__(self, table: TableFile, mapping: ColumnMapping, model: ServedModel) -> None:
        self._names = table.names
        self._mapping = mapping
        self._model = model
        self._drift = FileDrift(model.around)
        self.tally = ScoringTally()
        self.done = 0
        self.read_as_numbers = _text_features(table, mapping)

    def add(self, part: TablePart, price: PriceRows, outputs: Sequence[PricedOutput], rejected: RejectedOutput) -> None:
        """Check a part, price its good rows and write all of them to where they belong."""
        checked = check_part(part, self._mapping)
        bad = _rejected(part, checked)
        for row, cells in bad:
            rejected.write(row.row, row.reason, cells)
        self.tally.add_rejected([row for row, _ in bad], checked.kinds)
        good = part.batch if checked.is_good.all() else part.batch.filter(pa.array(checked.is_good))
        priced = price(checked.rows) if len(checked.rows) else _nothing_priced()
        for output in outputs:
            output.write(good, checked.rows.numbers, priced)
        self.tally.add_priced(priced)
        self._drift.add(checked.rows)
        self.done += len(part.batch) + len(part.broken)

    def report(self, files: Sequence[Path], seconds: float) -> ScoringReport:
        """What came of it."""
        prices = self.tally.prices
        drift = self._drift.shifts()
        return ScoringReport(
            version=self._model.source.version,
            source=self._model.source.sentence,
            rows=self.done,
            priced=len(prices),
            rejected=self.tally.rejected,
            reasons=self.tally.reasons(),
            warned=self.tally.warned,
            warnings=self.tally.warnings(),
            mean_price=float(prices.mean()) if prices.size else None,
            median_price=float(np.median(prices)) if prices.size else None,
            bars=price_bars(prices),
            first_rejected=tuple(self.tally.first_rejected),
            drift=drift,
            files=tuple(file.name for file in files),
            seconds=seconds,
            notes=tuple(self._notes(prices.size)),
        )

    def _notes(self, priced: int) -> list[str]:
        notes = [
            f"The column {before!r} of the file is called {after!r} in ours."
            for ours in (PRICE_COLUMNS, REJECTED_COLUMNS)
            for before, after in zip(self._names, free_names(self._names, ours), strict=True)
            if before != after
        ]
        if self._model.source.is_demo:
            notes.append("This model was trained on invented demo data: the prices mean nothing.")
        if priced and self._model.intervals is None:
            why = self._model.range_trouble or "The errors of this version were never measured."
            notes.append(f"The ranges are empty. {why}")
        if self._model.around is None:
            notes.append("The data file is not here, so unlikely houses are not warned of and no drift is measured.")
        elif self._model.source.data_sha256 not in ("", self._model.around.sha256):
            notes.append("This version was trained on another data file than the one that warnings and drift go by.")
        if self._mapping["total_bedrooms"] is None:
            notes.append("The file has no bedrooms, so the model estimated them from the other sizes.")
        return notes


class _Pace:
    """Says how far it is and how long the rest will take, judged by what is done."""

    def __init__(self, tell: Callable[[Progress], object], rows: int) -> None:
        self._tell = tell
        self._rows = rows
        self._began = time.monotonic()
        self.tell(0, 0)

    def tell(self, done: int, rejected: int) -> None:
        elapsed = time.monotonic() - self._began
        left = elapsed / done * (self._rows - done) if done else None
        said = f"{rejected:,} rejected" if rejected else ""
        self._tell(Progress(PRICING, done, self._rows, "rows", elapsed, left, said=said))


def _rejected(part: TablePart, checked: CheckedPart) -> list[tuple[RejectedRow, Sequence[object]]]:
    """The rows of a part that are not priced, with their cells, in file order."""
    bad = [(RejectedRow(row.number, row.complaint), row.cells) for row in part.broken]
    places = sorted(checked.complaints)
    columns = [cell_values(column) for column in part.batch.take(pa.array(places, type=pa.int64())).columns]
    found: list[tuple[RejectedRow, Sequence[object]]] = [
        *bad,
        *(
            (RejectedRow(int(part.numbers[place]), _REASONS_BETWEEN.join(checked.complaints[place])), cells)
            for place, cells in zip(places, zip(*columns, strict=True), strict=True)
        ),
    ]
    return sorted(found, key=lambda one: one[0].row)


def _text_features(table: TableFile, mapping: ColumnMapping) -> dict[str, int]:
    """The columns of numeric features that are text for want of types, each with its place in ``NUMERIC_COLUMNS``."""
    if table.is_typed:
        return {}
    columns = {mapping[feature]: place for place, feature in enumerate(NUMERIC_COLUMNS)}
    return {column: place for column, place in columns.items() if column is not None}


def _nothing_priced() -> PricedRows:
    return PricedRows(np.empty(0), None, np.empty(0, dtype=object))


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return one.absolute() == other.absolute()
