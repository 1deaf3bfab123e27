"""A table somebody brings, as the bytes that are kept of it: a CSV file as it is, a Parquet file written as one."""

from __future__ import annotations

import io
from typing import BinaryIO, Final

import pandas as pd

from core.data.file_kinds import MEGABYTE
from core.data.parquet_parts import ParquetTable
from core.data.reading import parse_table
from core.data.schema import validate_rows
from core.data.table_files import is_parquet
from core.domain.errors import InvalidData
from core.domain.settings import DataSettings

_PART: Final = 50_000


def own_table(file: BinaryIO, source: str, limits: DataSettings) -> tuple[bytes, int]:
    """The CSV file to keep, and how many rows it has. Every row obeys the rules of a data file.

    A CSV file is kept byte for byte, so its SHA-256 is that of the file where it came from. A Parquet file is kept as
    the CSV file that pandas writes of the same values, the ten columns in their usual order.

    Args:
        source: how errors call the file. limits: as many rows and megabytes as a data file may have.

    Raises:
        InvalidData: it is too large, no table, or rows break the rules: the first are named with line, column, rule.
    """
    file.seek(0, io.SEEK_END)
    size = file.tell()
    if size > limits.max_megabytes * MEGABYTE:
        raise InvalidData(
            f"The file has {size / MEGABYTE:,.0f} MB; at most {limits.max_megabytes:,} MB are taken.",
            where=source,
            remedy="Give fewer rows, or raise data.max_megabytes.",
        )
    if is_parquet(file):
        rows = validate_rows(_from_parquet(file, source, limits), source=source)
        return rows.to_csv(index=False, lineterminator="\n").encode(), len(rows)
    file.seek(0)
    content = file.read()
    if not content:
        raise InvalidData("The file is empty.", where=source, remedy="Give a CSV or Parquet file with rows.")
    rows = validate_rows(parse_table(content, source=source, max_rows=limits.max_rows), source=source)
    return content, len(rows)


def _from_parquet(file: BinaryIO, source: str, limits: DataSettings) -> pd.DataFrame:
    table = ParquetTable(file, source, limits.max_megabytes)
    table.count(limits.max_rows)
    rows: pd.DataFrame = pd.concat([part.batch.to_pandas() for part in table.parts(_PART)], ignore_index=True)
    return rows
