"""Why this price, and what would change it: the parts of What-if that follow the price."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.charts.curves import curves
from core.charts.surface import surface
from core.charts.waterfall import waterfall
from core.domain.house import FEATURES, NUMERIC_COLUMNS, House
from core.explanation.contributions import sentence
from pages.shared.figures import chart
from pages.shared.frame import errors, escape, lab

_ACROSS: Final = "median_income"
_UP: Final = "housing_median_age"


@st.fragment(parallel=True)
def why(house: House, version: str | None) -> None:
    """What each group of features adds to the price or takes from it."""
    with errors():
        valuation = lab().what_if.explained(house, version)
        if valuation.reasons is None:
            st.info(
                "Reasons compare the house with real block groups, and the data file is not here.",
                icon=":material/database_off:",
            )
            return
        st.markdown(escape(sentence(valuation.reasons, house)))
        chart(waterfall(valuation.reasons), key="waterfall")
        st.caption(escape(f"{valuation.reasons.method}. {valuation.reasons.caveat}"))


@st.fragment(parallel=True)
def what_changes_it(house: House, version: str | None) -> None:
    """The price along each feature, and over two of them."""
    with errors():
        found = lab().what_if.curves(house, version)
        # Two pictures: beside each other on a desk, one below the other on a phone.
        half = len(found) // 2
        left, right = st.columns(2)
        with left:
            chart(curves(found[:half], columns=2, beside=found, title="Income, age and rooms"), key="curves_house")
        with right:
            chart(curves(found[half:], columns=2, beside=found, title="People and place"), key="curves_place")
        st.subheader("Over two features", anchor=False)
        row = st.container(horizontal=True, gap="small")
        names = list(NUMERIC_COLUMNS)
        x = row.selectbox(
            "Across",
            names,
            index=names.index(_ACROSS),
            format_func=_label,
            key="across",
            bind="query-params",
            width=260,
        )
        others = [name for name in names if name != x]
        y = row.selectbox(
            "Up",
            others,
            index=others.index(_UP) if _UP in others else 0,
            format_func=_label,
            key="up",
            bind="query-params",
            width=260,
        )
        over = lab().what_if.surface(house, x, y, version)
        chart(surface(over), key="surface")


def _label(name: str) -> str:
    return FEATURES[name].label
