"""Compared runs beside their baseline: what is certain, what matters, and what cannot be said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.charts.comparison import difference_bars, settings_bars
from core.charts.comparison_rows import profile_dots, residuals_against, segment_bars
from core.charts.palette import BAD, GOOD, NEUTRAL, run_marks
from core.evaluation.significance import MeanInterval, Verdict
from core.workflows.comparison_views import ComparedRun, Comparison, SettingsGroup
from tests.core.charts.compared import HOSTILE, REASON, compared, judged, run

WORSE = ComparedRun(run(9), "worse one", {"rmse": judged(2_000.0, 500.0, Verdict.WORSE)})


def rows(figure) -> list[str]:
    return list(figure.layout.yaxis.ticktext)


def test_a_difference_stands_in_its_runs_row_with_its_interval() -> None:
    better, equal = difference_bars(compared()).data
    assert (list(better.x), list(better.y)) == ([-4_577.0], [0])
    assert (list(better.error_x.array), list(better.error_x.arrayminus)) == ([900.0], [900.0])
    assert (list(equal.x), list(equal.y)) == ([-119.0], [1])


def test_the_verdict_is_a_word_a_colour_and_a_symbol() -> None:
    figure = difference_bars(compared(others=[WORSE]))
    assert {trace.name: trace.marker.color for trace in figure.data} == {
        "better": GOOD,
        "worse": BAD,
        "no real difference": NEUTRAL,
    }
    assert len({trace.marker.symbol for trace in figure.data}) == 3
    assert rows(figure)[:2] == ["boosted<br><b>better</b>", "forest 200<br><b>no real difference</b>"]
    assert rows(figure)[3] == "worse one<br><b>worse</b>"


def test_the_practical_margin_is_a_band_round_zero() -> None:
    figure = difference_bars(compared())
    band = next(shape for shape in figure.layout.shapes if shape.type == "rect")
    assert (band.x0, band.x1) == (pytest.approx(-486.77), pytest.approx(486.77))
    assert "practical margin of 1.0 %" in figure.layout.title.subtitle.text.replace("<br>", " ")
    assert any(shape.type == "line" and shape.x0 == shape.x1 == 0 for shape in figure.layout.shapes)


def test_the_r2_has_no_margin_of_its_own_and_more_is_better() -> None:
    figure = difference_bars(compared(), "r2_score")
    assert not [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert "right of zero is better" in figure.layout.title.subtitle.text


def test_a_run_that_is_not_compared_stands_in_the_list_with_its_reason() -> None:
    figure = difference_bars(compared())
    (note,) = figure.layout.annotations
    assert note.text.replace("<br>", " ") == REASON
    assert note.y == 2
    assert rows(figure)[2].endswith("<b>not compared</b>")
    assert "&lt;/script" in rows(figure)[2]


def test_a_metric_that_a_run_lacks_is_said() -> None:
    figure = difference_bars(compared(others=[WORSE]), "mae")
    assert "It has no MAE to compare." in [note.text.replace("<br>", " ") for note in figure.layout.annotations]


def test_the_hover_tells_figure_difference_interval_and_word() -> None:
    assert difference_bars(compared()).data[1].customdata[0] == (
        "<b>forest 200</b><br>RMSE $48,558, −$119<br>95 % between −$212 and −$26<br>no real difference"
    )


def test_the_picture_holds_every_interval_and_the_band() -> None:
    low, high = difference_bars(compared(others=[WORSE])).layout.xaxis.range
    assert low < -5_477
    assert high > 2_500


def test_settings_stand_at_their_mean_with_students_interval() -> None:
    runs, means = settings_bars(compared()).data
    assert list(means.x) == [48_617.5, 44_100.0]
    assert means.error_x.array[0] == pytest.approx(717.5)
    assert sorted(runs.x) == [44_100.0, 48_558.0, 48_677.0]
    assert list(runs.marker.color) == [run_marks(compared().labels)[one].colour for one in ("id0", "id2", "id1")]


def test_settings_of_one_seed_are_hollow_without_interval_and_say_why() -> None:
    figure = settings_bars(compared())
    means = figure.data[1]
    assert (means.error_x.array[1], means.marker.symbol[1]) == (None, "diamond-open")
    assert rows(figure)[1].endswith("1 seed, no verdict")
    assert "One seed only" in means.customdata[1]
    assert rows(figure)[0].endswith("2 seeds, baseline")


def test_the_first_settings_are_the_baselines_only_if_it_is_among_them() -> None:
    figure = settings_bars(replace(compared(), groups=compared().groups[1:]))
    assert rows(figure) == ["LightGBM, Trees 900<br>1 seed, no verdict"]


def test_settings_have_their_verdict_as_a_word() -> None:
    found = SettingsGroup("Deep", ("id1",), (1, 2), MeanInterval(4e4, 3e4, 5e4), judged(-8e3, 1e3, Verdict.BETTER))
    figure = settings_bars(replace(compared(), groups=(*compared().groups, found)))
    assert rows(figure)[2] == "Deep<br>2 seeds, <b>better</b>"


def test_every_comparable_run_has_a_dot_on_every_part_of_the_rows() -> None:
    figure = segment_bars(compared(), "region")
    assert {trace.name: list(trace.x) for trace in figure.data} == {
        "forest 150": [50_100.0, 38_400.0],
        "boosted": [46_000.0, 36_100.0],
        "forest 200": [50_050.0, 38_500.0],
    }
    assert rows(figure) == ["&lt;1H OCEAN<br>1,804 rows", "INLAND<br>1,310 rows"]
    assert "ISLAND left out, with 2 rows" in figure.layout.title.subtitle.text.replace("<br>", " ")
    assert [[round(y) for y in trace.y] for trace in figure.data] == [[0, 1]] * 3
    assert len({trace.y[0] for trace in figure.data}) == 3


def test_a_dots_hover_has_difference_and_interval_where_there_are_rows_enough() -> None:
    boosted = segment_bars(compared(), "region").data[1]
    assert boosted.customdata[1] == (
        "<b>boosted</b><br>INLAND, 1,310 rows: RMSE $36,100<br>"
        "to the baseline −$2,300: better<br>95 % −$3,000 to −$1,600"
    )


def test_a_run_has_the_same_mark_in_every_chart() -> None:
    comparison = compared()
    mark = run_marks(comparison.labels)["id1"]
    dots = next(trace for trace in segment_bars(comparison, "region").data if trace.name == "boosted")
    assert (dots.marker.color, dots.marker.symbol) == (mark.colour, mark.symbol)


def test_residuals_stand_against_each_other_row_by_row() -> None:
    comparison = compared()
    figure = residuals_against(comparison, "id0", "id1")
    first, second, diagonal = figure.data
    shared = comparison.shared
    assert shared is not None
    across, up = (shared.actual - shared.predicted[run_id] for run_id in ("id0", "id1"))
    assert sorted([*first.x, *second.x]) == sorted(across)
    assert len(second.x) == np.sum(np.abs(up) < np.abs(across))
    assert all(np.abs(second.y) < np.abs(second.x))
    assert list(diagonal.x) == list(diagonal.y)
    assert tuple(figure.layout.xaxis.range) == tuple(figure.layout.yaxis.range)
    share = 100 * len(second.x) / 60
    assert f"boosted is nearer on {share:.1f} % of 60 rows" in figure.layout.title.subtitle.text.replace("<br>", " ")


@pytest.mark.parametrize("pair", [("id0", "id3"), ("id3", "id0"), ("id0", "gone")])
def test_runs_without_rows_in_common_have_no_residuals_to_set_against_each_other(pair: tuple[str, str]) -> None:
    figure = residuals_against(compared(), *pair)
    assert not figure.data
    assert figure.layout.annotations[0].text == "These runs have no held-out rows in<br>common."


def test_a_profile_has_no_dot_for_what_is_missing_and_says_so() -> None:
    figure = profile_dots(compared())
    drawn = {trace.name: dict(zip(map(round, trace.y), trace.x, strict=True)) for trace in figure.data}
    assert drawn == {
        "all held-out rows": {0: 48_677.0, 1: 44_100.0, 2: 48_558.0},
        "without capped rows": {0: 44_000.0, 1: 40_000.0, 2: 43_900.0},
        "areas not seen": {1: 66_000.0},
    }
    assert rows(figure)[:3] == ["forest 150<br>no spatial", "boosted", "forest 200<br>no spatial"]
    assert rows(figure)[3].endswith("no figures")
    assert "coverage: 89.4 %" in figure.data[0].customdata[1]


def test_a_side_no_run_was_scored_on_is_said_once() -> None:
    profiles = tuple(replace(one, spatial_rmse=None) for one in compared().profiles)
    figure = profile_dots(replace(compared(), profiles=profiles))
    assert {trace.name for trace in figure.data} == {"all held-out rows", "without capped rows"}
    assert rows(figure)[:3] == ["forest 150", "boosted", "forest 200"]
    assert "no run was scored on areas not seen" in figure.layout.title.subtitle.text.replace("<br>", " ")


NOTHING: Comparison = replace(
    compared(),
    runs=(compared().runs[0], compared().runs[3]),
    groups=(),
    segments=(),
    cells=None,
    profiles=(),
    shared=None,
    where_missing="The data file of these runs is not here.",
)


@pytest.mark.parametrize(
    ("figure", "reason"),
    [
        (settings_bars(NOTHING), "No run has an RMSE."),
        (segment_bars(NOTHING, "region"), "The data file of these runs is not here."),
        (profile_dots(NOTHING), "No run has an RMSE."),
    ],
)
def test_what_cannot_be_drawn_says_why(figure, reason: str) -> None:
    assert not figure.data
    assert figure.layout.annotations[0].text == reason


def test_where_nothing_is_compared_every_run_has_its_reason() -> None:
    figure = difference_bars(NOTHING)
    assert not figure.data
    assert [note.text.replace("<br>", " ") for note in figure.layout.annotations] == [REASON]


def test_labels_are_text_and_no_markup() -> None:
    comparison = compared()
    for figure in (difference_bars(comparison), settings_bars(comparison), profile_dots(comparison)):
        assert "<script" not in str(figure.to_plotly_json())
    assert HOSTILE in comparison.labels.values()
