"""A price taken apart."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.charts.palette import DIVERGING
from core.charts.version_split import version_split
from core.charts.waterfall import waterfall
from tests.core.charts.valued import DIFFERENCE, HOSTILE, REASONS, parts

AMOUNTS = st.floats(-400_000, 400_000)


def steps(figure):
    return next(trace for trace in figure.data if trace.type == "bar")


@given(AMOUNTS, st.lists(AMOUNTS, min_size=5, max_size=5))
def test_each_step_begins_where_the_one_before_ended_and_the_last_ends_at_the_price(base, amounts) -> None:
    reasons = replace(REASONS, base=base, parts=parts(*amounts))
    drawn = steps(waterfall(reasons))
    ends = [start + step for start, step in zip(drawn.base, drawn.x, strict=True)]
    assert drawn.base[0] == base
    assert list(drawn.base[1:]) == pytest.approx(ends[:-1])
    assert ends[-1] == pytest.approx(reasons.price, abs=1e-6)


def test_what_adds_is_orange_what_takes_away_is_blue_and_the_sign_is_written() -> None:
    drawn = steps(waterfall(REASONS))
    assert list(drawn.marker.color) == [DIVERGING[2], DIVERGING[0], DIVERGING[2], DIVERGING[0], DIVERGING[0]]
    assert list(drawn.text) == ["+$60,000", "−$10,000", "$0", "−$2,000", "−$4,000"]


def test_the_rows_go_from_the_start_down_to_the_price() -> None:
    axis = waterfall(REASONS).layout.yaxis
    assert axis.ticktext[0] == "Starting point"
    assert axis.ticktext[1:3] == ("Median income", "Median house age")
    assert axis.ticktext[-1] == "<b>Price</b>"
    assert axis.range[0] > axis.range[1]


def test_the_hover_tells_what_a_group_does_how_much_of_it_all_and_from_where_to_where() -> None:
    told = steps(waterfall(REASONS)).customdata
    assert told[0].startswith("<b>Median income</b> adds $60,000<br>79 % of all")
    assert told[1].endswith("$266,000 → $256,000")
    assert "changes nothing" in told[2]
    assert "takes $4,000 away" in told[4]


def test_a_price_near_the_cap_says_or_more() -> None:
    capped = replace(REASONS, base=445_000.0)
    ends = waterfall(capped).data[2]
    assert "$500,000 or more" not in ends.text[0]
    assert "$500,000 or more" in waterfall(replace(capped, base=450_000.0)).data[2].text[1]


def test_figures_beside_the_ends_turn_into_the_chart() -> None:
    assert list(waterfall(REASONS).data[2].textposition) == ["middle right", "middle left"]


def test_a_starting_point_is_text_and_no_markup() -> None:
    hostile = waterfall(replace(REASONS, base_text=HOSTILE)).layout.title.subtitle.text
    assert "<script" not in hostile


def test_what_is_no_number_is_not_drawn() -> None:
    assert not waterfall(replace(REASONS, base=float("nan"))).data
    assert not version_split(replace(DIFFERENCE, total=float("inf")), first="1", other="2").data


def test_the_split_of_a_difference_ends_in_the_whole_of_it() -> None:
    figure = version_split(DIFFERENCE, first="version 3", other="version 5")
    drawn = steps(figure)
    assert sum(drawn.x[:-1]) == pytest.approx(drawn.x[-1])
    assert figure.layout.yaxis.ticktext[0] == "Every house"
    assert figure.layout.yaxis.ticktext[-1] == "<b>Difference</b>"
    assert list(drawn.customdata[:4:3]) == ["Every house: $2,000 less", "Size and rooms: no difference"]
    said = figure.layout.title.subtitle.text.replace("<br>", " ")
    assert said == "version 5 minus version 3; orange: version 5 says more, blue: less"
