"""Where a house starts: a real block group, by what it is like or by chance; and which version prices it."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.data.block_group_search import FLATTERED, Criteria
from core.domain.errors import LabError
from core.domain.geography import CITIES
from core.domain.house import FEATURES, House, OceanProximity
from pages.shared.frame import escape, lab, show_error
from pages.shared.house_form import take_house

STARTED: Final = "started_from"
ASKED: Final = "valued"
VERSION: Final = "version"
"""In the address: the version that prices."""

_TRIES: Final = "start_tries"
_REFUSED: Final = "start_refused"
_PRICED_BY: Final = "priced_by"
_WHOEVER: Final = ""
_WHOEVER_SERVES: Final = "the champion, or else the newest"
_ANY: Final = "Anywhere"
_INCOME: Final = FEATURES["median_income"]
_AGE: Final = FEATURES["housing_median_age"]
_AGES: Final = (int(_AGE.low), int(_AGE.high))
_PRICES: Final = (0, 505_000)
"""The slider's ends in 1990 USD: all that the survey recorded lies between them."""


def version_choice() -> str | None:
    """Which version prices: the one the address names, or None for the champion, or else the newest.

    A version that is not there stays named, so that its price is refused and not silently another one's.
    """
    # Labels change when an alias moves, so it is the number that stands in the address and not what a widget shows.
    named = st.query_params.get(VERSION, _WHOEVER)
    labels = {version.version: version.label for version in lab().what_if.offered()}
    if not labels and named == _WHOEVER:
        return None
    st.session_state[_PRICED_BY] = named
    chosen = st.selectbox(
        "Priced by",
        list(dict.fromkeys([_WHOEVER, *labels, named])),
        format_func=lambda version: labels.get(version, f"version {version}") if version else _WHOEVER_SERVES,
        key=_PRICED_BY,
        on_change=_name_version,
        help="Which model version says what the house is worth.",
    )
    return chosen or None


def _name_version() -> None:
    chosen = st.session_state[_PRICED_BY]
    if chosen == _WHOEVER:
        st.query_params.pop(VERSION, None)
    else:
        st.query_params[VERSION] = chosen


def start_from_real() -> None:
    """A popover that puts a real block group into the sliders."""
    with st.popover("Start from a real block group", icon=":material/holiday_village:"):
        region = st.selectbox("Ocean proximity there", [_ANY, *(place.value for place in OceanProximity)])
        city = st.selectbox("Near", [_ANY, *(city.name for city in CITIES)], help="Within 30 km of its centre.")
        low, high = st.slider("Recorded median value (1990 $)", *_PRICES, _PRICES, step=5_000)
        poorest, richest = st.slider(
            f"Income from and to ({_INCOME.unit})", _INCOME.low, _INCOME.high, (_INCOME.low, _INCOME.high), step=0.5
        )
        newest, oldest = st.slider(f"Age from and to ({_AGE.unit})", *_AGES, _AGES)
        held_out = st.checkbox(
            "Held-out rows only", value=True, help="Rows no model was fitted on: its estimate there is a fair one."
        )
        criteria = Criteria(
            region=None if region == _ANY else region,
            city=None if city == _ANY else city,
            price_from=low,
            price_to=high,
            income_from=poorest,
            income_to=richest,
            age_from=newest,
            age_to=oldest,
            held_out_only=held_out,
        )
        st.button("Draw one", icon=":material/casino:", type="primary", on_click=_draw, args=(criteria,))
        if (error := st.session_state.get(_REFUSED)) is not None:
            show_error(error)


def say_start(house: House) -> None:
    """Which block group this house came from, and whether a model can be judged by it."""
    held = st.session_state.get(STARTED)
    if held is None:
        return
    start, said, is_held_out = held
    changed = "" if start == house else " Changed since."
    st.caption(f":material/holiday_village: Started from {escape(said)}.{changed}")
    if not is_held_out and start == house:
        st.caption(escape(FLATTERED))


def take_block_group(position: int) -> None:
    """Put the block group at a position in file order into the sliders."""
    start = lab().what_if.start_at(position)
    take_house(start.house)
    st.session_state[STARTED] = (start.house, start.said, start.is_held_out)
    st.session_state[ASKED] = True


def _draw(criteria: Criteria) -> None:
    st.session_state[_TRIES] = tries = st.session_state.get(_TRIES, 0) + 1
    st.session_state[_REFUSED] = None
    try:
        take_block_group(lab().what_if.drawn(criteria, tries))
    except LabError as error:
        st.session_state[_REFUSED] = error
