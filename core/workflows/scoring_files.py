"""Where priced and rejected rows go: CSV that runs nothing in a spreadsheet, or Parquet; whole or not there at all."""

from __future__ import annotations

import csv
import functools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.data.table_parts import cell_values
from core.domain.errors import InvalidData, RecordsError
from core.domain.files import draft_of
from core.domain.scoring import PRICE_COLUMNS, RANGE_COLUMNS, REJECTED_COLUMNS
from core.domain.spreadsheet import DANGEROUS, cell
from core.workflows.scoring_prices import PricedRows

PARQUET_SUFFIXES: Final = (".parquet", ".pq")
CSV_SUFFIXES: Final = (".csv",)

_BINARY: Final = (bytes, bytearray, memoryview)


class PricedOutput(ABC):
    """A file that is being written."""

    @abstractmethod
    def write(self, batch: Any, numbers: np.ndarray, priced: PricedRows) -> None:
        """Add rows: a pyarrow RecordBatch of n rows as they came, their features of shape (n, 8), their prices."""

    @abstractmethod
    def finish(self) -> None:
        """Nothing comes any more."""


class CsvOutput(PricedOutput):
    """Text cells as they came, but for an apostrophe before what a spreadsheet would run; money to the cent."""

    def __init__(self, file: TextIO, names: Sequence[str]) -> None:
        self._rows = csv.writer(file)
        self._rows.writerow([cell(name) for name in (*names, *PRICE_COLUMNS)])

    def write(self, batch: Any, numbers: np.ndarray, priced: PricedRows) -> None:
        columns = [_texts(column) for column in batch.columns]
        columns.append(_cents(priced.prices))
        nothing = [""] * len(batch)
        columns += [_cents(getattr(priced.ranges, name)) if priced.ranges else nothing for name in RANGE_COLUMNS]
        columns.append(priced.warnings.tolist())
        self._rows.writerows(zip(*columns, strict=True))

    def finish(self) -> None:
        """Every row is handed to the file already."""


class ParquetOutput(PricedOutput):
    """Columns keep the types they came with. Those of a CSV file are text but for the features, which are numbers."""

    def __init__(self, path: Path, names: Sequence[str], features: Mapping[str, int]) -> None:
        self._path = path
        self._names = list(names)
        self._features = features
        self._writer: Any = None

    def write(self, batch: Any, numbers: np.ndarray, priced: PricedRows) -> None:
        columns = list(batch.columns)
        for name, place in self._features.items():
            at = batch.schema.get_field_index(name)
            columns[at] = pa.array(numbers[:, place], from_pandas=True)
        columns.append(pa.array(priced.prices))
        nothing = pa.nulls(len(batch), pa.float64())
        columns += [pa.array(getattr(priced.ranges, name)) if priced.ranges else nothing for name in RANGE_COLUMNS]
        columns.append(pa.array(priced.warnings, type=pa.string()))
        table = pa.RecordBatch.from_arrays(columns, names=[*self._names, *PRICE_COLUMNS])
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema)
        self._writer.write_batch(table)

    def finish(self) -> None:
        """Write the file's end; without it nothing could read the rest."""
        if self._writer is not None:
            self._writer.close()


class RejectedOutput:
    """Row number, reasons, and the cells as they came."""

    def __init__(self, file: TextIO, names: Sequence[str]) -> None:
        self._rows = csv.writer(file)
        self._width = len(names)
        self._rows.writerow([cell(name) for name in (*REJECTED_COLUMNS, *names)])

    def write(self, number: int, reason: str, cells: Sequence[object]) -> None:
        """Add a row; cells it lacks stay empty, and those beyond the last column are told in the reason."""
        shown = [_text(one) for one in cells[: self._width]]
        self._rows.writerow([str(number), cell(reason), *shown, *[""] * (self._width - len(shown))])


def check_suffix(output: Path) -> None:
    """Raises InvalidData for a name that says neither CSV nor Parquet."""
    if output.suffix.lower() not in (*PARQUET_SUFFIXES, *CSV_SUFFIXES):
        raise InvalidData(
            "The output is neither CSV nor Parquet by its name.",
            where=str(output),
            remedy="Let the name end in .csv or .parquet.",
        )


def free_names(names: Sequence[str], ours: Iterable[str]) -> tuple[str, ...]:
    """The columns' names in our file: one that is called like a column of ours gets ``_input`` behind its name."""
    taken = {*names, *ours}
    reserved = set(ours)
    found = []
    for name in names:
        free, again = name, 1
        while free in reserved or (free != name and free in taken):
            free = f"{name}_input" if again == 1 else f"{name}_input_{again}"
            again += 1
        taken.add(free)
        found.append(free)
    return tuple(found)


@contextmanager
def priced_output(target: Path, names: Sequence[str], features: Mapping[str, int]) -> Iterator[PricedOutput]:
    """A file of priced rows in the form its name says; it takes its place when the block ends well.

    Args:
        names: of the columns as they are to be called. features: those that are text and shall be numbers in Parquet,
            by the name they came with → their place in ``NUMERIC_COLUMNS``.

    Raises:
        RecordsError: it cannot be written.
    """
    with _write_errors(target), draft_of(target) as draft, ExitStack() as stack:
        output: PricedOutput
        if target.suffix.lower() in PARQUET_SUFFIXES:
            output = ParquetOutput(draft, names, features)
        else:
            output = CsvOutput(stack.enter_context(draft.open("w", encoding="utf-8", newline="")), names)
        try:
            yield output
        finally:
            output.finish()


@contextmanager
def rejected_output(target: Path, names: Sequence[str]) -> Iterator[RejectedOutput]:
    """The file of rejected rows; it takes its place when the block ends well.

    Raises:
        RecordsError: it cannot be written.
    """
    with (
        _write_errors(target),
        draft_of(target) as draft,
        draft.open("w", encoding="utf-8", newline="") as file,
    ):
        yield RejectedOutput(file, names)


@contextmanager
def _write_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RecordsError(
            f"The file cannot be written: {error.strerror or error}.",
            where=str(target),
            remedy="Free some disk space, or name a file in a folder you may write to.",
        ) from error


def _texts(column: Any) -> list[str]:
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return [_text(value) for value in cell_values(column)]
    # Nearly all texts of nearly all files are harmless, and are not looked at one by one.
    known = pc.fill_null(column, "")
    texts: list[str] = known.to_pylist()
    begin_so = functools.reduce(pc.or_, [pc.starts_with(known, sign) for sign in DANGEROUS])
    for place in np.flatnonzero(begin_so).tolist():
        texts[place] = cell(texts[place])
    return texts


def _text(value: object) -> str:
    if value is None or isinstance(value, str | float | int):
        return cell(value)
    return cell(bytes(value).hex() if isinstance(value, _BINARY) else str(value))


def _cents(amounts: np.ndarray) -> list[str]:
    return [f"{amount:.2f}" for amount in amounts.tolist()]
