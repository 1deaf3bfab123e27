"""Runs over many columns, and a metric over its steps."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.charts.palette import run_marks
from core.charts.run_curves import step_curves
from core.charts.run_lines import parallel_coordinates
from core.domain.run_query import Column
from tests.core.charts.compared import HOSTILE, run

COLUMNS = [Column.parse(text) for text in ("params.family", "params.n_estimators", "metrics.rmse")]
FIRST = run(0, n_estimators=100, metrics={"rmse": 50_000.0})
SECOND = run(1, "lightgbm", n_estimators=300, metrics={"rmse": 44_000.0})
MIDDLE = run(2, n_estimators=200, metrics={"rmse": 45_500.0})
LABELS = {one.run_id: one.name for one in (FIRST, SECOND, MIDDLE)}


def test_a_line_runs_from_column_to_column_at_its_share_of_each() -> None:
    figure = parallel_coordinates([FIRST, SECOND, MIDDLE], COLUMNS, LABELS)
    assert [list(trace.x) for trace in figure.data] == [
        [1.0, 0.0, 1.0, None],
        [0.0, 1.0, 0.0, None],
        [1.0, 0.5, pytest.approx(0.25), None],
    ]
    assert list(figure.data[0].y) == [0, 1, 2, None]


def test_compared_runs_differ_in_colour_and_dash() -> None:
    runs = [run(number) for number in range(20)]
    labels = {one.run_id: one.name for one in runs}
    traces = parallel_coordinates(runs, COLUMNS, labels).data
    marks = run_marks(labels)
    assert [(trace.line.color, trace.line.dash) for trace in traces] == [
        (marks[one.run_id].colour, marks[one.run_id].dash) for one in runs
    ]
    assert len({(trace.line.color, trace.line.dash) for trace in traces}) == 20


def test_the_axes_are_named_with_their_ends_and_their_words() -> None:
    figure = parallel_coordinates([FIRST, SECOND], COLUMNS)
    assert list(figure.layout.yaxis.ticktext) == ["Family", "Trees<br>100 to 300", "RMSE<br>$44,000 to $50,000"]
    assert [(note.text, note.x, note.y) for note in figure.layout.annotations] == [
        ("LightGBM", 0.0, 0),
        ("Random forest", 1.0, 0),
    ]


def test_a_missing_value_is_a_gap_and_is_counted() -> None:
    broken = run(3, metrics={"rmse": math.nan}, n_estimators=100)
    figure = parallel_coordinates(
        [FIRST, broken], [*COLUMNS[1:], Column.parse("metrics.mae")], {"id0": "a", "id3": "b"}
    )
    assert list(figure.data[1].x) == [0.0, None, None, None]
    assert "RMSE —" in figure.data[1].customdata[0]
    assert "2 with a gap" in figure.layout.title.subtitle.text
    assert figure.layout.yaxis.ticktext[-1] == "MAE<br>no value"


def test_runs_without_any_value_are_left_out_and_counted() -> None:
    figure = parallel_coordinates([FIRST, run(3, metrics={})], [COLUMNS[2]])
    assert figure.layout.title.subtitle.text == "1 run; 1 without any value left out"


def test_without_columns_or_values_the_picture_says_why() -> None:
    assert parallel_coordinates([FIRST], []).layout.annotations[0].text == "No params or metrics are chosen."
    empty = parallel_coordinates([run(0, metrics={})], [COLUMNS[2]])
    assert empty.layout.annotations[0].text == "No run has a value in these columns."


@given(st.lists(st.one_of(st.none(), st.floats()), min_size=1, max_size=10))
def test_any_values_render_within_the_axes(values: list[float | None]) -> None:
    runs = [run(place, metrics={} if one is None else {"rmse": one}) for place, one in enumerate(values)]
    figure = parallel_coordinates(runs, COLUMNS)
    assert all(0 <= x <= 1 for trace in figure.data for x in trace.x if x is not None)
    assert figure.to_json()


def test_a_curve_has_every_step_in_order_under_its_runs_mark() -> None:
    (curve,) = step_curves({"id0": [(2, 45_000.0), (1, 50_000.0)]}, "rmse", {"id0": "forest"}).data
    assert (list(curve.x), list(curve.y)) == ([1, 2], [50_000.0, 45_000.0])
    assert curve.line.color == run_marks(["id0"])["id0"].colour
    assert list(curve.customdata) == ["<b>forest</b><br>step 1: $50,000", "<b>forest</b><br>step 2: $45,000"]


def test_a_step_without_a_number_breaks_the_curve_and_is_counted() -> None:
    figure = step_curves({"id0": [(1, 3.0), (2, math.nan), (3, math.inf), (4, 1.0)]}, "loss", {"id0": "a", "id1": "b"})
    assert list(figure.data[0].y) == [3.0, None, None, 1.0]
    assert figure.data[0].connectgaps is False
    assert figure.layout.title.subtitle.text == "1 run; 1 without steps left out; 2 steps without a number left<br>out"
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("Step", "loss")


def test_a_curve_of_many_steps_is_thinned_and_keeps_its_last() -> None:
    (curve,) = step_curves({"id0": [(step, 1.0) for step in range(12_345)]}, "rmse", {"id0": "a"}).data
    assert len(curve.x) <= 1_001
    assert (curve.x[0], curve.x[-1]) == (0, 12_344)


@pytest.mark.parametrize("curves", [{}, {"id0": []}, {"id0": [(1, math.nan)]}])
def test_without_a_step_the_picture_says_so(curves: dict[str, list[tuple[int, float]]]) -> None:
    figure = step_curves(curves, "rmse", {"id0": "a"})
    assert not figure.data
    assert figure.layout.annotations[0].text == "No run logged RMSE step by step."


def test_names_are_text_and_no_markup() -> None:
    labels = {"id0": HOSTILE, "id1": "b"}
    figures = [
        step_curves({"id0": [(1, 1.0)], "id1": [(1, 2.0)]}, HOSTILE, labels),
        parallel_coordinates([run(0, name=HOSTILE), run(1)], [Column.parse(f"metrics.{HOSTILE}"), *COLUMNS], labels),
    ]
    for figure in figures:
        assert "script>" not in str(figure.to_plotly_json()).replace("&lt;script>", "").replace("&gt;", "")
