"""Runs against each other: every one that has both values stands where they say."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.charts.palette import family_colour, family_symbol, run_marks
from core.charts.run_axis import MOST_NAMES
from core.charts.run_boxes import box_by_param
from core.charts.run_means import metric_by_param
from core.charts.run_scatter import scatter
from core.domain.run_query import Column
from tests.core.charts.compared import HOSTILE, START, run

RMSE = Column.parse("metrics.rmse")
TREES = Column.parse("params.n_estimators")
STARTED = Column.parse("attributes.start_time")
DURATION = Column.parse("attributes.duration")
FAMILY = Column.parse("params.family")


def test_each_run_stands_at_its_two_values_under_its_family() -> None:
    runs = [run(0, n_estimators=150), run(1, "lightgbm", n_estimators=900)]
    forest, boosted = scatter(runs, TREES, RMSE).data
    assert (list(forest.x), list(forest.y)) == ([150.0], [48_000.0])
    assert (list(boosted.x), list(boosted.y)) == ([900.0], [48_001.0])
    assert (boosted.marker.color, boosted.marker.symbol[0]) == (family_colour("lightgbm"), family_symbol("lightgbm"))
    assert (forest.name, boosted.name) == ("Random forest", "LightGBM")


def test_the_axes_name_the_columns_with_their_units() -> None:
    layout = scatter([run(0, n_estimators=150)], TREES, RMSE).layout
    assert (layout.xaxis.title.text, layout.yaxis.title.text) == ("Trees", "RMSE (1990 $)")
    assert layout.title.text == "RMSE against Trees"


def test_runs_without_a_value_are_left_out_and_counted() -> None:
    runs = [
        run(0, n_estimators=150),
        run(1, n_estimators=150, metrics={}),
        run(2, n_estimators=150, metrics={"rmse": math.nan}),
        run(3, n_estimators=150, metrics={"rmse": -math.inf}),
        run(4),
    ]
    figure = scatter(runs, TREES, RMSE)
    assert [len(trace.x) for trace in figure.data] == [1]
    assert figure.layout.title.subtitle.text == "1 run; 4 without RMSE or Trees left out"


def test_where_no_run_has_both_the_picture_says_so() -> None:
    figure = scatter([run(0)], TREES, RMSE)
    assert not figure.data
    assert figure.layout.annotations[0].text == "No run has both RMSE and Trees."


def test_compared_runs_have_their_own_marks_whichever_of_them_are_drawn() -> None:
    runs = [run(number, n_estimators=100, metrics={} if number == 0 else None) for number in range(4)]
    labels = {one.run_id: one.name for one in runs}
    traces = scatter(runs, TREES, RMSE, labels).data
    marks = run_marks(labels)
    assert [trace.name for trace in traces] == ["run 1", "run 2", "run 3"]
    assert [(trace.marker.color, trace.marker.symbol[0]) for trace in traces] == [
        marks[one.run_id][:2] for one in runs[1:]
    ]


def test_the_hover_tells_name_family_and_values_and_the_id_is_there_for_clicks() -> None:
    text, run_id = scatter([run(0, n_estimators=150)], TREES, RMSE).data[0].customdata[0]
    assert text == "<b>run 0</b><br>Random forest<br>RMSE $48,000<br>Trees 150"
    assert run_id == "id0"


def test_a_runs_name_is_text_and_no_markup() -> None:
    hostile = run(0, name=HOSTILE, n_estimators=150, **{HOSTILE: HOSTILE})
    figures = [
        scatter([hostile], TREES, RMSE, {"id0": HOSTILE}),
        scatter([hostile], Column.parse(f"params.{HOSTILE}"), RMSE),
        box_by_param([hostile], HOSTILE, "rmse"),
        metric_by_param([hostile], HOSTILE, "rmse"),
    ]
    for figure in figures:
        written = figure.to_plotly_json()
        assert "<script" not in str(written)
        assert "</script" not in str(written)
        assert "&lt;/script" in str(written)


def test_a_param_of_words_has_a_place_for_each_and_its_runs_beside_each_other() -> None:
    runs = [run(0), run(1, "ridge"), run(2, "ridge")]
    figure = scatter(runs, FAMILY, RMSE)
    assert list(figure.layout.xaxis.ticktext) == ["Random<br>forest", "Ridge<br>regression"]
    places = [x for trace in figure.data for x in trace.x]
    assert [round(x) for x in places] == [0, 1, 1]
    assert len(set(places)) == 3


def test_numbers_among_words_are_sorted_by_size_before_them() -> None:
    runs = [run(number, max_depth=depth) for number, depth in enumerate(("none", 100, 20, 3))]
    figure = scatter(runs, Column.parse("params.max_depth"), RMSE)
    assert list(figure.layout.xaxis.ticktext) == ["3", "20", "100", "none"]


def test_rare_words_beyond_those_with_room_share_the_last_place() -> None:
    runs = [run(number, name=f"name {number // 2 if number < 10 else number}") for number in range(40)]
    figure = scatter(runs, Column.parse("attributes.run_name"), RMSE)
    assert len(figure.layout.xaxis.ticktext) == MOST_NAMES
    assert figure.layout.xaxis.ticktext[-1] == "others"
    assert sum(round(x) == MOST_NAMES - 1 for x in figure.data[0].x) == 40 - 10 - (MOST_NAMES - 1 - 5)


def test_times_are_dates_and_durations_have_a_unit_that_fits() -> None:
    runs = [run(0, minutes=10), run(1, minutes=30), run(2, minutes=None)]
    figure = scatter(runs, STARTED, DURATION)
    assert list(figure.data[0].y) == [10.0, 30.0]
    assert figure.data[0].x[0] == START
    assert (figure.layout.xaxis.type, figure.layout.xaxis.title.text) == ("date", "Started (UTC)")
    assert figure.layout.yaxis.title.text == "Duration (min)"
    assert "Duration 30 min 0 s" in figure.data[0].customdata[1][0]
    assert scatter([run(0, minutes=0.5)], STARTED, DURATION).layout.yaxis.title.text == "Duration (s)"
    assert scatter([run(0, minutes=600)], STARTED, DURATION).layout.yaxis.title.text == "Duration (h)"


def test_a_knob_that_spans_decades_is_spread_by_ratio() -> None:
    layout = scatter(
        [run(0, "ridge", alpha=0.01), run(1, "ridge", alpha=10)], Column.parse("params.alpha"), RMSE
    ).layout
    assert (layout.xaxis.type, layout.xaxis.title.text) == ("log", "Penalty (logarithmic)")


def test_scores_that_are_nearly_equal_are_not_spread_over_cents() -> None:
    runs = [run(0, n_estimators=1, metrics={"rmse": 48_000.0}), run(1, n_estimators=2, metrics={"rmse": 48_000.01})]
    low, high = scatter(runs, TREES, RMSE).layout.yaxis.range
    assert low < 48_000 < high
    assert high - low > 100


def test_boxes_hold_the_runs_of_each_value_from_five_on() -> None:
    runs = [run(number, n_estimators=100) for number in range(5)] + [run(9, n_estimators=200)]
    figure = box_by_param(runs, "n_estimators", "rmse")
    box, points = figure.data
    assert (box.type, set(box.x), list(box.y)) == ("box", {0}, [48_000.0 + number for number in range(5)])
    assert list(figure.layout.xaxis.ticktext) == ["100", "200"]
    assert [round(x) for x in points.x] == [0] * 5 + [1]
    assert "from 5 runs on" in figure.layout.title.subtitle.text.replace("<br>", " ")


def test_a_param_of_many_numbers_is_cut_into_ranges_that_hold_every_run() -> None:
    runs = [run(number, learning_rate=0.01 * (number + 1)) for number in range(60)]
    figure = box_by_param(runs, "learning_rate", "rmse")
    boxes = [trace for trace in figure.data if trace.type == "box"]
    assert [len(box.y) for box in boxes] == [10] * 6
    assert figure.layout.xaxis.ticktext[0] == "0.01 to<br>0.11"
    assert figure.layout.xaxis.ticktext[-1] == "0.51 to<br>0.6"


FIGURES = st.one_of(
    st.none(), st.floats(), st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 1e308, -1e308, 5e-324, 48_677.0])
)


@pytest.mark.filterwarnings("ignore:overflow encountered")
@given(st.lists(st.tuples(FIGURES, st.one_of(st.none(), st.text(max_size=8), st.floats().map(str))), max_size=15))
def test_any_mixture_of_missing_nan_and_infinite_values_renders(values: list[tuple[float | None, str | None]]) -> None:
    runs = [
        run(
            number,
            metrics={} if rmse is None else {"rmse": rmse},
            **({} if text is None else {"n_estimators": text, "seed": number % 3}),
        )
        for number, (rmse, text) in enumerate(values)
    ]
    labels = {one.run_id: one.name for one in runs}
    complete = sum(rmse is not None and math.isfinite(rmse) and bool(text) for rmse, text in values)
    for figure in (
        scatter(runs, TREES, RMSE),
        scatter(runs, TREES, RMSE, labels),
        box_by_param(runs, TREES.key, "rmse"),
    ):
        points = [trace for trace in figure.data if trace.type == "scatter"]
        assert sum(len(trace.x) for trace in points) == complete
        assert figure.to_json()
    assert metric_by_param(runs, TREES.key, "rmse").to_json()


def test_two_thousand_runs_are_all_drawn() -> None:
    runs = [run(number, n_estimators=number % 50) for number in range(2_000)]
    assert sum(len(trace.x) for trace in scatter(runs, TREES, RMSE).data) == 2_000
