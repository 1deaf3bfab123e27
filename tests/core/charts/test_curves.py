"""How a price moves with one feature, and with two."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from core.charts.curves import curve, curves, step_edges
from core.charts.palette import DIVERGING
from core.charts.surface import surface
from core.domain.house import NUMERIC_COLUMNS
from tests.core.charts import valued

ALL = [valued.curve(name, slope=1_000.0 * place) for place, name in enumerate(NUMERIC_COLUMNS)]


def line(figure: go.Figure) -> go.Scatter:
    return next(trace for trace in figure.data if trace.customdata is not None)


def test_the_line_goes_through_the_prices_and_the_dot_is_the_house() -> None:
    figure = curve(valued.curve())
    assert list(line(figure).y) == [170_000.0, 210_000.0, 250_000.0, 270_000.0, 330_000.0]
    dot = figure.data[-1]
    assert (list(dot.x), list(dot.y)) == ([5.0], [valued.PRICE])


def test_the_band_goes_along_its_lower_end_and_back_along_the_upper() -> None:
    band = curve(valued.curve()).data[1]
    assert band.fill == "toself"
    assert list(band.y[:2]) == [120_000.0, 160_000.0]
    assert list(band.y[-2:]) == [270_000.0, 230_000.0]


def test_a_version_without_ranges_has_no_band() -> None:
    figure = curve(replace(valued.curve(), low=None, high=None))
    assert [trace.type for trace in figure.data] == ["bar", "scatter", "scatter"]
    assert "90 %:" not in line(figure).customdata[0]


def test_the_hover_tells_value_price_difference_range_and_how_usual_it_is() -> None:
    told = line(curve(valued.curve())).customdata
    assert told[1] == (
        "<b>Median income 3.0</b><br>$210,000 (−$40,000)<br>90 %: $160,000 to $270,000<br>50.0 % of block groups near"
    )
    assert told[0].endswith("<br>none of block groups near")
    assert told[4].endswith("<br>under 0.1 % of block groups near")


def test_a_bars_area_is_the_share_of_block_groups_though_steps_differ_in_width() -> None:
    bars = curve(valued.curve()).data[0]
    area = np.asarray(bars.y) * np.asarray(bars.width)
    assert area / area.sum() == pytest.approx(valued.curve().shares / valued.curve().shares.sum())


def test_the_bars_lie_below_the_curve_and_its_band() -> None:
    one = valued.curve()
    bars = curve(one).data[0]
    assert bars.base + max(bars.y) < one.low.min()


def test_bedrooms_that_are_not_given_have_no_dot_and_the_figure_says_so() -> None:
    figure = curve(valued.curve("total_bedrooms", here=None))
    assert [trace.type for trace in figure.data] == ["bar", "scatter", "scatter"]
    assert "bedrooms are not given" in figure.layout.title.subtitle.text.replace("<br>", " ")


def test_a_price_that_does_not_move_looks_flat() -> None:
    flat = replace(valued.curve(slope=0.0), low=None, high=None)
    low, high = curve(flat).layout.yaxis.range
    assert high - low >= 20_000.0


def test_all_curves_share_one_scale_of_dollars() -> None:
    layout = curves(ALL).layout
    axes = [layout[f"yaxis{number or ''}"] for number in ("", *range(2, 9))]
    assert len({tuple(axis.range) for axis in axes}) == 1
    assert [axis.showticklabels for axis in axes] == [True, False, False, False] * 2


@pytest.mark.parametrize(("columns", "rows"), [(4, 2), (2, 4)])
def test_the_charts_stand_in_rows_that_do_not_overlap(columns: int, rows: int) -> None:
    layout = curves(ALL, columns=columns).layout
    places = [(layout[f"xaxis{n or ''}"].domain, layout[f"yaxis{n or ''}"].domain) for n in ("", *range(2, 9))]
    assert len({across for across, _ in places}) == columns
    heights = sorted({up for _, up in places})
    assert len(heights) == rows
    assert all(lower[1] < upper[0] for lower, upper in itertools.pairwise(heights))
    assert all(0 <= end <= 1 for place in places for domain in place for end in domain)


def test_every_small_chart_names_its_feature_and_unit() -> None:
    layout = curves(ALL).layout
    assert layout.xaxis8.title.text == "Median income<br>(× $10,000 a year)"
    assert layout.xaxis.title.text == "Longitude<br>(degrees east)"


def test_what_moves_along_is_said_once() -> None:
    told = curves([valued.curve(name, note="Ocean proximity follows.") for name in ("latitude", "longitude")])
    assert told.layout.title.subtitle.text.replace("<br>", " ").count("Ocean proximity follows") == 1


def test_steps_meet_halfway() -> None:
    assert list(step_edges(np.array([1.0, 3.0, 4.0]))) == [0.0, 2.0, 3.5, 4.5]
    assert list(step_edges(np.array([2.0]))) == [1.5, 2.5]


def test_a_surface_is_coloured_from_this_houses_price() -> None:
    heat = surface(valued.surface()).data[0]
    (middle, colour) = heat.colorscale[1]
    assert heat.zmin + middle * (heat.zmax - heat.zmin) == pytest.approx(valued.PRICE)
    assert colour == DIVERGING[1]
    assert [text.partition("<br>")[0] for text in heat.text[0]] == ["(−$50,000)", "($0)", "(+$50,000)"]


def test_what_cannot_go_together_is_left_out_and_what_is_rare_is_hatched() -> None:
    heat, hatching, star = surface(valued.surface()).data
    assert np.isnan(heat.z[1][0])
    assert not heat.hoverongaps
    lines = np.asarray(hatching.x).reshape(-1, 3)
    assert lines[:, :2].tolist() == [[5.0, 9.0]]  # the pair that cannot be is rare as well, and has no cell
    assert (list(star.x), list(star.y)) == ([3.0], [20.0])


def test_the_hover_of_a_cell_says_what_is_rare_and_what_is_capped() -> None:
    words = surface(valued.surface()).data[0].text
    assert words[0][2] == "(+$50,000)<br>no block group is near"
    assert words[1][2].endswith(")<br>near the survey's cap: this or more")
    assert words[0][1] == "($0)"


def test_a_house_without_one_of_the_two_has_no_star() -> None:
    figure = surface(valued.surface(here=(float("nan"), 20.0)))
    assert [trace.type for trace in figure.data] == ["heatmap", "scatter"]
    assert "star" not in figure.layout.title.subtitle.text


def test_two_features_that_never_go_together_are_said_to() -> None:
    never = replace(valued.surface(), prices=np.full((2, 3), np.nan))
    assert surface(never).layout.annotations[0].text == "None of these values go together."
