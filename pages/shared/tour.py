"""The first visit: one card with each role's first steps. Dismissed once, it stays away from that browser."""

from __future__ import annotations

from typing import Final

import streamlit as st

_COOKIE: Final = "housing_lab_tour"
_SEEN: Final = "seen"
_DISMISSED: Final = "tour_dismissed"
_REMEMBER: Final = st.components.v2.component(
    "housing_lab_remember",
    # The page itself can only read cookies. A year from the dismissal on; nothing but the word "seen" is kept.
    js="""
    export default function ({ data }) {
      document.cookie = `${data.name}=${data.value}; path=/; max-age=31536000; SameSite=Lax`;
    }
    """,
)


def tour() -> None:
    """The card, for a browser that has not dismissed it."""
    if st.context.cookies.get(_COOKIE) == _SEEN:
        return
    if st.session_state.get(_DISMISSED):
        _REMEMBER(key=_COOKIE, data={"name": _COOKIE, "value": _SEEN}, height=1)
        return
    with st.container(border=True):
        head = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
        head.subheader("First time here?", anchor=False, width="content")
        head.button("Got it", icon=":material/check:", type="tertiary", on_click=_dismiss)
        ask, train, decide = st.columns(3, gap="medium")
        with ask:
            st.markdown("**You need prices**  \nDescribe one area, or send a whole file.")
            with st.container(horizontal=True, gap="small"):
                st.page_link("what_if.py", label="Value a house", icon=":material/real_estate_agent:")
                st.page_link("score.py", label="Score a file", icon=":material/price_check:")
        with train:
            st.markdown("**You train models**  \nMove the sliders, watch it learn, see whether it is better.")
            with st.container(horizontal=True, gap="small"):
                st.page_link("train.py", label="Train a model", icon=":material/model_training:")
                st.page_link("compare.py", label="Compare runs", icon=":material/compare_arrows:")
        with decide:
            st.markdown("**You decide what serves**  \nGates judge a version by figures; every move is written down.")
            st.page_link("models.py", label="Promote a version", icon=":material/workspace_premium:")


def _dismiss() -> None:
    st.session_state[_DISMISSED] = True
