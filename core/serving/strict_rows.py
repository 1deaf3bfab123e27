"""From records as a caller sent them to rows a model may be asked: every cell checked, every wrong one named.

The rules are a house's own (``core.domain.house``). MLflow's scoring server prices NaN, unknown places,
latitude 1e9 and numbers written as text; here each of them is refused with row, column, value and rule.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from core.domain.house import FEATURES, NUMERIC_COLUMNS, RAW_COLUMNS, Feature, feature_complaint
from core.features.direct import PLACES, HouseRows
from core.serving.refusals import MOST_LISTED, Problem, shortened, unprocessable

REQUIRED: Final = "required"
NO_SUCH_COLUMN: Final = "no such column"
ONCE: Final = "given once"
NOT_NULL: Final = "not null"
WITHIN_ROOMS: Final = "at most total_rooms"

_NUMBERS: Final = tuple(FEATURES[name] for name in NUMERIC_COLUMNS)
_LIMITS: Final = tuple((rule.name, rule.low, rule.high, rule.may_be_missing) for rule in _NUMBERS)
_KNOWN: Final = frozenset(RAW_COLUMNS)
_BEDROOMS: Final = NUMERIC_COLUMNS.index("total_bedrooms")
_ROOMS: Final = NUMERIC_COLUMNS.index("total_rooms")


class Repeated(dict[str, object]):
    """A JSON object in which a name came twice; ``repeated`` says which."""

    def __init__(self, pairs: Sequence[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.repeated = sorted(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)


def checked_rows(records: Sequence[Mapping[str, object]]) -> HouseRows:
    """The rows of records that hold the nine features each.

    Raises:
        Refused: 422; there are no records, or cells break a rule: the first twenty are listed, all are counted.
    """
    if not records:
        raise unprocessable("There are no rows.", remedy="Send at least one.")
    problems: list[Problem] = []
    total = 0
    numbers: list[list[float]] = []
    places: list[int] = []
    for row, record in enumerate(records):
        found = _numbers_of(record)
        place = record.get("ocean_proximity")
        if found is None or not isinstance(place, str) or place not in PLACES:
            wrong = _problems_of(row, record)
            total += len(wrong)
            problems += wrong[: MOST_LISTED - len(problems)]
            continue
        numbers.append(found)
        places.append(PLACES[place])
    if total:
        raise broken_cells(problems, total)
    return HouseRows(np.array(numbers, dtype=float), np.array(places, dtype=np.intp))


def broken_cells(problems: Sequence[Problem], total: int) -> Exception:
    """The refusal of rows with wrong cells; its sentence names the first."""
    first = problems[0]
    place = f"row {first.row}" if first.row is not None else "the table"
    column = f", {shortened(first.column)}" if first.column is not None else ""
    counted = "1 value breaks the rules" if total == 1 else f"{total:,} values break the rules; the first"
    return unprocessable(
        f"{counted}: {place}{column}: {first.rule}.",
        remedy=f"A row has exactly {', '.join(RAW_COLUMNS)}; only total_bedrooms may be null.",
        problems=problems,
        total=total,
    )


def column_problems(names: Sequence[object]) -> list[Problem]:
    """What is wrong with the columns of a whole table."""
    problems = [Problem(None, name, None, REQUIRED) for name in RAW_COLUMNS if name not in names]
    seen: set[object] = set()
    for name in names:
        if not isinstance(name, str) or name not in _KNOWN:
            label = name if isinstance(name, str) else None
            problems.append(Problem(None, label, None if label is not None else name, NO_SUCH_COLUMN))
        elif name in seen:
            problems.append(Problem(None, name, None, ONCE))
        else:
            seen.add(name)
    return problems


def rule_of(feature: Feature) -> str:
    """What a value of this feature must be, in a few words."""
    if feature.choices:
        return f"one of {', '.join(feature.choices)}"
    return f"a number from {feature.low:g} to {feature.high:g}"


def _numbers_of(record: Mapping[str, object]) -> list[float] | None:
    """The eight numbers of a record without fault; None sends it to be looked at closely."""
    if len(record) != len(RAW_COLUMNS) or isinstance(record, Repeated):
        return None
    found: list[float] = []
    for name, low, high, may_be_missing in _LIMITS:
        value = record.get(name)
        kind = value.__class__
        if (kind is float or kind is int) and low <= value <= high:  # type: ignore[operator]
            found.append(value)  # type: ignore[arg-type]
        elif value is None and may_be_missing and name in record:
            found.append(math.nan)
        else:
            return None
    # NaN compares as false: missing bedrooms are within any rooms.
    return None if found[_BEDROOMS] > found[_ROOMS] else found


def _problems_of(row: int, record: Mapping[str, object]) -> list[Problem]:
    repeated = record.repeated if isinstance(record, Repeated) else []
    problems = [Problem(row, name, None, ONCE) for name in repeated]
    for name in RAW_COLUMNS:
        feature = FEATURES[name]
        if name not in record:
            problems.append(Problem(row, name, None, REQUIRED))
            continue
        value = record[name]
        if value is None and not feature.may_be_missing:
            problems.append(Problem(row, name, None, NOT_NULL))
        elif isinstance(value, dict | list) or feature_complaint(feature, value) is not None:
            problems.append(Problem(row, name, value, rule_of(feature)))
    problems += [Problem(row, name, record[name], NO_SUCH_COLUMN) for name in record if name not in _KNOWN]
    if not problems:
        problems.append(Problem(row, "total_bedrooms", record["total_bedrooms"], WITHIN_ROOMS))
    return problems
