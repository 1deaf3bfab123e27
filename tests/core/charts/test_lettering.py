"""Names fit their place, and are text and no markup."""

from __future__ import annotations

import html

from hypothesis import given
from hypothesis import strategies as st

from core.charts.lettering import counted, short_labels, shortened, wrapped


def test_counts_agree_with_their_noun() -> None:
    assert [counted(count, "run") for count in (0, 1, 2, 1_500)] == ["0 runs", "1 run", "2 runs", "1,500 runs"]


def test_a_long_name_keeps_both_ends() -> None:
    assert shortened("random_forest_150_trees_seed_42", 15) == "random_…seed_42"
    assert shortened("short", 15) == "short"


@given(st.text(), st.integers(1, 40))
def test_a_shortened_name_is_never_longer_than_asked(name: str, width: int) -> None:
    assert len(shortened(name, width)) <= width


@given(st.dictionaries(st.integers(), st.text(max_size=30), max_size=12), st.integers(8, 20))
def test_labels_that_differ_still_differ_when_shortened(names: dict[int, str], width: int) -> None:
    unlike = {str(key): f"{name} {key}" for key, name in names.items()}
    assert len(set(short_labels(unlike, width).values())) == len(unlike)


@given(st.text(max_size=200), st.integers(5, 30), st.integers(1, 4))
def test_a_wrapped_name_has_room_and_no_markup_of_its_own(name: str, width: int, lines: int) -> None:
    drawn = wrapped(name, width, lines).split("<br>")
    assert len(drawn) <= lines
    assert all(len(html.unescape(line)) <= width and "<" not in line for line in drawn)


def test_a_short_word_in_brackets_is_not_broken() -> None:
    assert wrapped("random_forest_100_trees") == "random_forest_100_<br>trees"
    assert wrapped("forest of 50 (seed 3)") == "forest of 50<br>(seed\N{NO-BREAK SPACE}3)"
