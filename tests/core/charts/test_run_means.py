"""A metric against a param: means over seeds with as much certainty as the seeds give."""

from __future__ import annotations

import pytest

from core.charts.palette import family_colour
from core.charts.run_means import metric_by_param
from core.domain.runs import Run
from core.evaluation.significance import mean_interval
from tests.core.charts.compared import LINEAGE, run


def seeds(first: int, trees: int, *scores: float, **params: object) -> list[Run]:
    return [
        run(first + place, metrics={"rmse": score}, n_estimators=trees, seed=42 + place, **params)
        for place, score in enumerate(scores)
    ]


HUNDRED = seeds(0, 100, 49_000.0, 49_200.0, 49_100.0)
DOUBLE = seeds(10, 200, 48_900.0, 48_800.0, 48_700.0)


def test_a_mean_stands_at_its_param_with_students_interval() -> None:
    (line,) = metric_by_param([*DOUBLE, *HUNDRED], "n_estimators", "rmse").data
    high = mean_interval([49_000.0, 49_200.0, 49_100.0]).high
    assert (list(line.x), list(line.y)) == ([100.0, 200.0], [49_100.0, 48_800.0])
    assert high is not None
    assert line.error_y.array[0] == pytest.approx(high - 49_100.0)
    assert line.marker.color == family_colour("random_forest")


def test_a_single_seed_is_hollow_has_no_interval_and_says_so() -> None:
    figure = metric_by_param([*HUNDRED, *seeds(20, 300, 48_000.0)], "n_estimators", "rmse")
    (line,) = figure.data
    assert line.error_y.array[1] is None
    assert list(line.marker.symbol) == ["circle", "circle-open"]
    assert "one seed: no interval yet" in line.customdata[1]
    assert "1 of one seed" in figure.layout.title.subtitle.text.replace("<br>", " ")


def test_a_seed_trained_twice_is_no_evidence() -> None:
    twice = [*seeds(0, 100, 49_000.0), *seeds(1, 100, 49_000.0)]
    (line,) = metric_by_param(twice, "n_estimators", "rmse").data
    assert line.error_y.array[0] is None


def test_runs_that_differ_in_another_param_are_another_line() -> None:
    figure = metric_by_param([*HUNDRED, *seeds(20, 100, 50_000.0, 50_100.0, max_depth=5)], "n_estimators", "rmse")
    assert [list(line.y) for line in figure.data] == [[50_050.0], [49_100.0]]
    assert "max_depth = 5" in figure.data[0].customdata[0]


@pytest.mark.parametrize("tag", ["data.sha256", "split"])
def test_scores_on_other_rows_are_never_averaged(tag: str) -> None:
    elsewhere = run(5, metrics={"rmse": 1.0}, tags={**LINEAGE, tag: "another"}, n_estimators=100, seed=99)
    figure = metric_by_param([*HUNDRED, elsewhere], "n_estimators", "rmse")
    assert sorted(y for line in figure.data for y in line.y) == [1.0, 49_100.0]


def test_runs_without_a_seed_stand_for_themselves() -> None:
    runs = [run(number, metrics={"rmse": 49_000.0 + number}, n_estimators=100) for number in range(3)]
    (line,) = metric_by_param(runs, "n_estimators", "rmse").data
    assert list(line.error_y.array) == [None] * 3


def test_compared_runs_are_points_of_their_own_beside_the_means() -> None:
    labels = {one.run_id: one.name for one in HUNDRED}
    means, *points = metric_by_param(HUNDRED, "n_estimators", "rmse", labels).data
    assert list(means.y) == [49_100.0]
    assert [point.y[0] for point in points] == [49_000.0, 49_200.0, 49_100.0]
    assert len({point.marker.color for point in points}) == 3


def test_an_interval_of_two_seeds_does_not_press_the_rest_together() -> None:
    figure = metric_by_param([*HUNDRED, *DOUBLE, *seeds(20, 300, 48_000.0, 49_800.0)], "n_estimators", "rmse")
    low, high = figure.layout.yaxis.range
    assert high - low < 3_000
    assert "1 interval beyond the picture" in figure.layout.title.subtitle.text.replace("<br>", " ")


def test_where_no_run_has_both_the_picture_says_so() -> None:
    figure = metric_by_param(HUNDRED, "alpha", "rmse")
    assert not figure.data
    assert figure.layout.annotations[0].text == "No run has both RMSE and Penalty."
