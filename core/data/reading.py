"""A CSV file as a table, or one clear error.

Numbers are parsed exactly as a plain ``pandas.read_csv`` parses them, so that figures agree with anybody
else's on the same file. Every row must stand on one line with as many values as the header: pandas would
otherwise fill up, shift or drop values without a word, and line numbers in later errors would be wrong.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from core.data.csv_shape import check_length, check_shape
from core.data.file_content import read_content
from core.data.file_kinds import SAVE_AS_CSV, check_text, text_of
from core.domain.errors import InvalidData

_BLANK_END: Final = (b"\n\n", b"\r\r", b"\n\r\n")


def read_table(path: Path, max_megabytes: int, max_rows: int | None = None) -> pd.DataFrame:
    """The table in a CSV file, rows in file order under an index from 0; values are not judged here.

    Raises:
        DataUnavailable: there is no such file, or it may not be read.
        InvalidData: it is too large, empty, no CSV, not UTF-8, or ragged.
    """
    return parse_table(read_content(path, max_megabytes), source=str(path), max_rows=max_rows)


def parse_table(content: bytes, *, source: str, max_rows: int | None = None) -> pd.DataFrame:
    """The table in the content of a CSV file; ``source`` is how errors call it.

    Args:
        max_rows: a longer table is refused before it is parsed; None takes any.

    Raises:
        InvalidData: it is no CSV, not UTF-8, ragged, has no rows, or too many.
    """
    check_text(content, source)
    if content.endswith(_BLANK_END):
        content = content.rstrip(b"\r\n")  # blank lines at the end are no rows, and there may be millions
    check_length(content, source, max_rows)
    check_shape(content, source)
    try:
        # low_memory=False judges a column as a whole, so that one wrong cell cannot make half of it text.
        return pd.read_csv(text_of(content), low_memory=False, index_col=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError, OverflowError) as error:
        raise InvalidData(f"The file cannot be parsed as CSV: {error}.", where=source, remedy=SAVE_AS_CSV) from error
