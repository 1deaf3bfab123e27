"""Comparable areas beside an estimate."""

from __future__ import annotations

import pytest

from core.charts.comparables import comparable_gaps, comparable_prices
from core.domain.feature_groups import FeatureGroup
from core.domain.money import SURVEY_CAP
from tests.core.charts.valued import COMPARABLES, PRICE, price_range


def test_each_areas_recorded_median_stands_beside_the_estimate_and_its_range() -> None:
    figure = comparable_prices(COMPARABLES, PRICE, price_range())
    assert list(figure.data[1].x) == [220_000.0, 500_001.0]
    assert list(figure.data[0].x) == [230_000.0, 260_000.0]
    band, line, cap = figure.layout.shapes
    assert (band.x0, band.x1) == (175_000.0, 362_500.0)
    assert line.x0 == PRICE
    assert cap.x0 == SURVEY_CAP


def test_the_areas_have_their_numbers_from_the_map() -> None:
    assert comparable_prices(COMPARABLES, PRICE, None).layout.yaxis.ticktext == (
        "<b>1</b>  5.1 km",
        "<b>2</b>  10.0 km",
    )


def test_the_hover_says_whether_the_model_has_seen_the_area() -> None:
    told = comparable_prices(COMPARABLES, PRICE, None).data[1].customdata
    assert "Row 4,861" in told[0]
    assert "held out: the model never saw it" in told[0]
    assert "This house: +$30,000" in told[0]
    assert "Recorded $500,000 or more" in told[1]
    assert "the model was fitted on it" in told[1]


def test_everything_is_within_the_axis() -> None:
    low, high = comparable_prices(COMPARABLES, 90_000.0, None).layout.xaxis.range
    assert low < 90_000.0
    assert high > SURVEY_CAP


def test_the_parts_of_a_gap_add_up_to_it() -> None:
    figure = comparable_gaps(COMPARABLES)
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert [bar.name for bar in bars] == [*(group.label for group in FeatureGroup), "Not explained"]
    assert figure.layout.barmode == "relative"
    whole = figure.data[-1]
    for place, one in enumerate(COMPARABLES):
        assert sum(bar.x[place] for bar in bars) == pytest.approx(whole.x[place])
        assert whole.x[place] == pytest.approx(PRICE - one.recorded, abs=1.5)


def test_they_are_never_called_sales() -> None:
    for figure in (comparable_prices(COMPARABLES, PRICE, price_range()), comparable_gaps(COMPARABLES)):
        assert "sale" not in figure.to_json().lower()
