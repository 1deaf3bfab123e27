"""A price with its ranges, alone and beside others."""

from __future__ import annotations

import math

from core.charts.range_bar import range_bar
from core.charts.scenarios import scenario_prices
from core.domain.money import SURVEY_CAP
from core.domain.scenarios import PricedScenario
from tests.core.charts.valued import HOSTILE, PRICE, price_range


def bars(figure):
    return [trace for trace in figure.data if trace.type == "bar"]


def test_both_ranges_reach_from_their_low_to_their_high_end() -> None:
    (drawn,) = bars(range_bar(PRICE, price_range()))
    assert list(drawn.base) == [200_000.0, 175_000.0]
    assert [low + width for low, width in zip(drawn.base, drawn.x, strict=True)] == [325_000.0, 362_500.0]
    assert range_bar(PRICE, price_range()).layout.yaxis.ticktext == ("80 %", "90 %")


def test_the_dollars_stand_in_the_hover_and_not_on_the_bars_which_stand_under_them() -> None:
    figure = range_bar(PRICE, price_range())
    assert not figure.layout.annotations
    told = bars(figure)[0].customdata[0]
    assert "80 % range $200,000 to $325,000<br>90 % range $175,000 to $362,500" in told


def test_the_hover_tells_how_often_such_ranges_held_for_houses_like_this() -> None:
    told = range_bar(PRICE, price_range(widened=1.5)).data[-1].customdata[0]
    assert "80 % and 91 % of &lt;1H OCEAN (1,795 rows)" in told
    assert "81 % and 90 % of $200,000 to $300,000 (911 rows)" in told
    assert told.endswith("widened 1.5 times: unlike the data")
    assert "widened" not in range_bar(PRICE, price_range()).data[-1].customdata[0]


def test_the_axis_is_the_same_for_every_price_below_the_cap() -> None:
    axes = [range_bar(price, price_range(price)).layout.xaxis for price in (40_000.0, 250_000.0, 480_000.0)]
    assert len({axis.range for axis in axes}) == 1
    assert axes[0].range[0] < 0 < SURVEY_CAP < axes[0].range[1]


def test_the_cap_is_marked_when_the_range_comes_near_it_and_only_then() -> None:
    near, far = range_bar(400_000.0, price_range(400_000.0)).layout, range_bar(PRICE, price_range()).layout
    assert [shape.x0 for shape in near.shapes] == [SURVEY_CAP]
    assert near.xaxis.ticktext[-1] == "cap"
    assert not far.shapes
    assert "cap" not in far.xaxis.ticktext


def test_a_version_without_ranges_says_so_and_draws_none() -> None:
    figure = range_bar(PRICE, None)
    assert not bars(figure)
    assert figure.layout.annotations[0].text == "This version has no range."
    assert list(figure.data[0].x) == [PRICE]


def test_it_is_low_enough_to_stand_under_the_price() -> None:
    assert range_bar(PRICE, price_range()).layout.height <= 100


def test_a_price_that_is_no_number_is_not_marked() -> None:
    assert list(range_bar(math.nan, None).data[0].x) == [None]


def test_scenarios_stand_side_by_side_in_their_order_each_with_its_ranges() -> None:
    figure = scenario_prices(
        [
            PricedScenario("asked", PRICE, price_range()),
            PricedScenario("smaller", 100_000.0, price_range(100_000.0)),
            PricedScenario("old version", 90_000.0, None),
        ]
    )
    outer, inner = bars(figure)
    assert list(outer.y) == list(inner.y) == [0, 1]
    assert inner.width > outer.width
    assert list(figure.data[2].text) == ["<b>$250,000</b>", "<b>$100,000</b>", "<b>$90,000</b>"]
    assert figure.layout.yaxis.ticktext == ("asked", "smaller", "old version")
    assert "1 without a range" in figure.layout.title.subtitle.text


def test_a_scenarios_name_is_text_short_enough_for_a_phone() -> None:
    figure = scenario_prices([PricedScenario(f"{HOSTILE} {'long ' * 40}", PRICE, None)])
    label = figure.layout.yaxis.ticktext[0]
    assert "<script" not in label
    assert label.count("<br>") == 1
    assert "<script" not in figure.data[2].customdata[0]
