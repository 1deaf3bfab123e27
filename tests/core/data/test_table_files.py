"""Tables read part by part: every row once, under its number; what is no table is called by its name."""

from __future__ import annotations

import io
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from core.data import csv_parts
from core.data.table_files import open_table, table_in
from core.data.table_parts import cell_values
from core.domain.errors import DataUnavailable, InvalidData, LabError

MOST = 1_000_000
CELL = st.text(alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)


def rows_of(content: bytes, *, at_a_time: int = 3) -> dict[int, list[str]]:
    """Every row under its number, broken ones with all their cells."""
    table = table_in(io.BytesIO(content), "houses", 1)
    table.count(MOST)
    found: dict[int, list[str]] = {}
    for part in table.parts(at_a_time):
        assert len(part.batch) + len(part.broken) <= at_a_time
        columns = [column.to_pylist() for column in part.batch.columns]
        for number, cells in zip(part.numbers.tolist(), zip(*columns, strict=True), strict=True):
            found[number] = list(cells)
        for row in part.broken:
            assert row.number not in found
            found[row.number] = list(row.cells)
    return found


def read_all(file: Path, most_megabytes: int) -> None:
    """Every part of a file, looked at and let go."""
    with open_table(file, most_megabytes) as table:
        for part in table.parts(1_000):
            part.batch.validate(full=True)


def refusal_of(deed: Callable[[], object]) -> LabError | None:
    """The refusal a deed ends in; None when it ends well. Anything else is a fault of ours."""
    try:
        deed()
    except LabError as refusal:
        return refusal
    return None


@profile(suppress_health_check=[HealthCheck.too_slow])
@given(
    table=st.integers(2, 5).flatmap(lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1)),
    separator=st.sampled_from(csv_parts.SEPARATORS),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    at_a_time=st.integers(1, 7),
)
def test_whatever_the_cells_every_row_comes_back_once_and_in_its_order(
    table: list[list[str]], separator: str, end: str, encoding: str, at_a_time: int
) -> None:
    names = [f"c{place}" for place in range(len(table[0]))]
    text = io.StringIO(newline="")
    written = csv_parts.csv.writer(text, delimiter=separator, lineterminator=end, quoting=csv_parts.csv.QUOTE_ALL)
    written.writerows([names, *table])
    found = rows_of(text.getvalue().encode(encoding), at_a_time=at_a_time)
    assert list(found.values()) == table
    assert list(found) == list(range(2, len(table) + 2))


def test_rows_are_numbered_as_a_spreadsheet_does_and_blank_lines_are_no_rows() -> None:
    assert rows_of(b'a,b\n1,"two\nlines"\n\n3,4\n5\n6,7,8\n') == {
        2: ["1", "two\nlines"],
        4: ["3", "4"],
        5: ["5"],
        6: ["6", "7", "8"],
    }


def test_millions_of_blank_lines_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_parts, "_MOST_BLANK", 1_000)
    assert len(rows_of(b"a,b\n" + b"\n" * 1_000 + b"1,2\n")) == 1
    with pytest.raises(InvalidData, match="more than 1,000 blank lines"):
        rows_of(b"a,b\n" + b"\n" * 1_001 + b"1,2\n")


def test_a_row_of_another_width_says_how_wide_it_is_and_what_is_beyond() -> None:
    table = table_in(io.BytesIO(b"a,b\n1,2\n1\n1,2,=3,4\n"), "houses", 1)
    (part,) = table.parts(10)
    assert [row.complaint for row in part.broken] == [
        "the row has 1 value, the header 2 columns",
        "the row has 4 values, the header 2 columns; beyond the last column: '=3', '4'",
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\n\n", "names no columns"),
        (b"a,b\n", "column names but no rows"),
        (b"a,b\n\n\n", "column names but no rows"),
        (b"a,a\n1,2\n", "stands there twice: 'a'"),
        (b"\x89PNG\r\n", "a PNG picture"),
        (b"PK\x03\x04 a workbook", "a ZIP archive or an Excel workbook"),
        (b'{"a": 1}', "JSON"),
        (b"<html>", "a web page"),
        (b"a,b\n1,\x00\n", "binary"),
        (b"a,b\n1,caf\xe9\n", "not UTF-8: byte 0xe9 about line 2"),
        (b'a,b\n1,"2\n3,4\n', "cannot be parsed as CSV"),
        (b'a,b\n1,"2"3\n', "cannot be parsed as CSV"),
        (b"a,b\n" + b"x" * 1_100_000, "more than 1,000,000 characters"),
        (b"a" * 1_100_000, "more than 1,000,000 characters"),
        (b'a,b\n1,"' + b"x\n" * 200_000, "cannot be parsed as CSV"),
        (b",".join(b"c%d" % n for n in range(1_001)) + b"\n", "1,001 columns"),
        (b"PAR1 and nothing else", "Parquet file cannot be read"),
    ],
)
def test_what_is_no_table_is_refused_with_its_reason(content: bytes, words: str) -> None:
    with pytest.raises(InvalidData, match=words) as refusal:
        rows_of(content)
    assert refusal.value.remedy


