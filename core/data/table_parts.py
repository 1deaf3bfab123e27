"""A table read part by part, so that a million rows take the memory of a few thousand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from core.domain.errors import InvalidData
from core.domain.excerpts import listed

MOST_COLUMNS: Final = 1_000


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row with too few or too many values: ``number`` as :attr:`TablePart.numbers`, its cells, what is wrong."""

    number: int
    cells: tuple[str, ...]
    complaint: str


@dataclass(frozen=True, slots=True, eq=False)
class TablePart:
    """Rows that follow each other.

    Attributes:
        batch: a pyarrow RecordBatch of n rows with the table's columns; all text where the file is.
        numbers: the rows as people count them, shape (n,): in a CSV file as a spreadsheet numbers them, so that the
            header is 1; in Parquet from 1.
        broken: rows among these that are no rows of this table. They are not in ``batch``.
    """

    batch: Any
    numbers: npt.NDArray[np.int64]
    broken: tuple[BrokenRow, ...] = ()


class TableFile(Protocol):
    """An open CSV or Parquet file. Read it again as often as you like; whoever opened the file closes it.

    Attributes:
        names: the columns, each once.
        is_typed: whether columns have types of their own; else all is text.
    """

    names: tuple[str, ...]
    is_typed: bool

    def count(self, most: int) -> int:
        """How many rows it has, broken ones included, all of it looked at where that can find a fault.

        Raises:
            InvalidData: it has none, more than ``most``, or cannot be read to its end.
        """

    def parts(self, rows: int) -> Iterator[TablePart]:
        """All rows in file order, at most ``rows`` at a time.

        Raises:
            InvalidData: it cannot be read to its end.
        """


def cell_values(column: Any) -> list[object]:
    """The cells of a pyarrow array as Python has them; times as text, for Python knows fewer years.

    Raises:
        InvalidData: one of them is nothing Python has.
    """
    try:
        is_time = pa.types.is_temporal(column.type) and not pa.types.is_interval(column.type)
        return list((pc.cast(column, pa.string()) if is_time else column).to_pylist())
    except (pa.ArrowException, ValueError, OverflowError) as error:
        reason = str(error).split("\n", 1)[0].rstrip(".")
        raise InvalidData(
            f"A cell of type {column.type} cannot be read: {reason}.",
            remedy="Leave its column out, or write it as text.",
        ) from error


def check_names(names: Sequence[str], source: str) -> None:
    """Raises InvalidData when there are no columns, too many, or two of one name."""
    if not any(name.strip() for name in names):
        raise InvalidData("The file names no columns.", where=source, remedy="Put the column names into line 1.")
    if len(names) > MOST_COLUMNS:
        raise InvalidData(
            f"The file has {len(names):,} columns; at most {MOST_COLUMNS:,} are read.",
            where=source,
            remedy="Leave out those that are not needed.",
        )
    seen: set[str] = set()
    twice = sorted({name for name in names if name in seen or seen.add(name)})  # type: ignore[func-returns-value]
    if twice:
        raise InvalidData(
            f"A column's name stands there twice: {listed(twice)}.",
            where=source,
            remedy="Give each column a name of its own.",
        )


def too_many_rows(most: int, source: str) -> InvalidData:
    """What is said of a table that is longer than the settings allow."""
    return InvalidData(
        f"The file has more than {most:,} rows.",
        where=source,
        remedy="Divide it, or raise scoring.max_rows.",
    )


def no_rows(source: str) -> InvalidData:
    """What is said of a table of column names alone."""
    return InvalidData("The file has column names but no rows.", where=source, remedy="Add the rows to be priced.")
