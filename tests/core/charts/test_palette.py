"""Colours that mean something keep meaning it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.charts.palette import (
    CATEGORICAL,
    NEUTRAL,
    faded,
    family_colour,
    family_symbol,
    run_colour,
    run_colours,
    run_marks,
)
from core.domain.hyperparameters import ModelFamily
from core.domain.settings import PROJECT_ROOT


def test_each_family_has_a_colour_and_a_symbol_of_its_own() -> None:
    assert len({family_colour(family) for family in ModelFamily}) == len(ModelFamily)
    assert len({family_symbol(family) for family in ModelFamily}) == len(ModelFamily)


def test_a_family_is_known_by_its_written_name_too() -> None:
    assert family_colour("lightgbm") == family_colour(ModelFamily.LIGHTGBM)


def test_a_foreign_family_is_neutral_and_not_an_error() -> None:
    assert family_colour("prophet") == NEUTRAL
    assert family_symbol("") not in {family_symbol(family) for family in ModelFamily}


def test_a_run_has_the_same_colour_in_another_process() -> None:
    code = "from core.charts.palette import run_colour; print(run_colour('f3a9'))"
    other = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == run_colour("f3a9")


@given(st.lists(st.text(), unique=True, max_size=len(CATEGORICAL)))
def test_runs_side_by_side_are_distinct_and_the_first_keeps_its_own(run_ids: list[str]) -> None:
    colours = run_colours(run_ids)
    assert list(colours) == run_ids
    assert len(set(colours.values())) == len(run_ids)
    assert not run_ids or colours[run_ids[0]] == run_colour(run_ids[0])


def test_a_ninth_run_is_drawn_too() -> None:
    colours = run_colours([f"run {number}" for number in range(20)])
    assert len(colours) == 20
    assert set(colours.values()) == set(CATEGORICAL)


@pytest.mark.parametrize(("opacity", "written"), [(0.25, "rgba(0, 114, 178, 0.25)"), (1.0, "rgba(0, 114, 178, 1)")])
def test_a_faded_colour_keeps_its_hue(opacity: float, written: str) -> None:
    assert faded("#0072B2", opacity) == written


@given(st.lists(st.text(), unique=True, max_size=20))
def test_no_two_of_twenty_runs_look_alike_and_each_keeps_its_colour(run_ids: list[str]) -> None:
    marks = run_marks(run_ids)
    assert {run_id: mark.colour for run_id, mark in marks.items()} == run_colours(run_ids)
    assert len({(mark.colour, mark.symbol) for mark in marks.values()}) == len(run_ids)
    assert len({(mark.colour, mark.dash) for mark in marks.values()}) == len(run_ids)


def test_no_colour_comes_a_third_time_before_all_came_twice() -> None:
    colours = list(run_colours([f"run {number}" for number in range(16)]).values())
    assert {colours.count(colour) for colour in CATEGORICAL} == {2}
