"""Where the house lies among the block groups: a map on which a click moves it. It needs no internet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.charts.california import WHOLE_STATE, dollar_scale, on_map
from core.charts.frame import PAPER, TEXT, plain
from core.charts.lettering import counted
from core.charts.palette import CATEGORICAL, DIVERGING, NEUTRAL
from core.data.block_groups import BlockGroups, Floats, Positions
from core.domain.geography import BAY, CATALINA, KILOMETRES_PER_DEGREE, MAINLAND, Point
from core.domain.house import FEATURES, House, OceanProximity
from core.domain.money import dollars, price_text
from core.explanation.comparables import Comparable

ColourBy = Literal["recorded", "ocean_proximity"]

MOST_POINTS: Final = 4_000
"""Block groups sent to the browser at most; those of a dense area are drawn by lot."""

_TITLE: Final = "Where it is"
_HEIGHT: Final = 600
_GRID_POINTS: Final = 2_000
_LAND_SHARE: Final = 0.45
_FINEST: Final = 0.01
"""Degrees between two places of the data: what a click can tell apart."""

_CELLS_ACROSS: Final = 90
_SEED: Final = 7
_FEW: Final = 1_500
_ZOOM_BUTTONS: Final = ("zoomin", "zoomout")
_COLOURS_END_AT: Final = (0.02, 0.98)

Window = tuple[tuple[float, float], tuple[float, float]]


def place_map(
    block_groups: BlockGroups,
    house: House,
    comparables: Sequence[Comparable] = (),
    *,
    colour_by: ColourBy = "recorded",
    within_km: float | None = None,
) -> go.Figure:
    """Block groups, the house as a star, comparables by their numbers; every place on land can be clicked.

    Streamlit draws a chart anew when its figure changes, so a zoom by hand lasts until the house moves; a
    ``within_km`` lasts as long as the screen asks for it, and brings more block groups and a finer grid.

    Args:
        colour_by: what a block group's colour says.
        within_km: show the square of so many kilometres around the house; None for the whole state.
    """
    window = WHOLE_STATE if within_km is None else _around(house, within_km)
    shown = _thinned(block_groups, window)
    inside = int(_is_within(block_groups, window).sum())
    said = ["click, or tap twice, to move the star", f"{len(shown):,} of {counted(inside, 'block group')}"]
    is_recorded = colour_by == "recorded"
    if is_recorded:
        middle = float(np.median(block_groups.recorded))
        said.append(f"blue: recorded under {dollars(middle)}, the median, orange: over")
        points = [_by_price(block_groups, shown, middle)]
    else:
        points = _by_ocean_proximity(block_groups, shown)
    traces = [
        _land(window),
        *points,
        *([_areas(comparables, is_near=within_km is not None)] if comparables else []),
        _star(house),
    ]
    figure = on_map(
        traces,
        title=_TITLE,
        subtitle="; ".join(said),
        height=_HEIGHT,
        window=window,
        scale=is_recorded,
        legend=not is_recorded,
    )
    # A click far from every point still means the nearest one.
    figure.update_layout(
        hoverdistance=-1,
        dragmode="pan",
        clickmode="event+select",
        uirevision=f"{within_km} {colour_by}",
        modebar_remove=[button for button in figure.layout.modebar.remove if button not in _ZOOM_BUTTONS],
    )
    return figure


def clicked_place(point: Mapping[str, Any]) -> tuple[float, float] | None:
    """Longitude and latitude of a selected point, in degrees as the data write them; None if it is no place.

    Args:
        point: one of the ``points`` of a chart's selection.
    """
    found = [point.get(name) for name in ("x", "y")]
    degrees = [float(one) for one in found if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(degrees) < len(found):
        return None
    # The browser holds the places as 32-bit numbers, which are off by a metre.
    east, north = round(degrees[0], 4), round(degrees[1], 4)
    possible = (FEATURES["longitude"], east), (FEATURES["latitude"], north)
    return (east, north) if all(feature.low <= value <= feature.high for feature, value in possible) else None


def clicked_row(point: Mapping[str, Any]) -> int | None:
    """The position in file order of a selected block group; None where another point was clicked."""
    row = point.get("customdata")
    return row if isinstance(row, int) and not isinstance(row, bool) else None


def _by_price(block_groups: BlockGroups, shown: Positions, middle: float) -> dict[str, Any]:
    low, high = np.quantile(block_groups.recorded, _COLOURS_END_AT).tolist()
    share = (middle - low) / (high - low) if high > low else 0.5
    trace = _points(block_groups, shown, "block group")
    trace["marker"] |= {
        "color": block_groups.recorded[shown].astype(np.int32),
        "cmin": low,
        "cmax": high,
        "colorscale": [[0.0, DIVERGING[0]], [share, DIVERGING[1]], [1.0, DIVERGING[2]]],
        "colorbar": dollar_scale("Recorded median house value (1990 $)"),
    }
    told = "<b>Recorded %{marker.color:$,.0f}</b><br>latitude %{y:.2f}, longitude %{x:.2f}<extra></extra>"
    return {**trace, "hovertemplate": told}


def _by_ocean_proximity(block_groups: BlockGroups, shown: Positions) -> list[dict[str, Any]]:
    traces = []
    for number, place in enumerate(OceanProximity):
        own = shown[block_groups.place_numbers[shown] == number]
        trace = _points(block_groups, own, plain(place.value))
        trace["marker"]["color"] = CATEGORICAL[number]
        told = f"<b>{plain(place.value)}</b><br>latitude %{{y:.2f}}, longitude %{{x:.2f}}<extra></extra>"
        traces.append({**trace, "hovertemplate": told})
    return traces


def _points(block_groups: BlockGroups, shown: Positions, name: str) -> dict[str, Any]:
    rows = block_groups.rows
    return {
        "type": "scattergl",
        "mode": "markers",
        "name": name,
        "x": rows["longitude"].to_numpy(dtype=np.float32)[shown],
        "y": rows["latitude"].to_numpy(dtype=np.float32)[shown],
        "customdata": shown.astype(np.int32),
        "marker": {"size": 4 if len(shown) > _FEW else 6, "opacity": 0.8, "line": {"width": 0}},
        **_never_faded(0.8),
    }


def _land(window: Window) -> dict[str, Any]:
    """Places on land, so that a click where no block group is drawn moves the house as well."""
    east, north = _lattice(window)
    return {
        "type": "scattergl",
        "mode": "markers",
        "name": "land",
        "showlegend": False,
        "x": east.astype(np.float32),
        "y": north.astype(np.float32),
        "marker": {"size": 3, "color": NEUTRAL, "opacity": 0.15},
        "hovertemplate": "latitude %{y:.2f}, longitude %{x:.2f}<extra></extra>",
        **_never_faded(0.15),
    }


def _areas(comparables: Sequence[Comparable], *, is_near: bool) -> dict[str, Any]:
    """Numbered where they are told apart; on the whole state they lie on one another."""
    # In WebGL like the block groups: what is drawn otherwise lies below them.
    return {
        "type": "scattergl",
        "mode": "markers+text" if is_near else "markers",
        "name": "comparable area",
        "showlegend": False,
        "x": [one.house.longitude for one in comparables],
        "y": [one.house.latitude for one in comparables],
        "customdata": [one.row_id for one in comparables],
        "marker": {"size": 17 if is_near else 8, "color": PAPER, "line": {"color": TEXT, "width": 1.5}},
        "text": [str(number) for number in range(1, len(comparables) + 1)],
        "textfont": {"size": 11, "color": TEXT},
        "hovertext": [
            f"<b>Comparable area {number}</b>, {one.kilometres:,.1f} km away<br>Recorded {price_text(one.recorded)}"
            for number, one in enumerate(comparables, start=1)
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
        **_never_faded(1.0),
    }


def _star(house: House) -> dict[str, Any]:
    return {
        "type": "scattergl",
        "mode": "markers",
        "name": "this house",
        "showlegend": False,
        "x": [house.longitude],
        "y": [house.latitude],
        "marker": {"symbol": "star", "size": 20, "color": TEXT, "line": {"color": PAPER, "width": 1.5}},
        "customdata": [f"<b>This house</b><br>{plain(house.ocean_proximity)}"],
        "hovertemplate": "%{customdata}<br>latitude %{y:.2f}, longitude %{x:.2f}<extra></extra>",
        **_never_faded(1.0),
    }


def _never_faded(opacity: float) -> dict[str, Any]:
    """A click selects, and plotly fades what is not selected."""
    return {"selected": {"marker": {"opacity": opacity}}, "unselected": {"marker": {"opacity": opacity}}}


def _around(house: House, kilometres: float) -> Window:
    up = kilometres / KILOMETRES_PER_DEGREE
    across = up / math.cos(math.radians(house.latitude))
    return (
        (house.longitude - across, house.longitude + across),
        (house.latitude - up, house.latitude + up),
    )


def _is_within(block_groups: BlockGroups, window: Window) -> npt.NDArray[np.bool_]:
    (west, east), (south, north) = window
    longitude, latitude = (block_groups.rows[name].to_numpy() for name in ("longitude", "latitude"))
    inside: npt.NDArray[np.bool_] = (
        (longitude >= west) & (longitude <= east) & (latitude >= south) & (latitude <= north)
    )
    return inside


def _thinned(block_groups: BlockGroups, window: Window) -> Positions:
    """Positions of the block groups to draw: of each small cell so many by lot that all fit."""
    there = np.flatnonzero(_is_within(block_groups, window))
    if len(there) <= MOST_POINTS:
        return there
    (west, east), (south, _) = window
    step = (east - west) / _CELLS_ACROSS
    by_lot = np.random.default_rng(_SEED).permutation(there)
    columns = ((block_groups.rows["longitude"].to_numpy()[by_lot] - west) / step).astype(int)
    rows = ((block_groups.rows["latitude"].to_numpy()[by_lot] - south) / step).astype(int)
    cells = rows * (_CELLS_ACROSS + 1) + columns
    order = np.argsort(cells, kind="stable")
    _, first, sizes = np.unique(cells[order], return_index=True, return_counts=True)
    rank = np.empty(len(by_lot), dtype=int)
    rank[order] = np.arange(len(by_lot)) - np.repeat(first, sizes)
    most = int(np.searchsorted(np.cumsum(np.bincount(rank)), MOST_POINTS, side="right"))
    return np.sort(by_lot[rank < max(1, most)])[:MOST_POINTS]


def _lattice(window: Window) -> tuple[Floats, Floats]:
    (west, east), (south, north) = window
    share = _LAND_SHARE if window == WHOLE_STATE else 1.0
    step = math.sqrt((east - west) * (north - south) * share / _GRID_POINTS)
    step = max(_FINEST, round(step / _FINEST) * _FINEST)
    first_east, first_north = math.ceil(west / step) * step, math.ceil(south / step) * step
    across, up = np.meshgrid(np.arange(first_east, east, step), np.arange(first_north, north, step))
    longitude, latitude = np.round(across.ravel(), 2), np.round(up.ravel(), 2)
    on_land = _are_inside(MAINLAND, longitude, latitude) & ~_are_inside(BAY, longitude, latitude)
    on_land |= _are_inside(CATALINA, longitude, latitude)
    return longitude[on_land], latitude[on_land]


def _are_inside(outline: Sequence[Point], longitude: Floats, latitude: Floats) -> npt.NDArray[np.bool_]:
    """``geography.is_inside`` over many places at once."""
    corners = np.asarray(outline)
    (east, north), (east_2, north_2) = corners[:-1].T[:, :, None], corners[1:].T[:, :, None]
    straddles = (north > latitude) != (north_2 > latitude)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = east + (latitude - north) / (north_2 - north) * (east_2 - east)
    crossed: npt.NDArray[np.bool_] = (straddles & (longitude < crossing)).sum(axis=0) % 2 == 1
    return crossed
