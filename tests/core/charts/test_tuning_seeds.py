"""Means over seeds, with how sure they are."""

from __future__ import annotations

import pytest

from core.charts.palette import family_colour
from core.charts.tuning import NO_SCORE
from core.charts.tuning_seeds import seed_bars
from core.domain.hyperparameters import ModelFamily
from core.evaluation.significance import mean_interval
from core.search.groups import Group


def group(trees: int, *scores: float) -> Group:
    return Group(ModelFamily.RANDOM_FOREST, (("n_estimators", trees),), tuple(enumerate(scores, start=42)))


HUNDRED = group(100, 49_000.0, 49_200.0, 49_100.0)
DOUBLE = group(200, 48_900.0, 48_800.0, 48_700.0)


def test_the_mean_stands_at_its_value_with_students_interval() -> None:
    figure = seed_bars([HUNDRED, DOUBLE])
    means = figure.data[1]
    assert list(figure.layout.xaxis.ticktext) == ["100", "200"]
    assert list(figure.layout.xaxis.tickvals) == list(means.x)
    assert list(means.y) == [49_100.0, 48_800.0]
    high = mean_interval(HUNDRED.scores).high
    assert high is not None
    assert means.error_y.array[0] == pytest.approx(high - 49_100.0)
    assert means.marker.color == family_colour("random_forest")


def test_every_seed_is_a_point_beside_its_mean() -> None:
    seeds = seed_bars([HUNDRED, DOUBLE]).data[0]
    assert list(seeds.y) == [*HUNDRED.scores, *DOUBLE.scores]
    assert [round(x) for x in seeds.x] == [0, 0, 0, 1, 1, 1]
    assert len(set(seeds.x)) == 6


def test_the_hover_tells_mean_interval_and_seed() -> None:
    seeds, means = seed_bars([DOUBLE]).data
    low, high = (f"${end:,.0f}" for end in mean_interval(DOUBLE.scores)[1:] if end is not None)
    assert means.customdata[0] == (
        f"<b>Trees 200</b><br>Mean RMSE $48,800<br>95 % between {low} and {high}<br>over 3 seeds"
    )
    assert seeds.customdata[2] == "<b>Trees 200</b>, seed 44<br>RMSE $48,700"


def test_a_single_seed_has_no_interval_and_says_so() -> None:
    means = seed_bars([group(100, 49_000.0), DOUBLE]).data[1]
    assert means.error_y.array[0] is None
    assert means.customdata[0].endswith("one seed: no interval yet")
    assert "None" not in means.customdata[0]


def test_the_axes_are_named_and_hold_points_and_intervals() -> None:
    layout = seed_bars([HUNDRED, DOUBLE]).layout
    assert (layout.xaxis.title.text, layout.yaxis.title.text) == ("Trees", "RMSE in cross-validation (1990 $)")
    low, high = layout.yaxis.range
    for one in (HUNDRED, DOUBLE):
        _, bottom, top = mean_interval(one.scores)
        assert bottom is not None
        assert top is not None
        assert low < bottom < top < high


def test_how_many_seeds_is_said() -> None:
    assert seed_bars([HUNDRED, DOUBLE]).layout.title.subtitle.text == "mean and 95 % interval over 3 seeds"
    uneven = seed_bars([HUNDRED, group(150, 4e4, 5e4)])
    assert uneven.layout.title.subtitle.text == "mean and 95 % interval over up to 3 seeds"


def test_combinations_of_two_knobs_name_both() -> None:
    both = Group(ModelFamily.RANDOM_FOREST, (("n_estimators", 100), ("max_depth", 20)), ((42, 49_000.0),))
    figure = seed_bars([both])
    assert figure.layout.xaxis.title.text == "Trees · Depth"
    assert list(figure.layout.xaxis.ticktext) == ["100 · 20"]
    assert figure.data[1].customdata[0].startswith("<b>Trees 100, Depth 20</b>")


def test_without_a_score_the_picture_says_so() -> None:
    figure = seed_bars([])
    assert not figure.data
    assert figure.layout.annotations[0].text == NO_SCORE
