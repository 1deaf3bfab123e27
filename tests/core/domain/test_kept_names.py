"""The name of a run: whole, on one line, or refused."""

from __future__ import annotations

import pytest

from core.domain.errors import InvalidSpec
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import LONGEST_RUN_NAME, TrainingRequest, kept_name


@pytest.mark.parametrize(
    "text", ["a run of mine", "<b>née</b> 👨‍👩‍👧", "\u202egnp.exe", "=1+1", "x" * LONGEST_RUN_NAME]
)
def test_a_name_is_kept_whole(text: str) -> None:
    assert kept_name(text) == text


def test_a_name_stands_on_one_line() -> None:
    assert kept_name("  first\nsecond\r\n\tthird\u2028fourth ") == "first second third fourth"


@pytest.mark.parametrize(
    "text", ["a\0b", "\x1b[31mred", "a\x07b", "half \ud800 a letter", "x" * (LONGEST_RUN_NAME + 1)]
)
def test_what_nothing_can_show_or_hold_is_refused(text: str) -> None:
    with pytest.raises(InvalidSpec) as refusal:
        kept_name(text)
    assert refusal.value.remedy
    assert len(str(refusal.value)) < 200


def test_a_name_of_blanks_is_none() -> None:
    spec = TrainingSpec.create("ridge")
    assert TrainingRequest.create(spec, actor="tester", run_name=" \n ").run_name == spec.default_run_name
