"""What a data file must hold, and how a breach is told."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.demo import demo_rows
from core.data.reading import read_table
from core.data.schema import COLUMNS, MINIMUM_ROWS, validate_rows
from core.domain.errors import InvalidData
from core.domain.house import FEATURES, NUMERIC_COLUMNS

GOOD = demo_rows(60).fillna({"total_bedrooms": 300.0}).assign(total_rooms=4000.0)


def with_value(row: int, column: str, value: object) -> pd.DataFrame:
    cells = [value if index == row else given for index, given in enumerate(GOOD[column])]
    return GOOD.assign(**{column: pd.Series(cells, dtype=object)})


def refusal(frame: pd.DataFrame) -> InvalidData:
    with pytest.raises(InvalidData) as caught:
        validate_rows(frame, source="houses.csv")
    assert caught.value.where == "houses.csv"
    assert caught.value.remedy
    return caught.value


def test_the_real_rows_pass_unchanged(real_rows: pd.DataFrame) -> None:
    rows = validate_rows(real_rows, source="housing.csv")
    pd.testing.assert_frame_equal(rows, real_rows[list(COLUMNS)])


def test_columns_may_come_in_any_order_and_whole_numbers_become_floats() -> None:
    shuffled = GOOD[list(reversed(COLUMNS))].astype({"population": int})
    rows = validate_rows(shuffled, source="houses.csv")
    pd.testing.assert_frame_equal(rows, GOOD)


def test_missing_bedrooms_pass_and_stay_missing() -> None:
    rows = validate_rows(with_value(3, "total_bedrooms", None), source="houses.csv")
    assert math.isnan(rows["total_bedrooms"].iloc[3])


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("latitude", 90.0, "line 5: latitude is 90, outside 32 to 42.5"),
        ("longitude", 118.2, "line 5: longitude is 118.2, outside -125 to -114"),
        ("total_rooms", -1.0, "line 5: total_rooms is -1, outside 1 to 100000"),
        ("population", 0, "line 5: population is 0, outside 1 to 100000"),
        ("median_income", "much", "line 5: median_income is 'much', not a number"),
        ("households", math.inf, "line 5: households is inf, not a number"),
        ("housing_median_age", None, "line 5: housing_median_age is missing"),
        ("total_bedrooms", "three", "line 5: total_bedrooms is 'three', not a number"),
        ("total_bedrooms", 4001.0, "line 5: total_bedrooms is 4001, more than the 4000 total_rooms"),
        ("ocean_proximity", "NEAR LAKE", "line 5: ocean_proximity is 'NEAR LAKE', not one of NEAR BAY"),
        ("ocean_proximity", None, "line 5: ocean_proximity is missing"),
        ("median_house_value", None, "line 5: median_house_value is missing"),
        ("median_house_value", 0.0, "line 5: median_house_value is 0, outside 1 to 1e+07"),
    ],
)
def test_one_wrong_value_is_told_with_line_column_value_and_rule(column: str, value: object, said: str) -> None:
    what = refusal(with_value(3, column, value)).what
    assert said in what
    assert what.startswith("1 value breaks the rules")


def test_a_column_of_truth_values_is_no_column_of_numbers() -> None:
    assert "60 values break" in refusal(GOOD.assign(population=True)).what


def test_the_first_five_breaches_are_told_in_file_order_and_all_are_counted() -> None:
    frame = GOOD.copy()
    frame.loc[50:57, "latitude"] = 90.0
    frame.loc[2, "median_income"] = -3.0
    what = refusal(frame).what
    assert what.startswith("9 values break the rules: line 4: median_income is -3")
    assert what.count("line ") == 5
    assert what.endswith("; and 4 more.")


def test_a_missing_column_is_named_in_the_error() -> None:
    error = refusal(GOOD.drop(columns=["latitude", "households"]))
    assert "no column latitude, households" in error.what


def test_an_unknown_column_is_refused_by_name() -> None:
    assert "'county'" in refusal(GOOD.assign(county="Kern")).what


def test_an_index_column_gets_the_hint_how_to_leave_it_out(tmp_path: Path) -> None:
    GOOD.to_csv(tmp_path / "indexed.csv")
    error = refusal(read_table(tmp_path / "indexed.csv", 1))
    assert "'Unnamed: 0'" in error.what
    assert "index=False" in error.remedy


def test_a_misspelt_column_shows_both_names() -> None:
    what = refusal(GOOD.rename(columns={"latitude": "Latitude"})).what
    assert "no column latitude" in what
    assert "'Latitude'" in what


def test_too_few_rows_are_refused() -> None:
    assert f"has {MINIMUM_ROWS - 1} rows" in refusal(GOOD.head(MINIMUM_ROWS - 1)).what
    assert len(validate_rows(GOOD.head(MINIMUM_ROWS), source="houses.csv")) == MINIMUM_ROWS


def test_a_file_without_any_bedrooms_is_refused() -> None:
    assert "Every total_bedrooms is missing" in refusal(GOOD.assign(total_bedrooms=math.nan)).what


cells = st.one_of(st.none(), st.floats(), st.integers(-(10**30), 10**30), st.text(max_size=8), st.booleans())


@given(st.integers(0, len(GOOD) - 1), st.sampled_from(COLUMNS), cells)
@settings(max_examples=40)
def test_any_cell_either_passes_or_is_named(row: int, column: str, value: object) -> None:
    outcome: pd.DataFrame | InvalidData
    try:
        outcome = validate_rows(with_value(row, column, value), source="houses.csv")
    except InvalidData as error:
        outcome = error
    if isinstance(outcome, InvalidData):
        # Too few rooms are told at the bedrooms they are too few for.
        names = {column, "total_bedrooms"} if column == "total_rooms" else {column}
        assert any(f"line {row + 2}: {name}" in outcome.what for name in names)
    else:
        rows = outcome
        for name in NUMERIC_COLUMNS:
            present = rows[name].dropna()
            assert present.between(FEATURES[name].low, FEATURES[name].high).all()
        assert (rows["total_bedrooms"].isna() | (rows["total_bedrooms"] <= rows["total_rooms"])).all()
