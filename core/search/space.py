"""The points a sweep chooses among: for each knob that varies, the values its slider can show."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from core.domain.hyperparameters import KNOBS, Knob, KnobValue, TrainingSpec
from core.domain.sweep_plans import SweepPlan, Varied

_SIGNIFICANT_DIGITS: Final = 3
"""A penalty of 0.123 or 0.124 is all the same; more digits only make specs hard to read."""

Place = tuple[int, ...]
"""One spec of the space: the position of its value on each axis."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One knob that varies: its values, smallest first. A logarithmic one is searched by ratio."""

    name: str
    points: tuple[KnobValue, ...]
    logarithmic: bool = False

    def nearest(self, value: KnobValue) -> int:
        """The position of the point next to a value; of two equally near ones the smaller."""
        after = bisect_left(self.points, value)
        around = range(max(0, after - 1), min(len(self.points), after + 1))
        return min(around, key=lambda position: abs(self._scaled(self.points[position]) - self._scaled(value)))

    def _scaled(self, value: KnobValue) -> float:
        return math.log10(value) if self.logarithmic else value


def axes_of(plan: SweepPlan) -> tuple[Axis, ...]:
    """An axis for each knob that varies, in the plan's order."""
    return tuple(_axis(KNOBS[plan.family][one.name], one) for one in plan.varied)


def values_of(spec: TrainingSpec, axes: Sequence[Axis]) -> tuple[KnobValue, ...]:
    """What the spec has for each axis."""
    values = spec.values
    return tuple(values[axis.name] for axis in axes)


def places_from(start: Place, axes: Sequence[Axis], order: Sequence[int]) -> Iterator[Place]:
    """Every place of the space, the nearest to ``start`` first: one step on one axis is a distance of 1.

    Args:
        order: the axes' positions; of places equally near, those along its first axis come first.
    """
    seen, ring = {start}, [start]
    while ring:
        yield from ring
        further: dict[Place, None] = {}
        for place in ring:
            for along in order:
                for position in (place[along] - 1, place[along] + 1):
                    if 0 <= position < len(axes[along].points):
                        further[(*place[:along], position, *place[along + 1 :])] = None
        ring = [place for place in further if place not in seen]
        seen.update(ring)


def _axis(knob: Knob, varied: Varied) -> Axis:
    if varied.choices:
        return Axis(knob.name, varied.choices)
    stops = _significant(varied) if knob.logarithmic else _stepped(knob, varied)
    # A range narrower than a step holds no point: its ends are then the only values that were asked for.
    return Axis(knob.name, stops or (varied.low, varied.high), knob.logarithmic)


def _stepped(knob: Knob, varied: Varied) -> tuple[KnobValue, ...]:
    digits = knob.shown_digits
    first = math.floor((varied.low - knob.low) / knob.step)
    last = math.ceil((varied.high - knob.low) / knob.step)
    stops = (knob.low + place * knob.step for place in range(first, last + 1))
    # Rounded, or the tenth step of 0.05 from 0.1 would be 0.6000000000000001 and no value of the slider.
    written = (int(stop) if knob.is_integer else round(float(stop), digits) for stop in stops)
    return tuple(stop for stop in written if varied.low <= stop <= varied.high)


def _significant(varied: Varied) -> tuple[float, ...]:
    start = 10 ** (_SIGNIFICANT_DIGITS - 1)
    powers = range(math.floor(math.log10(varied.low)), math.floor(math.log10(varied.high)) + 1)
    stops = (
        float(f"{figure}e{power - _SIGNIFICANT_DIGITS + 1}") for power in powers for figure in range(start, 10 * start)
    )
    return tuple(stop for stop in stops if varied.low <= stop <= varied.high)
