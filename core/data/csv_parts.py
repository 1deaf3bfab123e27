"""A CSV file part by part: separator and encoding found, every cell text, every row counted, nothing guessed."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa

from core.data.csv_shape import LONGEST_LINE
from core.data.file_kinds import SAVE_AS_CSV, foreign_kind, refuse_markup
from core.data.table_parts import BrokenRow, TablePart, check_names, no_rows, too_many_rows
from core.domain.errors import DataUnavailable, InvalidData

SEPARATORS: Final = (",", ";", "\t")

_BLOCK: Final = 1 << 18
_MOST_CHARACTERS: Final = 16_000_000
"""A part ends before its rows are complete when it holds as much text as that."""

_MOST_BLANK: Final = 1_000_000
_SHOWN_CELLS: Final = 5
_SHOWN_TEXT: Final = 40


class CsvTable:
    """An open CSV file; see :class:`core.data.table_parts.TableFile`.

    UTF-8 with or without a byte order mark, or UTF-16 with one; separated by commas, semicolons or tabs. A row with
    another number of values than the header is broken; blank lines are no rows.

    Raises:
        InvalidData: it is empty, no text, no table, or line 1 is no header.
    """

    is_typed = False

    def __init__(self, file: BinaryIO, source: str) -> None:
        self._file = file
        self._source = source
        self._given = 0
        self._encoding = _encoding(file, source)
        first = next(self._lines(), "")
        refuse_markup(first, source)
        if not first:
            raise InvalidData("The file is empty.", where=source, remedy=SAVE_AS_CSV)
        self._separator = _separator(first)
        self.names = tuple(next(self._records(), []))
        check_names(self.names, source)

    def count(self, most: int) -> int:
        """See :meth:`TableFile.count`; all of the file is read."""
        rows = -1
        for record in self._records():
            rows += bool(record)
            if rows > most:
                raise too_many_rows(most, self._source)
        if rows < 1:
            raise no_rows(self._source)
        return rows

    def parts(self, rows: int) -> Iterator[TablePart]:
        """See :meth:`TableFile.parts`; every column is text."""
        width = len(self.names)
        good: list[list[str]] = []
        numbers: list[int] = []
        broken: list[BrokenRow] = []
        began = self._given
        for number, record in islice(enumerate(self._records(), start=1), 1, None):
            if not record:
                continue
            if len(record) == width:
                good.append(record)
                numbers.append(number)
            else:
                broken.append(BrokenRow(number, tuple(record), _unlike_header(record, width)))
            if len(numbers) + len(broken) >= rows or self._given - began >= _MOST_CHARACTERS:
                yield self._part(good, numbers, broken)
                good, numbers, broken, began = [], [], [], self._given
        if good or broken:
            yield self._part(good, numbers, broken)

    def _part(self, good: list[list[str]], numbers: list[int], broken: list[BrokenRow]) -> TablePart:
        columns = list(zip(*good, strict=True)) or [()] * len(self.names)
        arrays = [pa.array(column, type=pa.string()) for column in columns]
        batch = pa.RecordBatch.from_arrays(arrays, names=list(self.names))
        return TablePart(batch, np.array(numbers, dtype=np.int64), tuple(broken))

    def _records(self) -> Iterator[list[str]]:
        """Every record, the header first; a blank line is an empty one."""
        # Strict: what stands after a closing quote is a fault of the file, and not to be read as something.
        reader = csv.reader(self._lines(), delimiter=self._separator, strict=True)
        blank = 0
        try:
            for record in reader:
                blank += not record
                if blank > _MOST_BLANK:
                    raise InvalidData(
                        f"The file has more than {_MOST_BLANK:,} blank lines.",
                        where=self._source,
                        remedy="Remove the blank lines.",
                    )
                yield record
        except csv.Error as error:
            raise InvalidData(
                f"Line {reader.line_num:,} cannot be parsed as CSV: {error}.",
                where=self._source,
                remedy='Close every quotation mark ("), and double those within a quoted value.',
            ) from error

    def _lines(self) -> Iterator[str]:
        """The lines with their ends, decoded a block at a time."""
        self._file.seek(0)
        decoder = codecs.getincrementaldecoder(self._encoding)()
        number, rest = 0, ""
        while True:
            block = self._read()
            try:
                text = rest + decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                raise self._undecodable(error, number) from error
            if "\0" in text:
                raise InvalidData(
                    "The file is no CSV but binary (it holds zero bytes).", where=self._source, remedy=SAVE_AS_CSV
                )
            lines = list(io.StringIO(text, newline=""))
            # The last line may go on in the next block, and its "\r" may be half of a line's end.
            rest = lines.pop() if lines and block else ""
            if len(rest) > LONGEST_LINE or any(len(line) > LONGEST_LINE for line in lines):
                raise self._too_long(number)
            self._given += len(text) - len(rest)
            number += len(lines)
            yield from lines
            if not block:
                return

    def _read(self) -> bytes:
        try:
            return self._file.read(_BLOCK)
        except OSError as error:
            raise DataUnavailable(
                f"The file cannot be read to its end: {error.strerror or error}.",
                where=self._source,
                remedy="Try again, or copy the file to another disk.",
            ) from error

    def _undecodable(self, error: UnicodeDecodeError, lines: int) -> InvalidData:
        line = lines + error.object.count(b"\n", 0, error.start) + 1
        return InvalidData(
            f"The file is not {self._encoding.upper().removesuffix('-SIG')}: byte 0x{error.object[error.start]:02x} "
            f"about line {line:,} is none of its characters.",
            where=self._source,
            remedy="Save it again in UTF-8; spreadsheets offer it as “CSV UTF-8”.",
        )

    def _too_long(self, lines: int) -> InvalidData:
        return InvalidData(
            f"A line after line {lines:,} has more than {LONGEST_LINE:,} characters.",
            where=self._source,
            remedy="Check that the file has line ends and closes its quotation marks.",
        )


def _encoding(file: BinaryIO, source: str) -> str:
    file.seek(0)
    beginning = file.read(16)
    kind = foreign_kind(beginning)
    if kind is not None:
        raise InvalidData(f"The file is no CSV but {kind}.", where=source, remedy=SAVE_AS_CSV)
    return "utf-16" if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"


def _separator(first: str) -> str:
    """What parts the header into most columns; commas when nothing does."""

    def columns(separator: str) -> int:
        try:
            return len(next(csv.reader([first], delimiter=separator)))
        except (csv.Error, StopIteration):
            return 0

    return max(SEPARATORS, key=columns)


def _unlike_header(record: list[str], width: int) -> str:
    counted = "1 value" if len(record) == 1 else f"{len(record):,} values"
    beyond = [repr(cell[:_SHOWN_TEXT]) for cell in record[width : width + _SHOWN_CELLS]]
    more = " …" if len(record) > width + _SHOWN_CELLS else ""
    surplus = f"; beyond the last column: {', '.join(beyond)}{more}" if beyond else ""
    return f"the row has {counted}, the header {width:,} columns{surplus}"
