"""A CSV file as a table, or one clear error.

Numbers are parsed exactly as a plain ``pandas.read_csv`` parses them, so that figures agree with anybody
else's on the same file. Every row must stand on one line with as many values as the header: pandas would
otherwise fill up, shift or drop values without a word, and line numbers in later errors would be wrong.
"""

from __future__ import annotations

import codecs
import csv
import io
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pandas as pd

from core.data.table_parts import MOST_COLUMNS
from core.domain.errors import DataUnavailable, InvalidData
from core.domain.excerpts import listed

LONGEST_LINE: Final = 1_000_000
"""Characters. A line is held in memory whole, and no row of a table is that long."""

_MEGABYTE: Final = 1_000_000
_BLANK_END: Final = (b"\n\n", b"\r\r", b"\n\r\n")

_SAVE_AS_CSV: Final = "Give a CSV file: values separated by commas, text in UTF-8, the column names in line 1."

_SIGNATURES: Final = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "an SQLite database"),
)


def is_there(path: Path) -> bool:
    """Whether anything stands at ``path``, readable or not: what cannot be looked at is for reading to explain."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def read_table(path: Path, max_megabytes: int, max_rows: int | None = None) -> pd.DataFrame:
    """The table in a CSV file, rows in file order under an index from 0; values are not judged here.

    Raises:
        DataUnavailable: there is no such file, or it may not be read.
        InvalidData: it is too large, empty, no CSV, not UTF-8, or ragged.
    """
    return parse_table(read_content(path, max_megabytes), source=str(path), max_rows=max_rows)


def read_content(path: Path, max_megabytes: int) -> bytes:
    """The bytes of a regular file of at most ``max_megabytes``; the size is looked at before anything is read.

    Raises:
        DataUnavailable: there is no such file, or it may not be read.
        InvalidData: it is a folder or a device, empty, or too large.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
            raise InvalidData(f"The data file is {kind}.", where=str(path), remedy="Name the CSV file itself.")
        if status.st_size > max_megabytes * _MEGABYTE:
            raise _too_large(path, status.st_size, max_megabytes)
        with path.open("rb") as file:
            # One byte more than allowed, because a file may grow after it was measured.
            content = file.read(max_megabytes * _MEGABYTE + 1)
    except FileNotFoundError as error:
        raise DataUnavailable(
            "There is no such data file.", where=str(path), remedy="Put the file there, or correct data.path."
        ) from error
    except OSError as error:
        raise DataUnavailable(
            f"The data file cannot be read: {error.strerror or error}.",
            where=str(path),
            remedy="Make it readable for the user who runs the lab, or correct data.path.",
        ) from error
    if len(content) > max_megabytes * _MEGABYTE:
        raise _too_large(path, len(content), max_megabytes)
    if not content:
        raise InvalidData("The data file is empty.", where=str(path), remedy=_SAVE_AS_CSV)
    return content


def count_rows(path: Path) -> int | None:
    """How many rows a CSV file holds, by its line ends alone: a look, not a reading. None when it cannot be read."""
    feeds = returns = 0
    last = b""
    try:
        with path.open("rb") as file:
            while piece := file.read(_MEGABYTE):
                feeds += piece.count(b"\n")
                returns += piece.count(b"\r")
                last = piece[-1:]
    except OSError:
        return None
    # The header's line is no row; the last row need not end its line.
    return max(0, max(feeds, returns) - (last in {b"\n", b"\r", b""}))


def parse_table(content: bytes, *, source: str, max_rows: int | None = None) -> pd.DataFrame:
    """The table in the content of a CSV file; ``source`` is how errors call it.

    Args:
        max_rows: a longer table is refused before it is parsed; None takes any.

    Raises:
        InvalidData: it is no CSV, not UTF-8, ragged, has no rows, or too many.
    """
    _check_text(content, source)
    if content.endswith(_BLANK_END):
        content = content.rstrip(b"\r\n")  # blank lines at the end are no rows, and there may be millions
    _check_length(content, source, max_rows)
    _check_shape(content, source)
    try:
        # low_memory=False judges a column as a whole, so that one wrong cell cannot make half of it text.
        return pd.read_csv(_text(content), low_memory=False, index_col=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError, OverflowError) as error:
        raise InvalidData(f"The file cannot be parsed as CSV: {error}.", where=source, remedy=_SAVE_AS_CSV) from error


