"""The map on which a click moves the house, and the comparable areas around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from core.charts.comparables import comparable_gaps, comparable_prices
from core.charts.frame import CONFIG
from core.charts.place_map import clicked_place, place_map
from core.data.block_group_search import near
from core.domain.errors import LabError, NotFound
from core.domain.house import House
from core.domain.money import dollar_change, price_text, recorded_text
from core.explanation.comparables import Comparable, comparables_sentence
from core.workflows.valuation import Valuation
from pages.shared.columns import columns_of, help_of
from pages.shared.figures import chart
from pages.shared.frame import errors, escape, lab, show_error
from pages.shared.house_form import take_house
from pages.shared.what_if_start import named_version, take_block_group

_MOVED: Final = "moved"
_MAP: Final = "place_map"
_VIEWS: Final = {"Whole state": None, "100 km": 100.0, "30 km": 30.0, "10 km": 10.0}
_DROPPED: Final = "left_out"
_PINNED: Final = "put_in"


def where(house: House, version: str | None) -> None:
    """The map. A click moves the house; ocean proximity and the neighbours follow."""
    notes, refused = st.session_state.pop(_MOVED, ((), None))
    if refused is not None:
        show_error(refused)
    for note in notes:
        st.info(escape(note), icon=":material/waves:")
    picture, words = st.columns([3, 2], gap="large")
    row = picture.container(horizontal=True, gap="medium", vertical_alignment="bottom")
    view = row.segmented_control(
        "Shown", list(_VIEWS), default="Whole state", key="map_view", bind="query-params", required=True
    )
    by_place = row.toggle("Colour by ocean proximity", key="map_colour", bind="query-params")
    dropped, pinned = area_choice()
    areas = lab().what_if.comparables(house, version, dropped=dropped, pinned=pinned)
    figure = place_map(
        lab().what_if.block_groups(version),
        house,
        areas,
        colour_by="ocean_proximity" if by_place else "recorded",
        within_km=_VIEWS[view],
    )
    picture.plotly_chart(figure, key=_MAP, on_select=lambda: _move(house), selection_mode="points", config=dict(CONFIG))
    picture.caption(
        "Ocean proximity follows the place, as the nearest block groups have it. The map is drawn without internet: "
        "an outline of California and the survey's own points."
    )
    with words:
        _what_is_here(house, version, areas)


def _what_is_here(house: House, version: str | None, areas: Sequence[Comparable]) -> None:
    """The place in words, the real block group there, and the numbers on the map."""
    st.subheader("The place", anchor=False)
    st.markdown(
        f"Latitude {house.latitude:g}, longitude {escape(f'{house.longitude:g}')}: "
        f"{escape(near(house.longitude, house.latitude))}. Ocean proximity {escape(house.ocean_proximity)}."
    )
    nearest = lab().what_if.nearest_to(house, version)
    st.markdown(f"Nearest: {escape(nearest.said)}.")
    st.button(
        "Start from it",
        icon=":material/holiday_village:",
        key="start_here",
        on_click=take_block_group,
        args=(nearest.position,),
        help="All nine features as the survey recorded them there.",
    )
    st.caption("Comparable areas, as numbered on the map")
    rows = [
        {"Area": number, "Recorded": recorded_text(one.recorded), "Away (km)": f"{one.kilometres:.1f}"}
        for number, one in enumerate(areas, start=1)
    ]
    st.dataframe(
        rows,
        column_config=columns_of(rows),
        hide_index=True,
        alt="The comparable areas on the map",
    )


@st.fragment(parallel=True)
def comparable_areas(valuation: Valuation, version: str | None) -> None:
    """The block groups most like the house, what was recorded there, and why the estimate differs."""
    with errors():
        dropped, pinned = area_choice()
        try:
            areas = lab().what_if.comparables(valuation.house, version, dropped=dropped, pinned=pinned)
        except NotFound as error:
            show_error(error)
            _offer_as_found(is_changed=True)
            return
        st.markdown(escape(comparables_sentence(areas, valuation.price)))
        chart(comparable_prices(areas, valuation.price, valuation.range), key="areas")
        picked = _area_table(areas, valuation.price)
        row = st.container(horizontal=True, gap="small", vertical_alignment="bottom")
        if row.button("Leave out", icon=":material/remove_circle:", disabled=not picked, key="leave_out"):
            _remember(_DROPPED, {*dropped, *picked})
            _remember(_PINNED, set(pinned) - set(picked))
            st.rerun()
        added = row.number_input(
            "Add by row",
            min_value=0,
            max_value=len(lab().what_if.block_groups(version)) - 1,
            step=1,
            value=None,
            key="add_row",
            width=160,
            help="A block group's row in the data file, from 0, as the map and the table name it.",
        )
        if row.button("Add", icon=":material/add_circle:", disabled=added is None, key="add_area"):
            _remember(_PINNED, {*pinned, int(added or 0)})
            _remember(_DROPPED, set(dropped) - {int(added or 0)})
            st.rerun()
        with row:
            _offer_as_found(is_changed=bool(dropped or pinned))
        start = picked[0] if len(picked) == 1 else None
        row.button(
            "Value this area",
            icon=":material/location_on:",
            disabled=start is None,
            key="value_area",
            on_click=take_block_group,
            args=(start,),
        )
        chart(comparable_gaps(areas), key="gaps")
        st.caption(
            "Medians the 1990 survey recorded for block groups, not prices of houses sold. What the features do not "
            "explain is what the survey recorded beyond the model's estimate there."
        )


def _offer_as_found(*, is_changed: bool) -> None:
    if st.button("As found", icon=":material/restart_alt:", disabled=not is_changed, key="as_found"):
        _remember(_DROPPED, set())
        _remember(_PINNED, set())
        st.rerun()


def _area_table(areas: Sequence[Comparable], price: float) -> list[int]:
    rows = [
        {
            "Area": number,
            "Row": one.row_id,
            "Recorded": recorded_text(one.recorded),
            "Against the estimate": dollar_change(one.recorded - price),
            "Model says": price_text(one.estimate),
            "Away (km)": one.kilometres,
            "Unlikeness": one.unlikeness,
            "Income": one.house.median_income,
            "Age": one.house.housing_median_age,
            "Ocean proximity": one.house.ocean_proximity,
            "Fitted on": "no" if one.is_held_out else "yes",
        }
        for number, one in enumerate(areas, start=1)
    ]
    digits = {"Away (km)": "%.1f", "Unlikeness": "%.2f", "Income": "%.2f"}
    table = st.dataframe(
        rows,
        column_config={
            **columns_of(rows),
            **{
                title: st.column_config.NumberColumn(help=help_of(title), format=shown)
                for title, shown in digits.items()
            },
        },
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        key=f"area_table_{hash(tuple(one.row_id for one in areas))}",
        alt="The comparable areas with their recorded medians",
    )
    return [areas[place].row_id for place in table.selection.rows if place < len(areas)]


def _move(house: House) -> None:
    points = st.session_state[_MAP].selection.points
    place = clicked_place(points[0]) if points else None
    if place is None:
        return
    try:
        moved = lab().what_if.move(house, *place, named_version())
    except LabError as error:
        st.session_state[_MOVED] = ((), error)
        return
    take_house(moved.house)
    st.session_state[_MOVED] = (moved.notes, None)


def area_choice() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The row ids the address leaves out of the comparable areas, and those it puts in."""
    return _chosen(_DROPPED), _chosen(_PINNED)


def _chosen(name: str) -> tuple[int, ...]:
    """Row ids an address names; what is none is passed by."""
    return tuple(int(part) for part in st.query_params.get(name, "").split(",") if part.isdecimal() and len(part) < 8)


def _remember(name: str, rows: set[int]) -> None:
    if rows:
        st.query_params[name] = ",".join(str(row) for row in sorted(rows))
    else:
        st.query_params.pop(name, None)
