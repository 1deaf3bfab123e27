"""The points of a sweep's space."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings

from core.domain.hyperparameters import KNOBS, ModelFamily, TrainingSpec
from core.domain.sweep_plans import SweepPlan
from core.search.space import Axis, axes_of, places_from
from tests.core.search.sweeps import FOREST, RIDGE, searches

AXES = (Axis("max_depth", (1, 2, 3)), Axis("min_samples_leaf", (1, 2, 3, 4)))


@pytest.mark.parametrize("family", ModelFamily)
def test_a_whole_range_has_every_stop_of_the_slider(family: ModelFamily) -> None:
    whole = {name: (knob.low, knob.high) for name, knob in KNOBS[family].items()}
    axes = axes_of(SweepPlan.search(TrainingSpec.create(family), whole, trials=1))
    for knob, axis in zip(KNOBS[family].values(), axes, strict=True):
        assert (axis.points[0], axis.points[-1]) == (knob.low, knob.high)
        if not knob.logarithmic:
            assert len(axis.points) == round((knob.high - knob.low) / knob.step) + 1


def test_a_penalty_has_three_significant_digits() -> None:
    (axis,) = axes_of(SweepPlan.search(RIDGE, {"alpha": (0.0123, 1.5)}, trials=1))
    assert (axis.points[0], axis.points[-1], len(axis.points)) == (0.0123, 1.5, 877 + 900 + 51)


def test_a_grid_has_its_choices() -> None:
    (axis,) = axes_of(SweepPlan.grid(FOREST, {"n_estimators": (300, 100, 150)}))
    assert axis.points == (100, 150, 300)


@given(searches())
@settings(deadline=None)
def test_points_rise_lie_in_range_and_are_their_own_nearest(plan: SweepPlan) -> None:
    for one, axis in zip(plan.varied, axes_of(plan), strict=True):
        assert all(first < second for first, second in itertools.pairwise(axis.points))
        assert one.low <= axis.points[0] <= axis.points[-1] <= one.high
        for position in {0, len(axis.points) // 2, len(axis.points) - 1}:
            assert axis.nearest(axis.points[position]) == position


def test_a_value_beyond_the_points_is_nearest_to_an_end() -> None:
    assert [AXES[0].nearest(value) for value in (-5, 0, 2.4, 2.6, 9)] == [0, 0, 1, 2, 2]


def test_every_place_is_met_once_and_the_near_ones_first() -> None:
    start = (1, 2)
    met = list(places_from(start, AXES, order=(1, 0)))
    assert sorted(met) == sorted(itertools.product(range(3), range(4)))
    steps = [sum(abs(here - there) for here, there in zip(place, start, strict=True)) for place in met]
    assert steps == sorted(steps)
    assert met[1:3] == [(1, 1), (1, 3)]
