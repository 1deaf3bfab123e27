"""Which rows of a part can be priced, and what is wrong with each of the others: a house's own rules, many at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from core.data.table_parts import TablePart, cell_values
from core.domain.house import FEATURES, NUMERIC_COLUMNS, Feature, feature_complaint
from core.domain.house_columns import ColumnMapping
from core.features.direct import PLACES, HouseRows

MISSING_MARKS: Final = ("", "na", "n/a", "#n/a", "nan", "none", "null")
"""What stands in a table where nothing is known, whatever its case; the programs of the field write these."""

WRONG_WIDTH: Final = "the row has another number of values than the header"
_TOO_MANY_BEDROOMS: Final = "total_bedrooms is more than total_rooms"
_LONGEST_CELL: Final = 60
_ROOMS, _BEDROOMS = (NUMERIC_COLUMNS.index(name) for name in ("total_rooms", "total_bedrooms"))

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class CheckedPart:
    """A part with its rows told apart.

    Attributes:
        rows: those that can be priced, in file order.
        is_good: which of the batch they are, shape (n,).
        complaints: for each of the others its place in the batch and what is wrong with it.
        kinds: in how many rows, broken ones included, each kind of fault was found.
    """

    rows: HouseRows
    is_good: Mask
    complaints: Mapping[int, tuple[str, ...]]
    kinds: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """One feature of n rows: its cells as they are, as figures, and which of them break which rule."""

    feature: Feature
    cells: Any
    figures: npt.NDArray[Any]
    faults: Mapping[str, Mask]

    @property
    def is_wrong(self) -> Mask:
        wrong = np.zeros(len(self.figures), dtype=bool)
        for mask in self.faults.values():
            wrong |= mask
        return wrong

    def complaint(self, place: int) -> str:
        """What is wrong with one cell, as a house form says it."""
        missing = _missing(self.feature)
        if missing in self.faults and self.faults[missing][place]:
            return missing
        figure = float(self.figures[place])
        if self.feature.is_numeric and not np.isnan(figure):
            return feature_complaint(self.feature, figure) or missing
        (given,) = cell_values(self.cells.slice(place, 1))
        told = given if isinstance(given, bool) else cell_text(given)
        # The figure is infinite or outside, the text no number and no place: there is a complaint.
        return feature_complaint(self.feature, told) or missing


def check_part(part: TablePart, columns: ColumnMapping) -> CheckedPart:
    """Tell the rows of a part that can be priced from those that cannot.

    A row is good when the house form would take its nine values, spaces around them aside.
    """
    size = len(part.batch)
    checked = [_numeric(_cells(part, columns[name]), FEATURES[name], size) for name in NUMERIC_COLUMNS]
    place = _choice(_cells(part, columns["ocean_proximity"]), FEATURES["ocean_proximity"])
    too_many = ~checked[_BEDROOMS].is_wrong & ~checked[_ROOMS].is_wrong
    too_many &= checked[_BEDROOMS].figures > checked[_ROOMS].figures  # NaN compares as false
    is_wrong = too_many | place.is_wrong
    for column in checked:
        is_wrong |= column.is_wrong
    kinds = Counter(
        {kind: int(mask.sum()) for column in (*checked, place) for kind, mask in column.faults.items() if mask.any()}
    )
    kinds.update({_TOO_MANY_BEDROOMS: int(too_many.sum())} if too_many.any() else {})
    kinds.update({WRONG_WIDTH: len(part.broken)} if part.broken else {})
    good = np.flatnonzero(~is_wrong)
    numbers = np.column_stack([column.figures for column in checked])
    return CheckedPart(
        rows=HouseRows(numbers[good], place.figures[good].astype(np.intp)),
        is_good=~is_wrong,
        complaints={
            int(row): _complaints([*checked, place], int(row), too_many=bool(too_many[row]))
            for row in np.flatnonzero(is_wrong)
        },
        kinds=kinds,
    )


def _complaints(columns: list[_Column], row: int, *, too_many: bool) -> tuple[str, ...]:
    told = [column.complaint(row) for column in columns if any(mask[row] for mask in column.faults.values())]
    if too_many:
        bedrooms, rooms = columns[_BEDROOMS].figures[row], columns[_ROOMS].figures[row]
        told.append(f"total_bedrooms is {bedrooms:g}, more than the {rooms:g} of total_rooms")
    return tuple(told)


def _cells(part: TablePart, name: str | None) -> Any:
    """A column as a plain pyarrow array; all null where the table has none."""
    if name is None:
        return pa.nulls(len(part.batch), pa.string())
    column = part.batch.column(name)
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _numeric(cells: Any, feature: Feature, size: int) -> _Column:
    figures, is_missing = _figures(cells, size)
    is_unreadable = ~is_missing & ~np.isfinite(figures)
    is_outside = ~is_missing & ~is_unreadable & ~((figures >= feature.low) & (figures <= feature.high))
    faults = {
        f"{feature.name} is not a number": is_unreadable,
        f"{feature.name} is outside {feature.low:g} to {feature.high:g}": is_outside,
    }
    if not feature.may_be_missing:
        faults[_missing(feature)] = is_missing
    return _Column(feature, cells, figures, faults)


def _figures(cells: Any, size: int) -> tuple[npt.NDArray[np.float64], Mask]:
    """The cells as numbers, NaN where they are none, and which of them hold nothing."""
    kind = cells.type
    if pa.types.is_null(kind):
        return np.full(size, np.nan), np.ones(size, dtype=bool)
    if _is_text(kind):
        return _read(cells)
    is_null = np.asarray(cells.is_null(nan_is_null=pa.types.is_floating(kind)))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = pc.cast(cells, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return np.asarray(numbers, dtype=float), is_null
    return np.full(size, np.nan), is_null


def _read(cells: Any) -> tuple[npt.NDArray[np.float64], Mask]:
    """Text as numbers: ``float`` reads each as the house form does, pyarrow all at once where it can."""
    trimmed = pc.utf8_trim_whitespace(pc.cast(cells, pa.string()))
    marks = pa.array(MISSING_MARKS)
    is_missing = pc.or_(pc.is_null(trimmed), pc.is_in(pc.utf8_lower(trimmed), value_set=marks))
    known = pc.if_else(is_missing, pa.scalar(None, pa.string()), trimmed)
    try:
        numbers = pc.cast(known, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        numbers = [_float(text) for text in known.to_pylist()]
    return np.array(numbers, dtype=float), np.asarray(is_missing)


def _float(text: str | None) -> float:
    try:
        return np.nan if text is None else float(text)
    except ValueError:
        return np.nan


def _choice(cells: Any, feature: Feature) -> _Column:
    kind = cells.type
    text = pc.utf8_trim_whitespace(pc.cast(cells, pa.string())) if _is_text(kind) else pa.nulls(len(cells), pa.string())
    found = pc.fill_null(pc.index_in(text, value_set=pa.array(list(PLACES))), -1)
    is_missing = np.asarray(cells.is_null())
    if _is_text(kind):
        marks = pc.fill_null(pc.is_in(pc.utf8_lower(text), value_set=pa.array(MISSING_MARKS)), True)
        is_missing = is_missing | np.asarray(marks)
    figures = np.asarray(found)
    is_strange = (figures < 0) & ~is_missing
    faults = {_missing(feature): is_missing, f"{feature.name} is none of the five places": is_strange}
    return _Column(feature, cells, figures, faults)


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _missing(feature: Feature) -> str:
    return f"{feature.name} is missing"


def cell_text(value: object) -> str:
    """A cell for people to look at: what is long is cut."""
    text = "" if value is None else str(value)
    return text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}…"
