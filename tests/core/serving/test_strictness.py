"""What MLflow prices without sense is refused with row, column, value and rule."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.errors import InvalidHouse
from core.domain.house import FEATURES, NUMERIC_COLUMNS, RAW_COLUMNS, House
from core.serving.refusals import MOST_LISTED, Refused
from core.serving.strict_rows import checked_rows
from tests.core.serving.service import JSON, Caller, Service, request, split_of

CSV = {"Content-Type": "text/csv"}
TYPICAL = House.typical().as_dict()


def records(*rows: dict[str, Any]) -> dict[str, object]:
    return {"dataframe_records": list(rows)}


def without(name: str) -> dict[str, Any]:
    return {known: value for known, value in TYPICAL.items() if known != name}


WRONG_CELLS = {
    "null": ("median_income", None, None, "not null"),
    "a null place": ("ocean_proximity", None, None, "not null"),
    "NaN": ("latitude", float("nan"), "NaN", "a number from 32 to 42.5"),
    "NaN bedrooms": ("total_bedrooms", float("nan"), "NaN", "a number from 1 to 50000"),
    "infinity": ("population", float("inf"), "Infinity", "a number from 1 to 100000"),
    "minus infinity": ("longitude", float("-inf"), "-Infinity", "a number from -125 to -114"),
    "a number as text": ("households", "410", "410", "a number from 1 to 50000"),
    "a boolean": ("housing_median_age", True, True, "a number from 0 to 100"),
    "an unknown place": ("ocean_proximity", "LAKE", "LAKE", f"one of {', '.join(FEATURES['ocean_proximity'].choices)}"),
    "a place in small letters": ("ocean_proximity", "inland", "inland", None),
    "NUL in a place": ("ocean_proximity", "INLAND\x00", "INLAND\x00", None),
    "half a character": ("ocean_proximity", "\ud800", "\ud800", None),
    "a number as place": ("ocean_proximity", 3, 3, None),
    "latitude 1e9": ("latitude", 1e9, 1e9, "a number from 32 to 42.5"),
    "out of range": ("longitude", -126, -126, "a number from -125 to -114"),
    "a huge whole number": ("population", 10**400, "1" + "0" * 79 + "…", None),
    "a list": ("total_rooms", [2130], "a list of 1", None),
    "an object": ("total_rooms", {"a": 1}, "an object", None),
    "more bedrooms than rooms": ("total_bedrooms", 2131, 2131, "at most total_rooms"),
}


@pytest.mark.parametrize(("column", "sent", "shown", "rule"), WRONG_CELLS.values(), ids=WRONG_CELLS)
def test_a_wrong_cell_is_named_with_row_column_value_and_rule(
    service: Service, column: str, sent: object, shown: object, rule: str | None
) -> None:
    wrong = {**TYPICAL, column: sent}
    for body in (
        records(TYPICAL, wrong),
        {"inputs": [TYPICAL, wrong]},
        {"instances": {name: [TYPICAL[name], wrong[name]] for name in RAW_COLUMNS}},
        {"dataframe_split": {"columns": list(wrong), "data": [list(TYPICAL.values()), list(wrong.values())]}},
    ):
        answer = service.invoke(body)
        assert answer.status == 422
        ((row, named, value, told),) = answer.problems
        assert (row, named, value) == (1, column, shown)
        assert told if rule is None else told == rule
    assert service.value([TYPICAL, wrong]).problems == answer.problems


@pytest.mark.parametrize(
    ("cell", "shown"), [("abc", "abc"), ("NaN", "NaN"), ("inf", "inf"), ("1_0", "1_0"), ("0x10", "0x10"), ("", None)]
)
def test_a_wrong_cell_of_a_csv_is_named_too(service: Service, cell: str, shown: str | None) -> None:
    header = ",".join(TYPICAL)
    rows = [",".join(map(str, {**TYPICAL, "population": value}.values())) for value in (1170, cell)]
    answer = service.invoke("\n".join([header, *rows]), CSV)
    assert answer.status == 422
    assert [problem[:3] for problem in answer.problems] == [(1, "population", shown)]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (records(without("population")), (0, "population", None, "required")),
        (records({**TYPICAL, "owner": "x"}), (0, "owner", "x", "no such column")),
        ({"inputs": without("latitude")}, (None, "latitude", None, "required")),
        ({"inputs": {**TYPICAL, "id": 7}}, (None, "id", None, "no such column")),
        (
            {
                "dataframe_split": {
                    "columns": list(without("households")),
                    "data": [list(without("households").values())],
                }
            },
            (None, "households", None, "required"),
        ),
        (
            {"dataframe_split": {"columns": [*TYPICAL, "latitude"], "data": [[*TYPICAL.values(), 34]]}},
            (None, "latitude", None, "given once"),
        ),
        (
            {"dataframe_split": {"columns": list(TYPICAL), "data": [[1, 2]]}},
            (0, None, "a list of 2", "a list of 9 values"),
        ),
        (records(TYPICAL, 5), (1, None, 5, "an object with the nine columns")),  # type: ignore[arg-type]
    ],
)
def test_missing_and_other_columns_are_named(service: Service, body: object, problem: tuple[object, ...]) -> None:
    answer = service.invoke(body)
    assert answer.status == 422
    assert answer.problems == [problem]


def test_a_name_that_comes_twice_is_refused(service: Service) -> None:
    house = json.dumps(TYPICAL)
    twice = house[:-1] + ', "latitude": 35.0}'
    answer = service.invoke(f'{{"dataframe_records": [{house}, {twice}]}}')
    assert answer.problems == [(1, "latitude", None, "given once")]
    answer = service.invoke(f'{{"inputs": [{house}], "inputs": [{house}]}}')
    assert answer.problems == [(None, "inputs", None, "given once")]
    assert service.value(twice).problems == [(0, "latitude", None, "given once")]


def test_every_wrong_cell_is_counted_and_the_first_twenty_are_listed(service: Service) -> None:
    answer = service.invoke(records(*[{**TYPICAL, "latitude": 0, "longitude": 0}] * 500))
    assert answer.json["problem_count"] == 1_000
    assert len(answer.problems) == MOST_LISTED
    assert answer.problems[:3] == [
        (0, "longitude", 0, "a number from -125 to -114"),
        (0, "latitude", 0, "a number from 32 to 42.5"),
        (1, "longitude", 0, "a number from -125 to -114"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        [],
        5,
        "null",
        {},
        {"dataframe_records": []},
        {"dataframe_records": {}},
        {"dataframe_split": []},
        {"dataframe_split": {"data": [[1]]}},
        {"dataframe_split": {"columns": "abc", "data": []}},
        {"dataframe_split": {"columns": list(TYPICAL), "data": []}},
        {"dataframe_split": {"columns": list(TYPICAL), "data": [list(TYPICAL.values())], "index": [1, 2]}},
        {"dataframe_split": {"columns": [[], None, {}], "data": [[1, 2, 3]]}},
        {"inputs": [TYPICAL], "instances": [TYPICAL]},
        {"inputs": [TYPICAL], "more": 1},
        {"inputs": [TYPICAL], "params": {"temperature": 1}},
        {"inputs": [list(TYPICAL.values())]},
        {"inputs": {**{name: [value] for name, value in TYPICAL.items()}, "latitude": [34, 35]}},
        {"inputs": {**{name: [value] for name, value in TYPICAL.items()}, "latitude": 34}},
        {"inputs": {name: [] for name in TYPICAL}},
        {"inputs": None},
        {"instances": "text"},
    ],
    ids=str,
)
def test_a_document_of_another_shape_is_refused_with_a_remedy(service: Service, body: object) -> None:
    answer = service.invoke(body)
    assert answer.status == 422
    assert answer.json["remedy"]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", JSON),
        (b"{", JSON),
        (b"{'a': 1}", JSON),
        (b"\xff\xfe\x00", JSON),
        (b"\x00", JSON),
        (b"[" * 100_000, JSON),
        (b'{"a":' * 100_000, JSON),
        (b'{"inputs": ' + b"9" * 5_000 + b"}", JSON),
        (b"", CSV),
        (b"\n\n", CSV),
        (b"\xff,\xff", CSV),
        (b'"a', CSV),
        (b'a,b\n"' + b"x" * 200_000 + b'",1\n', CSV),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_cannot_be_read_is_400_and_no_stack_trace(service: Service, body: bytes, headers: dict[str, str]) -> None:
    answer = service.invoke(body, headers)
    assert answer.status == 400
    assert answer.json["remedy"]
    assert b"Traceback" not in answer.body
    assert b"site-packages" not in answer.body


@pytest.mark.parametrize(
    "body",
    [
        "\x00,\x00\n1,2\n",
        ",".join(TYPICAL) + "\n1,2\n",
        ",".join(TYPICAL),
        "a\nb\n",
        ",".join(TYPICAL) + "\n,,,,,,,,,,\n",
    ],
)
def test_a_csv_that_is_no_table_of_houses_is_refused(service: Service, body: str) -> None:
    assert service.invoke(body, CSV).status == 422


def test_too_many_rows_and_too_many_bytes_are_413(service: Service) -> None:
    house = list(TYPICAL.values())
    rows = service.invoke({"dataframe_split": {"columns": list(TYPICAL), "data": [house] * 10_001}})
    assert (rows.status, "10,000" in rows.json["remedy"]) == (413, True)
    line = ",".join(map(str, house)) + "\n"
    assert service.invoke(",".join(TYPICAL) + "\n" + line * 10_001, CSV).status == 413
    assert service.invoke({"inputs": {name: [value] * 10_001 for name, value in TYPICAL.items()}}).status == 413
    large = service.invoke(b" " * (5 * 1024**2))
    assert (large.status, "4 MB" in large.json["message"]) == (413, True)
    chunked = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = (b"100000\r\n" + b"1" * 0x100000 + b"\r\n") * 5 + b"0\r\n\r\n"
    assert Caller(service.port).send(chunked + chunks).status == 413
    assert service.invoke(split_of([House.typical()])).status == 200


def test_a_body_of_terabytes_is_refused_unread(service: Service) -> None:
    message = request("POST", "/invocations", b"", {**JSON, "Content-Length": str(10**13)})
    assert Caller(service.port).send(message).status == 413


cells = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["INLAND", "ISLAND", 35, 35.5, -120, -120.5, 1, 20, 500.0, 2000]),
)


@settings(max_examples=300)
@given(changes=st.dictionaries(st.sampled_from(RAW_COLUMNS), cells, max_size=3))
def test_a_row_is_taken_exactly_when_it_is_a_house(changes: dict[str, Any]) -> None:
    record = {**TYPICAL, **changes}
    try:
        house = House(**record)  # type: ignore[arg-type]
    except InvalidHouse:
        house = None
    if house is None:
        with pytest.raises(Refused) as raised:
            checked_rows([record])
        assert {problem.column for problem in raised.value.problems} <= set(changes) | {"total_bedrooms"}
        assert raised.value.total == len(raised.value.problems)
        return
    numbers = [getattr(house, name) for name in NUMERIC_COLUMNS]
    taken = checked_rows([record]).numbers[0].tolist()
    assert [None if math.isnan(number) else number for number in taken] == numbers
