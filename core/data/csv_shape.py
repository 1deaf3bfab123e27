"""The shape of a CSV text: as many rows as are taken, each on one line with one value a column."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from typing import Final

from core.data.file_kinds import SAVE_AS_CSV, text_of
from core.data.table_parts import MOST_COLUMNS
from core.domain.errors import InvalidData
from core.domain.excerpts import listed

LONGEST_LINE: Final = 1_000_000
"""Characters. A line is held in memory whole, and no row of a table is that long."""


def check_length(content: bytes, source: str, max_rows: int | None) -> None:
    """Count the rows by their line ends, which takes a hundredth of the time of parsing them; None takes any number.

    Raises:
        InvalidData: there are more than ``max_rows``.
    """
    # Every row but the last ends a line that is not the header's.
    rows = _line_ends(content) - content.endswith((b"\n", b"\r"))
    if max_rows is not None and rows > max_rows:
        raise InvalidData(
            f"The file has {rows:,} rows; at most {max_rows:,} are taken.",
            where=source,
            remedy="Give fewer rows, for instance a random sample, or raise data.max_rows: time and memory of a "
            "training grow with its rows.",
        )


def _line_ends(content: bytes) -> int:
    return content.count(b"\n") + content.count(b"\r") - content.count(b"\r\n")


def check_shape(content: bytes, source: str) -> None:
    """Hold every row to one line with one value a column.

    Raises:
        InvalidData: one is not so, the header is none, or there are no rows.
    """
    lines = csv.reader(_lines(content, source))
    try:
        header = next(lines, [])
        if lines.line_num > 1:
            raise _unclosed(1, source)
        _check_header(header, source)
        blank = 0
        rows = 0
        for rows, values in enumerate(lines, start=1):
            line = rows + 1
            if not values:
                blank = blank or line
                continue
            if blank:
                raise InvalidData(
                    f"Line {blank} is blank.", where=source, remedy="Remove blank lines between the rows."
                )
            if lines.line_num != line:
                raise _unclosed(line, source)
            if len(values) != len(header):
                raise InvalidData(
                    f"Line {line} has {_count(len(values), 'value')}, but the header has "
                    f"{_count(len(header), 'column')}.",
                    where=source,
                    remedy="Give every row one value a column; leave a missing value empty between its commas.",
                )
    except csv.Error as error:
        raise InvalidData(
            f"Line {lines.line_num} cannot be parsed as CSV: {error}.", where=source, remedy=SAVE_AS_CSV
        ) from error
    if rows == 0 or blank == 2:
        raise InvalidData("The file has a header but no rows.", where=source, remedy="Add the rows below line 1.")


def _lines(content: bytes, source: str) -> Iterator[str]:
    text = text_of(content)
    number = 0
    while line := text.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise InvalidData(
                f"Line {number:,} has more than {LONGEST_LINE:,} characters.",
                where=source,
                remedy="Check that the file has line ends and closes its quotation marks.",
            )
        yield line


def _check_header(header: list[str], source: str) -> None:
    if not any(name.strip() for name in header):
        raise InvalidData("Line 1 holds no column names.", where=source, remedy=SAVE_AS_CSV)
    other = next((mark for mark in (";", "\t") if len(header) == 1 and mark in header[0]), None)
    if other is not None:
        name = "semicolons" if other == ";" else "tabs"
        raise InvalidData(f"The values are separated by {name}, not commas.", where=source, remedy=SAVE_AS_CSV)
    if len(header) > MOST_COLUMNS:
        raise InvalidData(
            f"Line 1 names {len(header):,} columns; at most {MOST_COLUMNS:,} are read.",
            where=source,
            remedy="Leave out those that are not needed.",
        )
    twice = sorted(name for name, times in Counter(header).items() if times > 1)
    if twice:
        raise InvalidData(
            f"Line 1 names a column twice: {listed(twice)}.",
            where=source,
            remedy="Give each column a name of its own.",
        )


def _unclosed(line: int, source: str) -> InvalidData:
    return InvalidData(
        f"A quoted value in line {line} does not end on its line.",
        where=source,
        remedy='Close the quotation mark (") or remove it.',
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
