"""Goal-seek: what would make the price a given one."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.domain.house import FEATURES, RAW_COLUMNS, House
from core.domain.money import dollars
from core.explanation.goal_seek import LOCATION_FEATURES, Way
from core.explanation.goal_words import goal_sentence, way_text
from pages.shared.frame import errors, escape, lab
from pages.shared.house_form import TAKEN

_EFFORT: Final = "How far the house moves, in spreads of the data. Less is likelier."


@st.fragment
def reach(house: House, price: float, version: str | None) -> None:
    """The question, and the ways there."""
    with errors():
        row = st.container(horizontal=True, gap="medium", vertical_alignment="bottom")
        goal = row.number_input(
            "What would make it (1990 $)",
            min_value=0.0,
            max_value=1_000_000.0,
            value=None,
            step=5_000.0,
            format="%.0f",
            placeholder=dollars(price),
            key="goal",
            bind="query-params",
            width=260,
        )
        locked = row.multiselect(
            "Locked",
            list(RAW_COLUMNS),
            default=list(LOCATION_FEATURES),
            format_func=lambda name: FEATURES[name].label,
            key="locked",
            bind="query-params",
            help="Features that stay as they are. The location stays unless you free it.",
            width="stretch",
        )
        if goal is None:
            st.caption("Enter a price. The nearest plausible ways there come first, within two seconds.")
            return
        with st.spinner("Looking for ways there"):
            answer = lab().what_if.goal(house, goal, locked, version)
        (st.success if answer.is_reached else st.warning)(escape(goal_sentence(answer)), icon=":material/flag:")
        for number, way in enumerate(answer.ways):
            _way(way, number)
        if not answer.is_reached:
            _way(answer.nearest, len(answer.ways))


def _way(way: Way, number: int) -> None:
    row = st.container(border=True)
    price, words, effort, take = row.columns([2, 8, 2, 3], vertical_alignment="center")
    price.markdown(f"**{escape(dollars(way.price))}**")
    words.markdown(f"with {escape(way_text(way))}")
    effort.caption(f"effort {way.effort:.2f}", help=_EFFORT)
    if take.button("Take this house", key=f"way_{number}", disabled=not way.changes, width="stretch"):
        st.session_state[TAKEN] = way.house
        st.rerun()
