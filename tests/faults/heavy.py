"""Files that are too much: long lines, endless headers, what unpacks to gigabytes. And a process of its own that opens
them one after the other: ``python -m tests.faults.heavy DOOR FOLDER MEGABYTES`` prints what became of each."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import resource
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from core.data.ingest import DataIngestor
from core.domain.configuration import load_settings
from core.domain.errors import LabError
from core.workflows.scoring import ScoringFiles, score_file
from tests.faults.malformed import COLUMNS, ROWS, good_grid, text_of
from tests.scored import served

MEGABYTE: Final = 1_000_000
UNPACKED: Final = 2_000
"""Megabytes a packed file unpacks to."""

Parts = Callable[[int], Iterator[bytes]]
Door = Callable[[Path], None]


def _repeated(part: bytes, *, before: bytes = b"", after: bytes = b"\n") -> Parts:
    block = part * (MEGABYTE // len(part))

    def parts(megabytes: int) -> Iterator[bytes]:
        yield before
        for _ in range(megabytes):
            yield block
        yield after

    return parts


def _gzip(megabytes: int) -> Iterator[bytes]:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, compresslevel=1) as file:
        for _ in range(UNPACKED // 4 if megabytes > 50 else 50):
            file.write(b" " * 4 * MEGABYTE)
    yield packed.getvalue()


def _zip(megabytes: int) -> Iterator[bytes]:
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("housing.csv", "w") as file,
    ):
        for _ in range(UNPACKED // 4 if megabytes > 50 else 50):
            file.write(b"0" * 4 * MEGABYTE)
    yield packed.getvalue()


def _parquet_of_one_text(_: int) -> Iterator[bytes]:
    """Four gigabytes of text in a few kilobytes: one megabyte, four thousand times."""
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 4_000, pa.int32()), pa.array(["x" * MEGABYTE]))
    columns = [pa.array(["1"] * 4_000)] * (len(COLUMNS) - 1)
    file = io.BytesIO()
    pq.write_table(pa.table([*columns, text], names=list(COLUMNS)), file, compression="zstd")
    yield file.getvalue()


def _parquet_of_nothing(_: int) -> Iterator[bytes]:
    """Columns of nothing, which take no room however long they are said to be: more rows than any door takes."""
    file = io.BytesIO()
    nothing = {name: pa.nulls(10_000_000, pa.int8()) for name in COLUMNS}
    pq.write_table(pa.table(nothing), file, compression="zstd")
    yield file.getvalue()


def _many_columns(_: int) -> Iterator[bytes]:
    yield b",".join(b"c%d" % number for number in range(200_000)) + b"\n"
    yield b"1," * 199_999 + b"1\n"


_GOOD: Final = text_of(good_grid(ROWS)).encode()

HEAVY: Final[dict[str, Parts]] = {
    "one line": _repeated(b"1234567890"),
    "commas in line 1": _repeated(b","),
    "names in line 1": _repeated(b"column,"),
    "one cell": _repeated(b"7", before=_GOOD),
    "one row of commas": _repeated(b",", before=_GOOD),
    "an open quote": _repeated(b"NEAR BAY,1\n", before=_GOOD + b'"'),
    "quotes": _repeated(b'"', before=_GOOD),
    "line ends": _repeated(b"\n", before=_GOOD),
    "line ends before a row": _repeated(b"\n", before=_GOOD, after=_GOOD),
    "returns": _repeated(b"\r", before=_GOOD),
    "zero bytes": _repeated(b"\0", before=_GOOD),
    "emoji in one line": _repeated("😀".encode()),
    "emoji in many lines": _repeated("1,😀\n".encode(), before=b"a,b\n"),
    "UTF-16 in one line": _repeated("12345".encode("utf-16-le"), before=codecs.BOM_UTF16_LE),
    "ragged rows": _repeated(b"1,2\n1\n", before=b"a,b\n"),
    "half a character at the end": _repeated(b"1,2\n", before=b"a,b\n", after=b"\xe2\x82"),
    "200,000 columns": _many_columns,
    "a gzip bomb": _gzip,
    "a zip bomb": _zip,
    "a Parquet bomb": _parquet_of_one_text,
    "a Parquet file of nothing": _parquet_of_nothing,
}
"""What each consists of, for as many megabytes as asked."""


def data_door(file: Path) -> None:
    """The training's: ``data.path``."""
    settings = load_settings()
    DataIngestor(settings.model_copy(update={"data": settings.data.model_copy(update={"path": file})})).ingest()


def score_door() -> Door:
    """The scoring's, on a screen's queue as at the terminal. The model is loaded before anything is measured."""
    settings = load_settings()
    model = served(settings)

    def door(file: Path) -> None:
        score_file(settings, model, ScoringFiles.beside(file, file.with_name("priced.csv")))

    return door


def main(name: str, folder: Path, megabytes: int) -> None:
    """Open each file at this door and print one JSON line for it; the seconds are the processor's, which a busy machine
    gives later but not fewer of."""
    door = score_door() if name == "score" else data_door
    for kind, parts in HEAVY.items():
        file = folder / f"{kind}.csv"
        with file.open("wb") as target:
            for part in parts(megabytes):
                target.write(part)
        size = file.stat().st_size // MEGABYTE
        before, began = _peak(), time.process_time()
        try:
            door(file)
            told = "taken"
        except LabError as error:
            told = f"{type(error).__name__}: {error.what}"
        seconds = time.process_time() - began
        file.unlink()
        print(
            json.dumps({"kind": kind, "size": size, "told": told, "seconds": seconds, "grown": _peak() - before}),
            flush=True,
        )


def _peak() -> int:
    """Megabytes of memory at the worst moment so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
