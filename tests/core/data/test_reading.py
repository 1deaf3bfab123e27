"""A CSV file as a table, or one clear error."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.data.csv_shape import LONGEST_LINE
from core.data.file_content import count_rows
from core.data.reading import parse_table, read_table
from core.data.schema import COLUMNS, validate_rows
from core.data.table_parts import MOST_COLUMNS
from core.domain.errors import DataError, DataUnavailable, InvalidData

HEADER = ",".join(COLUMNS).encode()
ROW = b"-122.23,37.88,41.0,880.0,129.0,322.0,126.0,8.3252,NEAR BAY,452600.0"
TABLE = HEADER + b"\n" + (ROW + b"\n") * 60


def refusal(path: Path, content: bytes) -> InvalidData:
    path.write_bytes(content)
    with pytest.raises(InvalidData) as caught:
        read_table(path, 1)
    assert caught.value.where == str(path)
    assert caught.value.remedy
    return caught.value


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "houses.csv"


@pytest.fixture
def locked_file() -> Iterator[Path]:
    """A file without any permission. Root may read even that, so for a moment root is nobody."""
    with tempfile.TemporaryDirectory() as folder:  # tmp_path lies in a folder that only its owner may enter
        Path(folder).chmod(0o755)
        file = Path(folder, "houses.csv")
        file.write_bytes(TABLE)
        file.chmod(0o000)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield file
        finally:
            os.seteuid(user)


def test_the_real_file_reads_bit_for_bit_as_plain_pandas_does(data_file: Path) -> None:
    pd.testing.assert_frame_equal(read_table(data_file, 10), pd.read_csv(data_file), check_exact=True)


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_every_kind_of_line_end_is_read(file: Path, newline: bytes) -> None:
    file.write_bytes(TABLE.replace(b"\n", newline))
    assert read_table(file, 1).shape == (60, 10)


def test_a_byte_order_mark_and_trailing_blank_lines_do_no_harm(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + TABLE + b"\n\n")
    table = read_table(file, 1)
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 60


def test_quoted_values_may_hold_commas(file: Path) -> None:
    file.write_bytes(b'a,b\n1,"x, y"\n')
    assert read_table(file, 1).loc[0, "b"] == "x, y"


def test_a_file_that_is_not_there_is_unavailable(file: Path) -> None:
    with pytest.raises(DataUnavailable, match="no such data file"):
        read_table(file, 1)


def test_a_path_through_a_file_is_unavailable(file: Path) -> None:
    file.write_bytes(TABLE)
    with pytest.raises(DataUnavailable, match="cannot be read"):
        read_table(file / "houses.csv", 1)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="a folder"):
        read_table(tmp_path, 1)


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidData, match="no regular file"):
        read_table(tmp_path / "pipe", 1)


def test_a_file_that_may_not_be_read_is_unavailable(locked_file: Path) -> None:
    with pytest.raises(DataUnavailable, match="Permission denied"):
        read_table(locked_file, 1)


def test_a_file_of_two_gigabytes_is_refused_before_it_is_read(file: Path) -> None:
    with file.open("wb") as sparse:
        sparse.truncate(2_000_000_000)
    with pytest.raises(InvalidData, match="2,000 MB; at most 200 MB"):
        read_table(file, 200)


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n\n"])
def test_as_many_rows_as_allowed_are_read_and_one_more_is_refused(file: Path, newline: bytes, end: bytes) -> None:
    file.write_bytes((TABLE.rstrip(b"\n") + end).replace(b"\n", newline))
    assert len(read_table(file, 1, max_rows=60)) == 60
    with pytest.raises(InvalidData, match="has 60 rows; at most 59") as refused:
        read_table(file, 1, max_rows=59)
    assert refused.value.where == str(file)
    assert "data.max_rows" in refused.value.remedy


def test_too_many_rows_are_refused_before_they_are_parsed(file: Path) -> None:
    file.write_bytes(TABLE + b"not,a,row\n" + ROW)
    with pytest.raises(InvalidData, match="62 rows; at most 10"):
        read_table(file, 1, max_rows=10)
    with pytest.raises(InvalidData, match="Line 62 has 3 values"):
        read_table(file, 1, max_rows=62)


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_rows_are_counted_without_being_read(file: Path, newline: bytes, end: bytes) -> None:
    file.write_bytes((TABLE.rstrip(b"\n") + end).replace(b"\n", newline))
    assert count_rows(file) == 60


def test_what_cannot_be_read_has_no_count(tmp_path: Path) -> None:
    assert count_rows(tmp_path) is None
    assert count_rows(tmp_path / "gone.csv") is None


def test_an_empty_file_has_no_rows(file: Path) -> None:
    file.write_bytes(b"")
    assert count_rows(file) == 0


def test_an_empty_file_is_called_empty(file: Path) -> None:
    assert "is empty" in refusal(file, b"").what


@pytest.mark.parametrize("content", [HEADER, HEADER + b"\n", HEADER + b"\n\n\n"])
def test_a_header_alone_has_no_rows(file: Path, content: bytes) -> None:
    assert "a header but no rows" in refusal(file, content).what


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG picture"),
        (b"PK\x03\x04xl/workbook.xml", "an Excel workbook"),
        (b"\x1f\x8b\x08\0\0\0", "a gzip archive"),
        (b"PAR1\x15\x04", "a Parquet file"),
        (TABLE + b"\0", "zero bytes"),
        (b'[{"latitude": 37.88}]', "JSON"),
        (b"\n  <!DOCTYPE html>\n<title>Sign in</title>", "a web page"),
        (TABLE.decode().encode("utf-16"), "UTF-16"),
        (TABLE.replace(b",", b";"), "semicolons"),
        (TABLE.replace(b",", b"\t"), "tabs"),
        (b"\n" + TABLE, "Line 1 holds no column names"),
    ],
)
def test_what_is_no_csv_is_called_by_its_name(file: Path, content: bytes, said: str) -> None:
    assert said in refusal(file, content).what


def test_latin_1_is_told_with_byte_and_line(file: Path) -> None:
    what = refusal(file, TABLE + ROW.replace(b"NEAR BAY", "CAÑADA".encode("latin-1")) + b"\n").what
    assert "not UTF-8: byte 0xd1 in line 62" in what


@pytest.mark.parametrize("row", [ROW + b",extra", ROW.removesuffix(b",452600.0"), b"37.88", b"   "])
def test_a_row_with_too_many_or_too_few_values_is_named(file: Path, row: bytes) -> None:
    what = refusal(file, TABLE + row + b"\n").what
    assert f"Line 62 has {row.count(b',') + 1} value" in what
    assert "the header has 10 columns" in what


def test_rows_that_all_have_one_value_too_many_do_not_slip_into_the_index(file: Path) -> None:
    assert "Line 2 has 11 values" in refusal(file, TABLE.replace(b"NEAR BAY,", b"NEAR BAY,7,")).what


def test_a_blank_line_between_rows_is_named(file: Path) -> None:
    assert "Line 62 is blank" in refusal(file, TABLE + b"\n" + ROW).what


def test_an_open_quotation_mark_is_named(file: Path) -> None:
    assert "quoted value in line 62" in refusal(file, TABLE + b'"' + ROW + b"\n" + ROW).what


def test_a_column_named_twice_is_refused(file: Path) -> None:
    assert "'latitude'" in refusal(file, b"latitude,latitude\n1,2\n").what


def test_line_numbers_in_a_breach_are_those_of_the_file(file: Path) -> None:
    file.write_bytes(TABLE + ROW.replace(b"37.88", b"90") + b"\n" + ROW + b"\n")
    with pytest.raises(InvalidData, match="line 62: latitude is 90"):
        validate_rows(read_table(file, 1), source=str(file))


FIELDS = st.one_of(
    st.sampled_from([b"", b"NA", b"inf", b"1e999", b"-1", b"NEAR BAY", b'"', b'""', b"9" * 400, b"0x1", b"True"]),
    st.binary(max_size=6),
)
ROWS = st.lists(st.lists(FIELDS, min_size=9, max_size=11).map(b",".join), max_size=3).map(b"\n".join)


@given(st.one_of(st.binary(), ROWS.map(lambda rows: TABLE + rows), ROWS.map(lambda rows: HEADER + b"\n" + rows)))
@example(TABLE)
@settings(max_examples=300)
def test_any_bytes_are_either_a_valid_table_or_one_clear_error(content: bytes) -> None:
    outcome: pd.DataFrame | DataError
    try:
        outcome = validate_rows(parse_table(content, source="houses.csv"), source="houses.csv")
    except DataError as error:
        outcome = error
    if isinstance(outcome, DataError):
        assert outcome.what
        assert outcome.remedy
    else:
        assert tuple(outcome.columns) == COLUMNS
        assert list(outcome.index) == list(range(len(outcome)))


def test_a_line_of_a_million_characters_is_refused_before_it_is_taken_apart() -> None:
    for content, line in ((b"," * (LONGEST_LINE + 1), "Line 1"), (TABLE + b"7" * (LONGEST_LINE + 1), "Line 62")):
        with pytest.raises(InvalidData, match=f"{line} has more than 1,000,000 characters"):
            parse_table(content, source="houses.csv")


def test_thousands_of_columns_are_counted_and_not_looked_at_one_by_one() -> None:
    header = b",".join(b"c%d" % number for number in range(MOST_COLUMNS + 1))
    with pytest.raises(InvalidData, match=r"names 1,001 columns; at most 1,000"):
        parse_table(header + b"\n" + header, source="houses.csv")


def test_what_is_told_of_a_name_can_be_read_however_long_it_is() -> None:
    name = b"x" * 900_000
    for header in (HEADER + b"," + name, HEADER + b"," + name + b"," + name):
        row = ROW + b",1" * header.count(name)
        with pytest.raises(InvalidData) as refusal:
            validate_rows(parse_table(header + b"\n" + (row + b"\n") * 60, source="houses.csv"), source="houses.csv")
        assert len(str(refusal.value)) < 1_000


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_blank_lines_at_the_end_are_no_rows_however_many(end: bytes) -> None:
    assert len(parse_table(TABLE.replace(b"\n", end) + end * 200_000, source="houses.csv", max_rows=60)) == 60


def test_the_place_of_a_byte_that_is_no_utf_8_is_told_beyond_the_first_megabyte() -> None:
    before = HEADER + b"\n" + (ROW + b"\n") * 20_000
    with pytest.raises(InvalidData, match=r"byte 0xe9 in line 20,002 "):
        parse_table(before + ROW.replace(b"BAY", b"BA\xe9") + b"\n", source="houses.csv")
    with pytest.raises(InvalidData, match=r"byte 0xe2 in line 20,002 "):
        parse_table(before + b"\xe2\x82", source="houses.csv")


@pytest.mark.parametrize("number", [b"9" * 400, b"-" + b"9" * 400, b"1e400", b"9" * 5_000])
def test_a_number_beyond_all_floats_is_refused_with_its_line(number: bytes) -> None:
    content = TABLE + ROW.replace(b"880.0", number) + b"\n"
    with pytest.raises(InvalidData, match=r"line 62: total_rooms is .*, not a number") as refusal:
        validate_rows(parse_table(content, source="houses.csv"), source="houses.csv")
    assert len(str(refusal.value)) < 1_000
