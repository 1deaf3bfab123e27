"""RMSE over time, run by run."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from core.charts.history import rmse_history
from core.charts.palette import family_colour, family_symbol
from core.domain.runs import Run, RunStatus

START = datetime(2024, 5, 6, 12, tzinfo=UTC)


def run(number: int, family: str = "lightgbm", rmse: float | None = 45_000.0, **tags: str) -> Run:
    params = {"family": family, "n_estimators": "150", "max_depth": "20", "seed": "42"} if family else {}
    return Run(
        run_id=f"id{number}",
        name=f"run {number}",
        status=RunStatus.FINISHED,
        started=START + timedelta(days=number),
        ended=None,
        params=params,
        metrics={} if rmse is None else {"rmse": rmse},
        tags=tags,
    )


def test_each_run_is_a_point_at_its_time_and_error() -> None:
    runs = [run(0, rmse=50_000.0), run(1, rmse=44_000.0)]
    (points,) = rmse_history(runs).data
    assert list(points.x) == [START, START + timedelta(days=1)]
    assert list(points.y) == [50_000.0, 44_000.0]


def test_families_have_their_own_colour_symbol_and_name() -> None:
    figure = rmse_history([run(0, "ridge"), run(1, "lightgbm"), run(2, "")])
    marks = {trace.name: (trace.marker.color, trace.marker.symbol[0]) for trace in figure.data}
    assert marks["Ridge regression"] == (family_colour("ridge"), family_symbol("ridge"))
    assert marks["LightGBM"] == (family_colour("lightgbm"), family_symbol("lightgbm"))
    assert set(marks) == {"Ridge regression", "LightGBM", "other"}
    assert figure.layout.showlegend


def test_the_champion_is_ringed() -> None:
    ring = rmse_history([run(0), run(1, rmse=43_000.0)], "id1").data[-1]
    assert (ring.name, ring.marker.symbol, list(ring.y)) == ("champion", "circle-open", [43_000.0])


def test_a_champion_that_is_not_among_the_runs_is_not_drawn() -> None:
    assert [trace.name for trace in rmse_history([run(0)], "elsewhere").data] == ["LightGBM"]


def test_the_hover_gives_name_figure_knobs_and_time_and_the_id_is_there_for_clicks() -> None:
    text, run_id = rmse_history([run(0)]).data[0].customdata[0]
    assert text == (
        "<b>run 0</b><br>LightGBM, RMSE $45,000<br>n_estimators = 150, max_depth = 20, seed = 42<br>"
        "started 2024-05-06 12:00 UTC"
    )
    assert run_id == "id0"


def test_a_run_without_a_score_is_left_out_and_counted() -> None:
    figure = rmse_history([run(0), run(1, rmse=None), run(2, rmse=math.nan)])
    assert sum(len(trace.x) for trace in figure.data) == 1
    assert figure.layout.title.subtitle.text == "1 run; 2 without a score left out"


def test_only_unscored_runs_are_an_empty_figure() -> None:
    assert rmse_history([run(0, rmse=None)]).layout.annotations[0].text.startswith("No run has a score yet.")


def test_runs_on_demo_data_are_hollow_and_said_to_be() -> None:
    figure = rmse_history([run(0), run(1, **{"data.source": "demo"})])
    assert list(figure.data[0].marker.symbol) == ["triangle-up", "triangle-up-open"]
    assert "1 on demo data (hollow)" in figure.layout.title.subtitle.text
    assert "not comparable" in figure.data[0].customdata[1][0]


def test_a_single_run_is_not_spread_over_milliseconds_and_cents() -> None:
    layout = rmse_history([run(0)]).layout
    assert layout.xaxis.range[1] - layout.xaxis.range[0] >= timedelta(minutes=10)
    assert layout.yaxis.range[1] - layout.yaxis.range[0] >= 5_000


def test_a_runs_name_is_text_and_no_markup() -> None:
    named = Run("x", "<i>mine</i>", RunStatus.FINISHED, START, None, {}, {"rmse": 1.0}, {})
    assert "&lt;i&gt;mine" in rmse_history([named]).data[0].customdata[0][0]


def test_runs_on_a_dataset_of_their_own_are_hollow_counted_and_named() -> None:
    figure = rmse_history([run(0), run(1, **{"data.name": "<b>North</b>"})])
    assert "1 on datasets of their own (hollow)" in figure.layout.title.subtitle.text
    symbols = [symbol for trace in figure.data for symbol in trace.marker.symbol]
    assert sorted(symbol.endswith("-open") for symbol in symbols) == [False, True]
    words = [point[0] for trace in figure.data for point in trace.customdata]
    assert any("on the dataset &lt;b&gt;North&lt;/b&gt;: comparable with runs on it alone" in text for text in words)
