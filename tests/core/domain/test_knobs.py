"""What a sweep varies a knob over, and the stops of a logarithmic one."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import InvalidSpec
from core.domain.hyperparameters import KNOBS, ModelFamily
from tests.core.search.sweeps import on_slider

SEARCHED = [
    pytest.param(knob, id=f"{family.value}.{knob.name}")
    for family in ModelFamily
    for knob in KNOBS[family].values()
    if knob.search
]
PENALTY = KNOBS[ModelFamily.RIDGE]["alpha"]


@pytest.mark.parametrize("knob", SEARCHED)
def test_a_search_range_lies_within_the_knobs_own_and_ends_on_its_slider(knob):
    low, high = knob.search
    assert knob.low <= low < high <= knob.high
    for end in (low, high):
        assert knob.parse(end) == end
        assert type(knob.parse(end)) is type(end)
        assert on_slider(knob, end)


@pytest.mark.parametrize("knob", SEARCHED)
def test_a_search_finds_the_default_within_its_range(knob):
    """Else a sweep would not start from what the family does by itself."""
    low, high = knob.search
    assert low <= knob.default <= high


@pytest.mark.parametrize("family", ModelFamily)
def test_every_family_has_something_to_search(family):
    assert any(knob.search for knob in KNOBS[family].values())


def test_more_trees_only_steady_a_forest_so_their_number_is_not_searched():
    for family in (ModelFamily.RANDOM_FOREST, ModelFamily.EXTRA_TREES):
        assert KNOBS[family]["n_estimators"].search is None


def test_the_stops_of_a_logarithmic_knob_are_1_2_and_5_of_each_decade_from_end_to_end():
    assert PENALTY.stops()[:5] == (0.001, 0.002, 0.005, 0.01, 0.02)
    assert PENALTY.stops()[-4:] == (100.0, 200.0, 500.0, 1000.0)
    assert PENALTY.stops() == PENALTY.decades


def test_other_values_join_the_stops_in_their_place():
    assert PENALTY.stops("0.3", 7)[6:13] == (0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
    assert 7.0 in PENALTY.stops("0.3", 7)
    assert PENALTY.stops(1.0) == PENALTY.decades, "one that is there already does not stand twice"


@given(st.lists(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), max_size=4))
def test_stops_rise_lie_in_range_and_leave_out_what_is_no_value(others):
    stops = PENALTY.stops(*others)
    assert all(first < second for first, second in itertools.pairwise(stops))
    assert (stops[0], stops[-1]) == (PENALTY.low, PENALTY.high)
    assert set(PENALTY.decades) <= set(stops)
    extra = set(stops) - set(PENALTY.decades)
    valid = set()
    for other in others:
        try:
            valid.add(PENALTY.parse(other))
        except InvalidSpec:
            continue
    assert extra == valid - set(PENALTY.decades)
