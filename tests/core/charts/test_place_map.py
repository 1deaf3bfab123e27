"""The map on which a click moves the house."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import plotly.io
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.charts.place_map import MOST_POINTS, clicked_place, clicked_row, place_map
from core.data.block_groups import BlockGroups, flat_kilometres
from core.domain.geography import is_on_land
from core.domain.house import OceanProximity
from tests.core.charts.valued import COMPARABLES, HOUSE

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


@pytest.fixture(scope="module")
def block_groups(real_rows: pd.DataFrame) -> BlockGroups:
    return BlockGroups.of(real_rows, real_rows.index[:100], sha256="", is_demo=False)


@pytest.fixture(scope="module")
def state(block_groups: BlockGroups) -> go.Figure:
    return place_map(block_groups, HOUSE, COMPARABLES)


def trace(figure: go.Figure, name: str) -> go.Scattergl:
    return next(one for one in figure.data if one.name == name)


def places(one: go.Scattergl) -> np.ndarray:
    return np.column_stack([one.x, one.y])


def test_it_is_small_enough_to_be_sent_at_every_move(state: go.Figure) -> None:
    assert len(plotly.io.to_json(state, validate=False)) < 150_000
    assert 3_000 < len(trace(state, "block group").x) <= MOST_POINTS


def test_no_part_of_the_state_loses_its_block_groups(state: go.Figure, block_groups: BlockGroups) -> None:
    everywhere = block_groups.rows[["longitude", "latitude"]].to_numpy()
    shown = places(trace(state, "block group"))
    gaps = flat_kilometres(*everywhere[::50].T)[:, None] - flat_kilometres(*shown.T)[None]
    assert np.hypot(*gaps.transpose(2, 0, 1)).min(axis=1).max() < 12


def test_a_point_tells_its_row_and_that_rows_recorded_median(state: go.Figure, block_groups: BlockGroups) -> None:
    drawn = trace(state, "block group")
    rows = np.asarray(drawn.customdata)
    assert len(set(rows.tolist())) == len(rows)
    assert np.asarray(drawn.marker.color).tolist() == block_groups.recorded[rows].tolist()
    found = block_groups.rows.iloc[rows][["longitude", "latitude"]].to_numpy()
    assert np.abs(places(drawn) - found).max() < 1e-4


def test_the_whole_land_can_be_clicked_and_no_sea(state: go.Figure) -> None:
    land = places(trace(state, "land"))
    assert 1_000 < len(land) < 3_000
    assert all(is_on_land(east, north) for east, north in np.round(land.astype(float), 2).tolist())
    for corner in ((-124.0, 41.8), (-114.8, 33.0), (-117.0, 35.0), (-120.2, 41.8)):
        assert np.hypot(*(land - corner).T).min() < 0.15


def test_a_click_beside_every_point_means_the_nearest(state: go.Figure) -> None:
    assert state.layout.hoverdistance == -1
    assert "select" in state.layout.clickmode


def test_nothing_fades_when_something_is_clicked(state: go.Figure) -> None:
    for name in ("land", "block group", "comparable area", "this house"):
        one = trace(state, name)
        assert one.unselected.marker.opacity == one.selected.marker.opacity == (one.marker.opacity or 1.0)


def test_house_and_comparables_lie_on_top_and_are_drawn_alike(state: go.Figure) -> None:
    """Plotly draws what is WebGL above all that is not, whatever the order."""
    assert [one.name for one in state.data[:4]] == ["land", "block group", "comparable area", "this house"]
    assert {one.type for one in state.data[:4]} == {"scattergl"}
    assert list(trace(state, "comparable area").customdata) == [4_861, 12]


def test_nearer_there_are_more_block_groups_and_a_finer_grid(block_groups: BlockGroups, state: go.Figure) -> None:
    near = place_map(block_groups, HOUSE, COMPARABLES, within_km=20)
    (west, east), (south, north) = near.layout.xaxis.range, near.layout.yaxis.range
    for name in ("land", "block group"):
        shown = places(trace(near, name))
        assert ((shown >= [west - 1e-4, south - 1e-4]) & (shown <= [east + 1e-4, north + 1e-4])).all()
        whole = places(trace(state, name))
        inside = ((whole >= [west, south]) & (whole <= [east, north])).all(axis=1).sum()
        assert len(shown) > 5 * inside
    assert (north - south) * 111.2 == pytest.approx(40, rel=0.01)
    assert list(trace(near, "comparable area").text) == ["1", "2"]
    assert near.layout.uirevision != state.layout.uirevision


def test_the_five_classes_have_a_name_and_a_colour_each(block_groups: BlockGroups) -> None:
    figure = place_map(block_groups, HOUSE, colour_by="ocean_proximity")
    named = [one for one in figure.data if one.showlegend is not False and one.name]
    assert [one.name.replace("&lt;", "<") for one in named] == [place.value for place in OceanProximity]
    assert len({one.marker.color for one in named}) == 5
    assert figure.layout.showlegend


def test_nothing_of_the_map_comes_from_a_server(state: go.Figure) -> None:
    assert {one.type for one in state.data} == {"scattergl", "scatter"}
    assert "http" not in plotly.io.to_json(state, validate=False)


def test_a_clicked_point_is_a_place_as_the_data_write_it() -> None:
    """What Streamlit tells of a click, the noise of 32-bit numbers included."""
    point = {"curve_number": 1, "x": -121.54000091552734, "y": 38.59000015258789, "customdata": 20511}
    assert clicked_place(point) == (-121.54, 38.59)
    assert clicked_row(point) == 20511
    on_land = {"curve_number": 0, "x": -116, "y": 36}
    assert clicked_place(on_land) == (-116.0, 36.0)
    assert clicked_row(on_land) is None


@given(
    st.dictionaries(
        st.sampled_from(["x", "y", "customdata", "curve_number"]),
        st.none() | st.booleans() | st.text() | st.floats() | st.integers(),
    )
)
def test_whatever_is_clicked_is_a_possible_place_or_none(point: dict[str, object]) -> None:
    found = clicked_place(point)
    if found is not None:
        assert -125 <= found[0] <= -114
        assert 32 <= found[1] <= 42.5
    row = clicked_row(point)
    assert row is None or (json.dumps(row) and not isinstance(row, bool))
