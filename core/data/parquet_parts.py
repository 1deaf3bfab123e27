"""A Parquet file part by part. What its header promises is looked at before anything is unpacked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.data.file_kinds import MEGABYTE
from core.data.table_parts import TablePart, check_names, no_rows, too_many_rows
from core.domain.errors import InvalidData

MAGIC: Final = b"PAR1"

_BUFFER: Final = 1 << 20
_ASK_FOR_PARQUET: Final = "Write the file again, for instance with pandas' to_parquet, or give a CSV file."


class ParquetTable:
    """An open Parquet file; see :class:`core.data.table_parts.TableFile`.

    Args:
        most_megabytes: neither the packed nor the unpacked content may be larger: a few kilobytes can unpack to more
            than any memory holds.

    Raises:
        InvalidData: it cannot be read, its columns cannot be told apart, or it unpacks to too much.
    """

    is_typed = True

    def __init__(self, file: BinaryIO, source: str, most_megabytes: int) -> None:
        self._source = source
        self._most = most_megabytes * MEGABYTE
        with self._faults():
            file.seek(0)
            schema = pq.read_schema(file)
            # Texts are read in their dictionaries: one repeated a million times is counted before it is unpacked.
            texts = [field.name for field in schema if pa.types.is_string(field.type)]
            file.seek(0)
            self._parquet = pq.ParquetFile(file, read_dictionary=texts, buffer_size=_BUFFER, pre_buffer=False)
        self._schema = schema.remove_metadata()
        self.names = tuple(schema.names)
        check_names(self.names, source)
        groups = range(self._parquet.metadata.num_row_groups)
        self._refuse_too_much(sum(self._parquet.metadata.row_group(group).total_byte_size for group in groups))

    def count(self, most: int) -> int:
        """See :meth:`TableFile.count`; only the header is read."""
        rows = int(self._parquet.metadata.num_rows)
        if rows > most:
            raise too_many_rows(most, self._source)
        if rows < 1:
            raise no_rows(self._source)
        return rows

    def parts(self, rows: int) -> Iterator[TablePart]:
        """See :meth:`TableFile.parts`; columns keep their types."""
        first, unpacked = 1, 0
        with self._faults():
            for batch in self._parquet.iter_batches(batch_size=rows, use_threads=False):
                unpacked += sum(_unpacked_bytes(column) for column in batch.columns)
                self._refuse_too_much(unpacked)
                batch.validate(full=True)  # a damaged text is found here, and not where it is written
                yield TablePart(batch.cast(self._schema), np.arange(first, first + len(batch), dtype=np.int64))
                first += len(batch)

    def _refuse_too_much(self, size: int) -> None:
        if size > self._most:
            raise InvalidData(
                f"The file unpacks to more than {self._most // MEGABYTE:,} MB.",
                where=self._source,
                remedy="Divide it, leave out columns that are not needed, or raise scoring.max_megabytes.",
            )

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """pyarrow's words for a damaged file."""
        try:
            yield
        except (pa.ArrowException, OSError, ValueError) as error:
            reason = str(error).split("\n", 1)[0].rstrip(".")
            raise InvalidData(
                f"The Parquet file cannot be read: {reason}.", where=self._source, remedy=_ASK_FOR_PARQUET
            ) from error


def _unpacked_bytes(column: Any) -> int:
    """What a column's cells take when each stands for itself."""
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = pc.take(pc.binary_length(column.dictionary), column.indices)
    return int(pc.sum(lengths).as_py() or 0)
