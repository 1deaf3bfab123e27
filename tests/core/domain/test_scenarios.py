"""What a scenario's texts may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import InvalidScenario
from core.domain.scenarios import LONGEST_NAME, LONGEST_NOTE, scenario_name, scenario_note


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_a_note_is_kept_as_it_was_written(note: str) -> None:
    assert scenario_note(note) == note


@given(st.text(max_size=LONGEST_NAME).filter(str.strip))
def test_a_name_is_one_line(text: str) -> None:
    name = scenario_name(text)
    assert name == " ".join(name.split()) != ""
    assert scenario_name(name) == name


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_a_scenario_without_a_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidScenario, match="needs a name"):
        scenario_name(text)


def test_a_text_that_is_too_long_is_refused_with_both_lengths_and_never_cut() -> None:
    with pytest.raises(InvalidScenario, match=r"1,000,000 characters, and 20,000 are kept"):
        scenario_note("x" * 1_000_000)
    with pytest.raises(InvalidScenario, match="201 characters, and 200"):
        scenario_name("x" * (LONGEST_NAME + 1))
    assert len(scenario_note("x" * LONGEST_NOTE)) == LONGEST_NOTE


def test_half_a_letter_becomes_a_whole_one() -> None:
    """No file and no screen takes a lone surrogate."""
    assert scenario_note("a\ud800b") == "a?b"
    assert scenario_name("\udfff x") == "? x"
