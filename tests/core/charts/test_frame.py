"""One frame for every figure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import plotly.graph_objects as go
import pytest

from core.charts.comparables import comparable_gaps, comparable_prices
from core.charts.curves import curve, curves
from core.charts.fit import fit_plot, residual_plot
from core.charts.frame import TEXT, empty, framed
from core.charts.history import rmse_history
from core.charts.importance import importance_bars
from core.charts.learning import learning_curve
from core.charts.place_map import place_map
from core.charts.range_bar import range_bar
from core.charts.scenarios import scenario_prices
from core.charts.surface import surface
from core.charts.version_split import version_split
from core.charts.waterfall import waterfall
from core.data.block_groups import BlockGroups
from core.data.demo import demo_rows
from core.domain.runs import Run, RunStatus
from core.domain.scenarios import PricedScenario
from tests.core.charts import valued

DEMO = BlockGroups.of(demo_rows(), demo_rows().index[:10], sha256="", is_demo=True)
PRICES = np.linspace(50_000.0, 450_000.0, 60)
RUN = Run(
    "a1", "first", RunStatus.FINISHED, datetime(1990, 4, 1, tzinfo=UTC), None, {"family": "ridge"}, {"rmse": 7e4}, {}
)
FIGURES: dict[str, Callable[[], go.Figure]] = {
    "fit": lambda: fit_plot(PRICES, PRICES * 1.1, name="Ridge"),
    "residuals": lambda: residual_plot(PRICES, PRICES * 1.1, name="Ridge"),
    "importance": lambda: importance_bars({"median_income": 0.6, "latitude": 0.4}),
    "learning": lambda: learning_curve([(1, 9e4), (50, 5e4)], unit="trees", total=100, reference=4.8e4),
    "waterfall": lambda: waterfall(valued.REASONS),
    "curve": lambda: curve(valued.curve()),
    "curves": lambda: curves([valued.curve(), valued.curve("latitude", note="Ocean proximity follows the place.")]),
    "surface": lambda: surface(valued.surface()),
    "comparable prices": lambda: comparable_prices(valued.COMPARABLES, valued.PRICE, valued.price_range()),
    "comparable gaps": lambda: comparable_gaps(valued.COMPARABLES),
    "version split": lambda: version_split(valued.DIFFERENCE, first="version 3", other="version 5"),
    "scenarios": lambda: scenario_prices([PricedScenario("one", valued.PRICE, valued.price_range())]),
    "map": lambda: place_map(DEMO, valued.HOUSE, valued.COMPARABLES),
    "history": lambda: rmse_history([RUN], "a1"),
    "no rows": lambda: fit_plot([], [], name="Ridge"),
    "no residuals": lambda: residual_plot([], [], name="Ridge"),
    "no importances": lambda: importance_bars({}),
    "no score yet": lambda: learning_curve([], unit="trees", total=100),
    "no curves": lambda: curves([]),
    "no comparables": lambda: comparable_prices([], valued.PRICE, None),
    "no gaps": lambda: comparable_gaps([]),
    "no scenarios": lambda: scenario_prices([]),
    "no runs": lambda: rmse_history([]),
}
EMPTY = [name for name in FIGURES if name.startswith("no ")]


@pytest.mark.parametrize("name", FIGURES)
def test_backgrounds_are_transparent_and_text_takes_the_themes_colour(name: str) -> None:
    layout = FIGURES[name]().layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0, 0, 0, 0)"
    texts = [layout.font, layout.xaxis.tickfont, layout.yaxis.title.font, layout.hoverlabel.font]
    assert {font.color for font in texts} == {TEXT}
    assert layout.font.family is None


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_a_title_a_phone_has_room_for(name: str) -> None:
    layout = FIGURES[name]().layout
    assert 0 < len(layout.title.text) < 40
    assert all(len(line) <= 62 for line in (layout.title.subtitle.text or "").split("<br>"))


@pytest.mark.parametrize("name", FIGURES)
def test_every_axis_of_amounts_names_its_unit(name: str) -> None:
    layout = FIGURES[name]().layout
    titles = [title for title in (layout.xaxis.title.text, layout.yaxis.title.text) if title]
    units = ("(1990 $)", "(%)", "(trees)", "(UTC)", "Block groups", "(degrees", "(× $10,000 a year)", "(years)")
    assert titles
    assert all(any(unit in title for unit in units) for title in titles)


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_figure_says_why_in_its_middle(name: str) -> None:
    figure = FIGURES[name]()
    (note,) = figure.layout.annotations
    assert len(figure.data) == 0
    assert note.text.endswith(".")
    assert (note.x, note.y, note.xref, note.yref) == (0.5, 0.5, "paper", "paper")


@pytest.mark.parametrize("name", [name for name in FIGURES if name not in EMPTY])
def test_every_hover_is_the_houses_own(name: str) -> None:
    for trace in FIGURES[name]().data:
        assert trace.hoverinfo == "skip" or trace.hovertemplate.endswith("<extra></extra>")


@pytest.mark.parametrize("name", FIGURES)
def test_no_figure_carries_a_template_of_plotlys(name: str) -> None:
    assert "colorway" not in FIGURES[name]().layout.template.layout.to_plotly_json()


UNCHECKED: dict[str, Callable[[], go.Figure]] = {
    "curves": FIGURES["curves"],
    "waterfall": FIGURES["waterfall"],
    "range": lambda: range_bar(valued.PRICE, valued.price_range()),
    "range near the cap": lambda: range_bar(480_000.0, valued.price_range(480_000.0)),
    "no range": lambda: range_bar(valued.PRICE, None),
}
"""What is drawn at every move of a slider."""


@pytest.mark.parametrize("name", UNCHECKED)
def test_plotly_finds_nothing_wrong_with_what_it_was_not_asked_to_check(name: str) -> None:
    figure = UNCHECKED[name]().to_dict()
    checked = go.Figure(figure).to_dict()
    assert checked["data"] == figure["data"]
    # A shape that was added leaves an empty list of annotations behind.
    assert checked["layout"] == {name: told for name, told in figure["layout"].items() if told != ()}


def test_the_mode_bar_keeps_only_picture_and_reset() -> None:
    removed = set(framed([], title="t", x_title="x", y_title="y").layout.modebar.remove)
    assert {"zoom", "pan", "select", "lasso", "zoomin", "zoomout", "autoscale"} <= removed


def test_a_finger_scrolls_the_page_unless_the_figure_zooms() -> None:
    assert framed([], title="t", x_title="x", y_title="y").layout.dragmode is False
    assert framed([], title="t", x_title="x", y_title="y", zoomable=True).layout.dragmode == "zoom"


def test_a_long_subtitle_gets_the_room_it_needs() -> None:
    short, long = (
        framed([], title="t", subtitle="rows left out " * times, x_title="x", y_title="y").layout for times in (1, 12)
    )
    assert long.title.subtitle.text.count("<br>") >= 2
    assert long.margin.t - short.margin.t == 19 * long.title.subtitle.text.count("<br>")


def test_titles_are_text_and_no_markup() -> None:
    assert framed([], title="<1H OCEAN", x_title="x", y_title="y").layout.title.text == "&lt;1H OCEAN"


def test_an_empty_frame_has_no_numbers_on_its_axes() -> None:
    layout = empty("Nothing yet.", title="t", x_title="x", y_title="y").layout
    assert layout.xaxis.showticklabels is layout.yaxis.showticklabels is False
