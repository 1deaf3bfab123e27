"""The figures of Runs and Compare keep the frame that every figure of the house has."""

from __future__ import annotations

import html
from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
import pytest

from core.charts.comparison import difference_bars, settings_bars
from core.charts.comparison_rows import profile_dots, residuals_against, segment_bars
from core.charts.error_map import difference_map, error_map
from core.charts.frame import TEXT
from core.charts.run_boxes import box_by_param
from core.charts.run_curves import step_curves
from core.charts.run_lines import parallel_coordinates
from core.charts.run_means import metric_by_param
from core.charts.run_scatter import scatter
from core.domain.metrics import METRICS
from core.domain.run_query import Column
from tests.core.charts.compared import compared, run

LONG = "a_name_that_somebody_gave_in_full_" * 6
METRIC, PARAM = Column.parse(f"metrics.{LONG}"), Column.parse(f"params.{LONG}")
RUNS = [
    run(number, name=f"{LONG}{number}", metrics={LONG: float(number), "rmse": 5e4}, **{LONG: f"{LONG}{number % 3}"})
    for number in range(20)
]
LABELS = {one.run_id: one.name for one in RUNS}
PLACES = np.linspace(34.0, 38.0, 60)
FIGURES: dict[str, Callable[[], go.Figure]] = {
    "scatter": lambda: scatter(RUNS, PARAM, METRIC),
    "scatter of compared runs": lambda: scatter(RUNS, PARAM, METRIC, LABELS),
    "boxes": lambda: box_by_param(RUNS, LONG, LONG),
    "means": lambda: metric_by_param(RUNS, LONG, LONG, LABELS),
    "lines": lambda: parallel_coordinates(RUNS, [PARAM, METRIC], LABELS),
    "curves": lambda: step_curves({one.run_id: [(1, 2.0), (2, 1.0)] for one in RUNS}, LONG, LABELS),
    "error map": lambda: error_map(-PLACES * 3.2, PLACES, PLACES * 5e3, PLACES * 6e3, name=LONG),
    "difference map": lambda: difference_map(compared(), "id1"),
    "settings": lambda: settings_bars(compared()),
    "segments": lambda: segment_bars(compared(), "price band"),
    "residuals": lambda: residuals_against(compared(), "id0", "id1"),
    "profile": lambda: profile_dots(compared()),
    **{f"differences of {name}": lambda name=name: difference_bars(compared(), name) for name in METRICS},
    "no runs": lambda: scatter([], PARAM, METRIC),
    "no boxes": lambda: box_by_param([], LONG, LONG),
    "no means": lambda: metric_by_param([], LONG, LONG),
    "no lines": lambda: parallel_coordinates([], [PARAM]),
    "no curves": lambda: step_curves({}, LONG, {}),
    "no rows": lambda: error_map([], [], [], [], name=LONG),
    "no cells": lambda: difference_map(compared(), "id3"),
    "no segments": lambda: segment_bars(compared(), "nothing"),
    "no residuals": lambda: residuals_against(compared(), "id0", "id3"),
}
EMPTY = [name for name in FIGURES if name.startswith("no ")]


@pytest.mark.parametrize("name", FIGURES)
def test_backgrounds_are_transparent_and_text_takes_the_themes_colour(name: str) -> None:
    layout = FIGURES[name]().layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0, 0, 0, 0)"
    texts = [layout.font, layout.xaxis.tickfont, layout.yaxis.title.font, layout.hoverlabel.font]
    assert {font.color for font in texts} == {TEXT}
    assert {note.font.color for note in layout.annotations} <= {None, TEXT}
    assert layout.font.family is None


@pytest.mark.parametrize("name", FIGURES)
def test_titles_and_labels_have_room_on_a_phone(name: str) -> None:
    figure = FIGURES[name]()
    layout = figure.layout
    assert 0 < len(layout.title.text) < 40
    assert all(len(line) <= 62 for line in (layout.title.subtitle.text or "").split("<br>"))
    ticks = [*(layout.xaxis.ticktext or ()), *(layout.yaxis.ticktext or ())]
    lines = [line.replace("<b>", "").replace("</b>", "") for tick in ticks for line in tick.split("<br>")]
    assert all(len(line) <= 34 for line in lines)
    assert all(len(trace.name) <= 46 for trace in figure.data if trace.name)
    assert all(len(html.unescape(axis.title.text)) <= 34 for axis in (layout.xaxis, layout.yaxis))


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_figure_says_why_in_its_middle(name: str) -> None:
    figure = FIGURES[name]()
    (note,) = figure.layout.annotations
    assert len(figure.data) == 0
    assert note.text.endswith(".")
    assert all(len(line) <= 40 for line in note.text.split("<br>"))


@pytest.mark.parametrize("name", [name for name in FIGURES if name not in EMPTY])
def test_every_hover_is_the_houses_own(name: str) -> None:
    for trace in FIGURES[name]().data:
        assert trace.hoverinfo == "skip" or trace.hovertemplate.endswith("<extra></extra>")


def test_a_legend_of_twenty_runs_takes_no_room_from_the_plot() -> None:
    few, many = (scatter(RUNS[:count], PARAM, METRIC, LABELS).layout for count in (1, 20))
    assert not few.showlegend
    assert many.showlegend
    assert many.height - few.height == many.margin.b - few.margin.b >= 20 * 20
    assert many.legend.maxheight >= 20 * 20