def test_too_many_rows_are_refused_before_they_are_read_to_the_end() -> None:
    table = table_in(io.BytesIO(b"a,b\n" + b"1,2\n" * 100), "houses", 1)
    assert table.count(100) == 100
    with pytest.raises(InvalidData, match="more than 99 rows"):
        table.count(99)


@profile(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=400) | st.text(alphabet='ab,;"\n\r\t=0', max_size=200).map(str.encode))
@example(b'"')
@example(b"\xff\xfea")
@example(b"PAR1")
def test_any_bytes_are_a_table_or_one_clear_refusal(content: bytes) -> None:
    refusal = refusal_of(lambda: rows_of(content))
    assert refusal is None or (refusal.what and refusal.remedy)


@pytest.mark.parametrize("make", [b"x".__mul__, lambda size: (b"1" * 400 + b"," + b"2" * 400 + b"\n") * (size // 802)])
def test_a_file_takes_the_memory_of_a_part_however_long_it_is(make: Callable[[int], bytes], tmp_path: Path) -> None:
    file = tmp_path / "long.csv"
    file.write_bytes(b"a,b\n" + make(40_000_000))
    tracemalloc.start()
    refusal = refusal_of(lambda: read_all(file, 100))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refusal is None or "characters" in refusal.what
    print(f"peak {peak / 1e6:.1f} MB for 40 MB")
    assert peak < 12_000_000


def test_parquet_keeps_types_and_every_row(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": [1, 2, 3], "name": ["a", None, "c"], "place": pd.Categorical(["x", "y", "x"])})
    file = tmp_path / "houses.csv"  # what it is called does not matter
    frame.to_parquet(file)
    with open_table(file, 1) as table:
        assert (table.names, table.is_typed, table.count(3)) == (("id", "name", "place"), True, 3)
        parts = list(table.parts(2))
    assert [part.numbers.tolist() for part in parts] == [[1, 2], [3]]
    assert pa.Table.from_batches([part.batch for part in parts]).schema.types == pq.read_schema(file).types


def test_a_small_parquet_file_that_unpacks_to_much_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "bomb.parquet"
    pq.write_table(pa.table({"a": ["x" * 100_000] * 2_000}), file)
    assert file.stat().st_size < 100_000
    with pytest.raises(InvalidData, match="unpacks to more than 50 MB"):
        read_all(file, 50)
    pq.write_table(pa.table({"a": [b"\x00" * 1_000_000] * 60}), file, use_dictionary=False)
    with pytest.raises(InvalidData, match="unpacks to more than 50 MB"), open_table(file, 50):
        pass


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "houses.parquet"
    pd.DataFrame({"a": range(10_000)}).to_parquet(file)
    whole = file.read_bytes()
    for damaged in (whole[:-100], whole[:2_000] + b"\xff" * 2_000 + whole[4_000:]):
        file.write_bytes(damaged)
        with pytest.raises(InvalidData, match="cannot be read"):
            read_all(file, 1)


@profile(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False))
def test_a_parquet_file_with_any_bytes_changed_is_read_or_refused(luck: random.Random) -> None:
    written = io.BytesIO()
    pd.DataFrame({"a": range(200), "b": [f"ü{n}" for n in range(200)]}).to_parquet(written)
    content = bytearray(written.getvalue())
    for _ in range(luck.choice([1, 3, 20])):
        content[luck.randrange(len(content))] = luck.randrange(256)

    def everything() -> None:
        for part in table_in(io.BytesIO(content), "houses", 1).parts(50):
            for column in part.batch.columns:
                cell_values(column)

    refusal = refusal_of(everything)
    assert refusal is None or refusal.remedy


def test_times_that_python_has_no_word_for_are_text() -> None:
    years = pa.array([0, 10**14], pa.timestamp("s"))
    assert str(cell_values(years)[0]).startswith("1970-01-01")
    assert len(cell_values(years)) == 2
    assert cell_values(pa.array([b"1", None])) == [b"1", None]


def test_what_cannot_be_opened_is_told_apart(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none.csv", "no such file"), (tmp_path, "a folder")):
        with pytest.raises((DataUnavailable, InvalidData), match=words), open_table(path, 1):
            pass
    large = tmp_path / "large.csv"
    large.write_bytes(b"1" * 1_000_001)
    with pytest.raises(InvalidData, match="at most 1 MB"), open_table(large, 1):
        pass
