"""What a data file must hold, and which row, column and value breaks which rule.

The rules are those of a house (``core.domain.house``) plus the price. pandera finds the cells that break
them; the sentence about a cell is the one a house form would give.
"""

from __future__ import annotations

import math
from typing import Any, Final

import pandas as pd

from core.domain.errors import InvalidData
from core.domain.excerpts import listed
from core.domain.house import FEATURES, NUMERIC_COLUMNS, RAW_COLUMNS, TARGET, Feature, feature_complaint

COLUMNS: Final = (*RAW_COLUMNS, TARGET)
"""The ten columns of validated rows, in this order."""

MINIMUM_ROWS: Final = 50
"""Fewer rows than this cannot be split and scored: ten held-out rows already make a poor score."""

TARGET_RULE: Final = Feature(
    TARGET,
    "Median house value",
    "dollars",
    "Median price of the block group's houses in 1990 US dollars; the survey wrote $500,001 for all above $500,000.",
    default=180_000.0,
    low=1.0,
    high=10_000_000.0,
)
"""The price's rule. Wider than the survey's 500,001 on purpose: own files may hold other years' prices. The
bound still catches cents and sums of a whole block group."""

_NUMBERS: Final = (*NUMERIC_COLUMNS, TARGET)
_SHOWN: Final = 5
_TOO_MANY_BEDROOMS: Final = "bedrooms_within_rooms"


def validate_rows(frame: pd.DataFrame, *, source: str) -> pd.DataFrame:
    """The same rows with the ten columns in order, numbers as float64, indexed by place in the file from 0.

    Columns beyond the ten are refused, not dropped: a model could not use them, and a file with an index
    column or a misspelt name should not train in silence. ``source`` is how errors call the file; its
    line 1 is the header, so the first row stands in line 2.

    Raises:
        InvalidData: a column is missing or unknown, there are too few rows, or cells break a rule; the
            first five cells are named with line, column, value and rule, and all are counted.
    """
    _check_columns(frame, source)
    if len(frame) < MINIMUM_ROWS:
        raise InvalidData(
            f"The file has {len(frame):,} rows; at least {MINIMUM_ROWS} are needed to train and to score.",
            where=source,
            remedy="Add rows.",
        )
    raw = frame[list(COLUMNS)].reset_index(drop=True)
    rows = raw.assign(**{name: _as_numbers(raw[name]) for name in _NUMBERS})
    broken = _broken_cells(raw, rows)
    if broken:
        shown = "; ".join(_complaint(raw, rows, *cell) for cell in broken[:_SHOWN])
        more = f"; and {len(broken) - _SHOWN:,} more" if len(broken) > _SHOWN else ""
        values = "1 value breaks" if len(broken) == 1 else f"{len(broken):,} values break"
        raise InvalidData(
            f"{values} the rules: {shown}{more}.",
            where=source,
            remedy="Correct these lines, or leave the rows out.",
        )
    if bool(rows["total_bedrooms"].isna().all()):
        raise InvalidData(
            "Every total_bedrooms is missing.",
            where=source,
            remedy="Fill in at least some: the missing ones are estimated from those that are there.",
        )
    return rows


def _check_columns(frame: pd.DataFrame, source: str) -> None:
    present = [str(name) for name in frame.columns]
    missing = [name for name in COLUMNS if name not in present]
    unknown = [name for name in present if name not in COLUMNS]
    wrong = []
    if missing:
        wrong.append(f"The file has no column {', '.join(missing)}.")
    if unknown:
        wrong.append(f"The lab knows no column {listed(unknown)}.")
    if not wrong:
        return
    index_column = any(name.startswith("Unnamed:") or name == "index" for name in unknown)
    raise InvalidData(
        " ".join(wrong),
        where=source,
        remedy=f"The header must name exactly {', '.join(COLUMNS)}, in any order."
        + (" An index column is left out by pandas' to_csv(…, index=False)." if index_column else ""),
    )


def _as_numbers(column: pd.Series[Any]) -> pd.Series[float]:
    """The column as float64; what is no number becomes NaN and is found by comparing with the raw column."""
    if pd.api.types.is_bool_dtype(column):
        return pd.Series(float("nan"), index=column.index)
    try:
        return pd.to_numeric(column, errors="coerce").astype("float64")
    except OverflowError:
        return pd.to_numeric(column.map(_within_floats), errors="coerce").astype("float64")


def _within_floats(cell: object) -> object:
    """The cell, or infinity for a whole number beyond what a float holds."""
    try:
        return float(cell) if isinstance(cell, int) else cell
    except OverflowError:
        return math.inf


def _broken_cells(raw: pd.DataFrame, rows: pd.DataFrame) -> list[tuple[int, str, str]]:
    """Every cell that breaks a rule, as (row, column, rule), in file order, each once."""
    import pandera.pandas as pa  # 0.2 to 0.8 s of import, off the path of callers that only read

    def number(rule: Feature) -> Any:
        given = raw[rule.name]
        is_number = rows[rule.name].notna()
        complete = is_number | given.isna() if rule.may_be_missing else is_number
        checks = [
            pa.Check(lambda _: complete, ignore_na=False, name="number"),
            pa.Check.in_range(rule.low, rule.high, name="range"),
        ]
        if rule.name == "total_bedrooms":
            # Missing values compare as false and pass; rooms that break their own rule are named for that alone.
            rooms = rows["total_rooms"]
            within = ~(rows["total_bedrooms"] > rooms) | (rooms < FEATURES["total_rooms"].low)
            checks.append(pa.Check(lambda _: within, name=_TOO_MANY_BEDROOMS))
        return pa.Column("float64", checks, nullable=True)

    def choice(rule: Feature) -> Any:
        return pa.Column(checks=pa.Check.isin(list(rule.choices), name="choice"), nullable=rule.may_be_missing)

    rules = (*(FEATURES[name] for name in RAW_COLUMNS), TARGET_RULE)
    schema = pa.DataFrameSchema({rule.name: number(rule) if rule.is_numeric else choice(rule) for rule in rules})
    try:
        schema.validate(rows, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
        cells = {
            (int(index), str(column)): str(rule)
            for index, column, rule in zip(cases["index"], cases["column"], cases["check"], strict=True)
        }
        return [
            (row, column, rule)
            for (row, column), rule in sorted(cells.items(), key=lambda cell: (cell[0][0], COLUMNS.index(cell[0][1])))
        ]
    return []


def _complaint(raw: pd.DataFrame, rows: pd.DataFrame, row: int, column: str, rule: str) -> str:
    if rule == _TOO_MANY_BEDROOMS:
        bedrooms, rooms = float(rows["total_bedrooms"].iloc[row]), float(rows["total_rooms"].iloc[row])
        return f"line {row + 2}: total_bedrooms is {bedrooms:g}, more than the {rooms:g} total_rooms"
    given: Any = raw[column].iloc[row]
    number: Any = rows[column].iloc[row]
    if pd.isna(given):
        return f"line {row + 2}: {column} is missing"
    is_number = column in _NUMBERS and pd.notna(number)
    feature = TARGET_RULE if column == TARGET else FEATURES[column]
    return f"line {row + 2}: {feature_complaint(feature, float(number) if is_number else given)}"
