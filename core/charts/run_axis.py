"""A column of the run table as an axis: each run's value on it, its title with the unit, its ticks."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from core.charts.frame import PRICE_TICKS, plain
from core.charts.lettering import shortened, wrapped
from core.domain.hyperparameters import KNOBS
from core.domain.metrics import Unit, figure_text, metric_of
from core.domain.money import duration
from core.domain.run_cells import cell_text, column_title
from core.domain.run_query import Column, ColumnKind
from core.domain.runs import Run

Value = float | datetime

MOST_NAMES: Final = 16
"""Names on an axis; the rarer ones beyond share the last place."""

_OTHERS: Final = "others"
_TITLE_WIDTH: Final = 34
_LEAST_SPREAD: Final = 0.002
_TIME_UNITS: Final = (("h", 3600.0), ("min", 60.0), ("s", 1.0))
_TICK_FORMATS: Final = {Unit.DOLLARS: PRICE_TICKS, Unit.SHARE: ".1~%"}


@dataclass(frozen=True, slots=True, eq=False)
class RunAxis:
    """One column over some runs.

    ``values`` has one a run, in the runs' order: a number, a time, or a name's place in ``names`` from 0; None
    where the run has none, or one that is NaN or infinite. ``names`` is empty for numbers and times. ``title`` is
    ready for plotly. ``unit_seconds`` is how long the unit of a duration is; None for all other columns.
    """

    column: Column
    title: str
    values: tuple[Value | None, ...]
    names: tuple[str, ...] = ()
    is_logarithmic: bool = False
    unit_seconds: float | None = None

    @property
    def label(self) -> str:
        """The column's name without its unit, as it is written."""
        return column_title(self.column)

    @property
    def layout(self) -> dict[str, Any]:
        """Scale, range and ticks for plotly."""
        known = [value for value in self.values if value is not None]
        if self.names:
            return named_places(self.names)
        numbers = [value for value in known if not isinstance(value, datetime)]
        if not numbers:
            return {"type": "date", "nticks": 6} if known else {}
        if self.is_logarithmic:
            return {"type": "log", "tickformat": ",~g", "nticks": 6}
        metric = metric_of(self.column.key) if self.column.kind is ColumnKind.METRIC else None
        ticks = {"tickformat": _TICK_FORMATS[metric.unit]} if metric and metric.unit in _TICK_FORMATS else {}
        return {"nticks": 6, **ticks, **_least_range(numbers)}

    def text(self, value: Value) -> str:
        """A value as people read it."""
        if isinstance(value, datetime):
            return f"{value:%Y-%m-%d %H:%M}"
        if self.names:
            return self.names[round(value)]
        if self.column.kind is ColumnKind.METRIC:
            return figure_text(self.column.key, value)
        return f"{value:,.6g}" if self.unit_seconds is None else duration(value * self.unit_seconds)


def run_axis(column: Column, runs: Sequence[Run]) -> RunAxis:
    """The column as an axis over these runs: of numbers where all values are, else of names."""
    match column.kind, column.key:
        case ColumnKind.METRIC, key:
            figures = tuple(_finite(run.metrics.get(key)) for run in runs)
            return RunAxis(column, _title(metric_of(key).title), figures)
        case ColumnKind.ATTRIBUTE, "start_time" | "end_time":
            times = tuple(run.started if column.key == "start_time" else run.ended for run in runs)
            return RunAxis(column, f"{column_title(column)} (UTC)", times)
        case ColumnKind.ATTRIBUTE, "duration":
            return _durations(column, runs)
        case _:
            return _written(column, runs)


def named_places(names: Sequence[str]) -> dict[str, Any]:
    """Ticks and range for plotly of an axis with a name at each whole number from 0; level where a phone has room."""
    few, width = (True, 10 if len(names) <= 5 else 7) if len(names) <= 6 else (False, 16)
    return {
        "tickvals": list(range(len(names))),
        "ticktext": [wrapped(name, width, lines=3) for name in names],
        "range": [-0.6, len(names) - 0.4],
        **({"tickangle": 0, "tickfont_size": 11} if few else {}),
    }


def seconds_of(value: Value) -> float:
    """The value as a number to take a share of: a time as seconds since 1970."""
    return value.astimezone(UTC).timestamp() if isinstance(value, datetime) else value


def _durations(column: Column, runs: Sequence[Run]) -> RunAxis:
    seconds = [_finite(run.seconds) for run in runs]
    longest = max((known for known in seconds if known is not None), default=0.0)
    unit, size = next((one for one in _TIME_UNITS if longest >= 3 * one[1]), _TIME_UNITS[-1])
    values = tuple(None if one is None else one / size for one in seconds)
    return RunAxis(column, f"Duration ({unit})", values, unit_seconds=size)


def _written(column: Column, runs: Sequence[Run]) -> RunAxis:
    """Params, tags, names and states: numbers where every one of them reads as one."""
    given = [_text(column, run) for run in runs]
    numbers = [None if text is None else _number(text) for text in given]
    known = [number for number in numbers if number is not None]
    title = column_title(column)
    if known and len(known) == sum(text is not None for text in given):
        is_logarithmic = column.kind is ColumnKind.PARAM and min(known) > 0 and _spans_decades(column.key)
        shown = f"{title} (logarithmic)" if is_logarithmic else title
        return RunAxis(column, _title(shown), tuple(numbers), is_logarithmic=is_logarithmic)
    shares = Counter(text for text in given if text is not None)
    kept = [name for name, _ in shares.most_common(MOST_NAMES if len(shares) <= MOST_NAMES else MOST_NAMES - 1)]
    names = [*sorted(kept, key=_natural), *([_OTHERS] if len(kept) < len(shares) else [])]
    places = {name: float(place) for place, name in enumerate(names)}
    values = tuple(None if text is None else places.get(text, len(names) - 1.0) for text in given)
    return RunAxis(column, _title(title), values, tuple(names))


def _text(column: Column, run: Run) -> str | None:
    held = {ColumnKind.PARAM: run.params, ColumnKind.TAG: run.tags}
    if column.kind in held and not held[column.kind].get(column.key):
        return None
    return cell_text(run, column) or None


def _title(text: str) -> str:
    return plain(shortened(text, _TITLE_WIDTH))


def _finite(number: float | None) -> float | None:
    return float(number) if number is not None and math.isfinite(number) else None


def _number(text: str) -> float | None:
    try:
        return _finite(float(text))
    except ValueError:
        return None


def _spans_decades(param: str) -> bool:
    return any(param in knobs and knobs[param].logarithmic for knobs in KNOBS.values())


def _natural(name: str) -> tuple[bool, float, str]:
    """Numbers first and by their size, then words."""
    number = _number(name)
    return number is None, number or 0.0, name


def _least_range(numbers: Sequence[float]) -> dict[str, Any]:
    """A range for values that are nearly equal: on their own they would be spread over cents."""
    low, high = min(numbers), max(numbers)
    reach = max(abs(low), abs(high)) * _LEAST_SPREAD
    middle = low / 2 + high / 2
    return {"range": [middle - reach, middle + reach]} if 0 <= high - low < reach and math.isfinite(reach) else {}
