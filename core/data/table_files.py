"""Opening somebody's table for reading in parts: CSV or Parquet by what is in it, whatever it is called."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from core.data.csv_parts import CsvTable
from core.data.file_kinds import MEGABYTE
from core.data.parquet_parts import MAGIC, ParquetTable
from core.data.table_parts import TableFile
from core.domain.errors import DataUnavailable, InvalidData


@contextmanager
def open_table(path: Path, max_megabytes: int) -> Iterator[TableFile]:
    """The table in a regular file of at most ``max_megabytes``, open for as long as the block lasts.

    Raises:
        DataUnavailable: there is no such file, or it may not be read.
        InvalidData: it is too large, empty, or no table.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
            raise InvalidData(f"This is {kind}.", where=str(path), remedy="Name the CSV or Parquet file itself.")
        if status.st_size > max_megabytes * MEGABYTE:
            raise InvalidData(
                f"The file has {status.st_size / MEGABYTE:,.0f} MB; at most {max_megabytes:,} MB are read.",
                where=str(path),
                remedy="Divide it, or raise scoring.max_megabytes.",
            )
        file = path.open("rb")
    except FileNotFoundError as error:
        raise DataUnavailable("There is no such file.", where=str(path), remedy="Correct its name.") from error
    except OSError as error:
        raise DataUnavailable(
            f"The file cannot be read: {error.strerror or error}.",
            where=str(path),
            remedy="Make it readable for the user who runs the lab.",
        ) from error
    with file:
        yield table_in(file, str(path), max_megabytes)


def table_in(file: BinaryIO, source: str, max_megabytes: int) -> TableFile:
    """The table in an open file that can be rewound; ``source`` is how errors call it.

    Raises:
        InvalidData: it is no table.
    """
    file.seek(0)
    if is_parquet(file):
        return ParquetTable(file, source, max_megabytes)
    return CsvTable(file, source)


def is_parquet(file: BinaryIO) -> bool:
    """Whether it begins as a Parquet file does."""
    file.seek(0)
    return file.read(len(MAGIC)) == MAGIC