def foreign_kind(beginning: bytes) -> str | None:
    """What a file that is no text is, by its first bytes: ``a PNG picture``. None when they do not say."""
    return next((name for signature, name in _SIGNATURES if beginning.startswith(signature)), None)


def refuse_markup(text: str, source: str) -> None:
    """Call a text by its name that is no table.

    Raises:
        InvalidData: it begins as JSON, as a web page or as XML does.
    """
    beginning = text.lstrip()[:1]
    if beginning in {"{", "["}:
        raise InvalidData("The file is no CSV but JSON.", where=source, remedy=_SAVE_AS_CSV)
    if beginning == "<":
        raise InvalidData(
            "The file is no CSV but a web page or XML.",
            where=source,
            remedy="Download the raw file, not the page that shows it.",
        )


def _text(content: bytes) -> io.TextIOWrapper:
    """The content as text that is decoded as it is read: whole, it could take four times the file's memory."""
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")


def _check_text(content: bytes, source: str) -> None:
    """Refuses what is no UTF-8, with or without a byte order mark, and calls it by its name."""
    kind = foreign_kind(content)
    if kind is None and content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InvalidData("The file is written in UTF-16.", where=source, remedy="Save it again in UTF-8.")
    if kind is None and b"\0" in content:
        kind = "binary (it holds zero bytes)"
    if kind is not None:
        raise InvalidData(f"The file is no CSV but {kind}.", where=source, remedy=_SAVE_AS_CSV)
    wrong = _undecodable(content)
    if wrong is not None:
        line = content.count(b"\n", 0, wrong) + 1
        raise InvalidData(
            f"The file is not UTF-8: byte 0x{content[wrong]:02x} in line {line:,} is none of its characters.",
            where=source,
            remedy="Save it again in UTF-8; spreadsheets offer it as “CSV UTF-8”.",
        )
    refuse_markup(content[:_MEGABYTE].decode("utf-8-sig", errors="ignore"), source)


def _undecodable(content: bytes) -> int | None:
    """The place of the first byte that is no UTF-8; a piece at a time, for the text itself is not kept."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(content), _MEGABYTE):
        begun = len(decoder.getstate()[0])
        try:
            decoder.decode(content[start : start + _MEGABYTE], final=start + _MEGABYTE >= len(content))
        except UnicodeDecodeError as error:
            return start - begun + error.start
    return None


def _check_length(content: bytes, source: str, max_rows: int | None) -> None:
    """Refuses too many rows by counting line ends, which takes a hundredth of the time of parsing them."""
    # Every row but the last ends a line that is not the header's.
    rows = _line_ends(content) - content.endswith((b"\n", b"\r"))
    if max_rows is not None and rows > max_rows:
        raise InvalidData(
            f"The file has {rows:,} rows; at most {max_rows:,} are taken.",
            where=source,
            remedy="Give fewer rows, for instance a random sample, or raise data.max_rows: time and memory of a "
            "training grow faster than its rows.",
        )


def _line_ends(content: bytes) -> int:
    return content.count(b"\n") + content.count(b"\r") - content.count(b"\r\n")


def _lines(content: bytes, source: str) -> Iterator[str]:
    text = _text(content)
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


def _check_shape(content: bytes, source: str) -> None:
    """Refuses a table whose rows do not each stand on one line with one value a column."""
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
            f"Line {lines.line_num} cannot be parsed as CSV: {error}.", where=source, remedy=_SAVE_AS_CSV
        ) from error
    if rows == 0 or blank == 2:
        raise InvalidData("The file has a header but no rows.", where=source, remedy="Add the rows below line 1.")


def _check_header(header: list[str], source: str) -> None:
    if not any(name.strip() for name in header):
        raise InvalidData("Line 1 holds no column names.", where=source, remedy=_SAVE_AS_CSV)
    other = next((mark for mark in (";", "\t") if len(header) == 1 and mark in header[0]), None)
    if other is not None:
        name = "semicolons" if other == ";" else "tabs"
        raise InvalidData(f"The values are separated by {name}, not commas.", where=source, remedy=_SAVE_AS_CSV)
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


def _too_large(path: Path, size: int, max_megabytes: int) -> InvalidData:
    return InvalidData(
        f"The data file has {size / _MEGABYTE:,.0f} MB; at most {max_megabytes:,} MB are read.",
        where=str(path),
        remedy="Give a smaller file, or raise data.max_megabytes.",
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
