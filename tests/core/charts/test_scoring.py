"""The pictures of a priced file."""

from __future__ import annotations

from core.charts.scoring import feature_shift, price_distribution
from core.domain.house import FEATURES, NUMERIC_COLUMNS
from core.domain.money import SURVEY_CAP
from core.domain.scoring import FeatureShift, PriceBar, ShareOfRows


def test_each_bar_is_as_wide_as_its_prices_and_as_high_as_their_number() -> None:
    bars = (PriceBar(100_000, 150_000, 3), PriceBar(150_000, 200_000, 1))
    figure = price_distribution(bars, median=140_000.0)
    drawn = figure.data[0]
    assert list(drawn.x) == [125_000, 175_000]
    assert list(drawn.width) == [50_000, 50_000]
    assert list(drawn.y) == [3, 1]
    assert list(drawn.hovertext) == ["$100,000 to $150,000<br>3 rows", "$150,000 to $200,000<br>1 row"]
    assert figure.layout.title.subtitle.text == "4 rows, median $140,000"
    assert [shape.x0 for shape in figure.layout.shapes] == [140_000.0], "the cap is far away"


def test_the_survey_cap_is_named_where_prices_come_near_it() -> None:
    figure = price_distribution((PriceBar(400_000, 480_000, 1),), median=430_000.0)
    assert [shape.x0 for shape in figure.layout.shapes] == [430_000.0, SURVEY_CAP]
    assert [note.text for note in figure.layout.annotations] == ["survey cap"]


def test_a_single_price_is_still_a_bar() -> None:
    assert price_distribution((PriceBar(100_000.0, 100_000.0, 1),), median=100_000.0).data[0].width[0] > 0


def test_without_prices_the_picture_says_so() -> None:
    assert "No row was priced." in price_distribution((), median=None).layout.annotations[0].text


def test_both_distributions_of_a_feature_stand_side_by_side_in_percent() -> None:
    steps = (ShareOfRows("INLAND", 0.25, 0.5), ShareOfRows("<1H OCEAN", 0.75, 0.5))
    figure = feature_shift(FeatureShift("ocean_proximity", 0.2, "shifted", True, "It has moved.", steps))
    assert {bar.name: list(bar.y) for bar in figure.data} == {
        "training rows": [50, 50],
        "this file": [25, 75],
    }
    assert list(figure.layout.xaxis.ticktext) == ["INLAND", "&lt;1H OCEAN"]


def test_every_feature_has_a_title_with_its_unit() -> None:
    for name in NUMERIC_COLUMNS:
        figure = feature_shift(FeatureShift(name, None, "", False, ""))
        assert FEATURES[name].label in figure.layout.title.text
        assert FEATURES[name].unit in figure.layout.xaxis.title.text
