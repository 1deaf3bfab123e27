"""Where a house starts: a real block group, by what it is like or by chance; and which version prices it."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.data.block_group_search import FLATTERED, Criteria
from core.domain.errors import LabError
from core.domain.geography import CITIES
from core.domain.house import FEATURES, House, OceanProximity
from core.domain.hyperparameters import family_label
from pages.shared.frame import escape, lab, show_error
from pages.shared.house_form import take_house

STARTED: Final = "started_from"
ASKED: Final = "valued"
VERSION: Final = "version"
"""In the address: the version that prices."""

START: Final = "start"
"""Whether the popover is open."""

_TRIES: Final = "start_tries"
_REFUSED: Final = "start_refused"
_PRICED_BY: Final = "priced_by"
_WHOEVER: Final = ""
_WHOEVER_SERVES: Final = "the champion, or else the newest"
_ANY: Final = "Anywhere"
_REGION, _CITY, _PRICE = "start_region", "start_city", "start_price"
_INCOME_KEPT, _AGE_KEPT, _HELD_OUT = "start_income", "start_age", "start_held_out"
_INCOME: Final = FEATURES["median_income"]
_AGE: Final = FEATURES["housing_median_age"]
_INCOMES: Final = (_INCOME.low, _INCOME.high)
_AGES: Final = (int(_AGE.low), int(_AGE.high))
_PRICES: Final = (0, 505_000)
"""The slider's ends in 1990 USD: all that the survey recorded lies between them."""


def version_choice() -> str | None:
    """Which version prices: the one the address names, or None for the champion, or else the newest.

    A version that is not there stays named, so that its price is refused and not silently another one's.
    """
    # Labels change when an alias moves, so it is the number that stands in the address and not what a widget shows.
    named = st.query_params.get(VERSION, _WHOEVER)
    labels = version_labels()
    if not labels and named == _WHOEVER:
        return None
    # A widget of its own for each version named: setting one that stands needs a message to the browser, which the
    # next script run can overtake. The box would then show nothing chosen.
    key = f"{_PRICED_BY}_{named}"
    offered = list(dict.fromkeys([_WHOEVER, *labels, named]))
    chosen = st.selectbox(
        "Priced by",
        offered,
        offered.index(named),
        format_func=lambda version: labels.get(version, f"version {version}") if version else _WHOEVER_SERVES,
        key=key,
        on_change=_name_version,
        args=(key,),
        help="Which model version says what the house is worth.",
    )
    return chosen or None


def named_version() -> str | None:
    """The version the address names, for what is pressed: its block groups are those that version was trained on."""
    return st.query_params.get(VERSION) or None


def version_labels() -> dict[str, str]:
    """``version 3 (champion), LightGBM`` by version, the newest first."""
    return {
        version.version: version.label + (f", {family_label(version.family)}" if version.family else "")
        for version in lab().what_if.offered()
    }


def _name_version(key: str) -> None:
    chosen = st.session_state[key]
    if chosen == _WHOEVER:
        st.query_params.pop(VERSION, None)
    else:
        st.query_params[VERSION] = chosen


def start_from_real() -> None:
    """A popover that puts a real block group into the sliders."""
    popover = st.popover(
        "Start from a real block group", icon=":material/holiday_village:", key=START, on_change="rerun"
    )
    if not popover.open:  # its widgets would be sent at every move of a slider
        return
    with popover:
        st.selectbox("Ocean proximity there", [_ANY, *(place.value for place in OceanProximity)], key=_REGION)
        st.selectbox("Near", [_ANY, *(city.name for city in CITIES)], help="Within 30 km of its centre.", key=_CITY)
        st.slider("Recorded median value (1990 $)", *_PRICES, _PRICES, step=5_000, key=_PRICE)
        st.slider(f"Income from and to ({_INCOME.unit})", *_INCOMES, _INCOMES, step=0.5, key=_INCOME_KEPT)
        st.slider(f"Age from and to ({_AGE.unit})", *_AGES, _AGES, key=_AGE_KEPT)
        st.checkbox(
            "Held-out rows only",
            value=True,
            key=_HELD_OUT,
            help="Rows no model was fitted on: its estimate there is a fair one.",
        )
        st.button("Draw one", icon=":material/casino:", type="primary", on_click=_draw)
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
    start = lab().what_if.start_at(position, named_version())
    take_house(start.house)
    st.session_state[STARTED] = (start.house, start.said, start.is_held_out)
    st.session_state[ASKED] = True


def _draw() -> None:
    # Read when the button is pressed: what the widgets said when it was drawn may be a moment old.
    held = st.session_state
    held[_TRIES] = tries = held.get(_TRIES, 0) + 1
    held[_REFUSED] = None
    try:
        criteria = Criteria(
            region=None if held[_REGION] == _ANY else held[_REGION],
            city=None if held[_CITY] == _ANY else held[_CITY],
            price_from=held[_PRICE][0],
            price_to=held[_PRICE][1],
            income_from=held[_INCOME_KEPT][0],
            income_to=held[_INCOME_KEPT][1],
            age_from=held[_AGE_KEPT][0],
            age_to=held[_AGE_KEPT][1],
            held_out_only=held[_HELD_OUT],
        )
        take_block_group(lab().what_if.drawn(criteria, tries, named_version()))
    except LabError as error:
        held[_REFUSED] = error
