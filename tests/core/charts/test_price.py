"""An estimate among the recorded prices."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.charts.price import price_position

PRICES = [15_000.0, 60_000.0, 65_000.0, 210_000.0, 500_001.0, 500_001.0]


def test_every_block_group_is_in_one_bar() -> None:
    bars = price_position(100_000.0, PRICES).data[0]
    assert sum(bars.y) == len(PRICES)
    assert dict(zip(bars.x, bars.y, strict=True))[70_000.0] == 2


@given(st.lists(st.floats(0, 600_000), min_size=1, max_size=40))
def test_no_price_is_lost_between_the_bars(prices: list[float]) -> None:
    assert sum(price_position(1e5, prices).data[0].y) == len(prices)


def test_the_hover_says_how_many_and_how_many_are_cheaper() -> None:
    bars = price_position(100_000.0, PRICES).data[0]
    place = list(bars.x).index(70_000.0)
    assert bars.hovertext[place] == "$60,000 to $80,000: 2 block groups.<br>16.7 % of all block groups are cheaper."


def test_the_capped_rows_stand_alone_and_are_named() -> None:
    figure = price_position(100_000.0, [*PRICES, 499_000.0])
    bars = figure.data[0]
    assert bars.y[-1] == 2
    assert bars.hovertext[-1].startswith("$500,000 or more (the survey's cap): 2 block groups")
    assert "last bar: the survey's cap" in figure.layout.title.subtitle.text


def test_the_estimate_is_marked_and_placed() -> None:
    layout = price_position(100_000.0, PRICES).layout
    assert [(shape.x0, shape.x1) for shape in layout.shapes] == [(100_000.0, 100_000.0)]
    assert layout.annotations[0].text == "<b>$100,000</b>"
    assert layout.title.subtitle.text.startswith("above 50 % of 6 block groups")


def test_an_estimate_near_the_cap_says_or_more() -> None:
    assert price_position(498_000.0, PRICES).layout.annotations[0].text == "<b>$500,000 or more</b>"


def test_the_label_turns_inwards_at_both_ends() -> None:
    sides = [price_position(price, PRICES).layout.annotations[0].xanchor for price in (20_000.0, 490_000.0)]
    assert sides == ["left", "right"]


@pytest.mark.parametrize("price", [-40_000.0, 900_000.0])
def test_an_estimate_beyond_every_price_is_still_on_the_chart(price: float) -> None:
    low, high = price_position(price, PRICES).layout.xaxis.range
    assert low < price < high


def test_an_estimate_that_is_no_number_is_not_marked_and_the_figure_says_so() -> None:
    layout = price_position(math.nan, PRICES).layout
    assert not layout.shapes
    assert layout.title.subtitle.text.startswith("no estimate to mark")


def test_missing_prices_are_left_out_and_counted() -> None:
    figure = price_position(1e5, np.array([*PRICES, np.nan]))
    assert sum(figure.data[0].y) == len(PRICES)
    assert "1 row without a number left out" in figure.layout.title.subtitle.text.replace("<br>", " ")
