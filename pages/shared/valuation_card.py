"""The price of a house as it is painted first: price, range, how often such ranges held, and what is doubtful."""

from __future__ import annotations

import streamlit as st

from core.charts.range_bar import range_bar
from core.charts.valuation_report import coverage_sentence
from core.domain.provenance import current_user
from core.workflows.valuation import Valuation
from pages.shared.figures import chart
from pages.shared.frame import errors, escape, lab


def valuation_card(valuation: Valuation) -> None:
    """Price and range, and beside them what an analyst has to say with them."""
    st.metric(
        "Estimated median value (1990 $)",
        valuation.text,
        help="Median house value of a block group with these features, in 1990 dollars.",
    )
    if valuation.range is None:
        _offer_ranges(valuation)
    else:
        st.markdown(
            f"80 % range {escape(valuation.range.inner.text)}  \n90 % range **{escape(valuation.range.outer.text)}**"
        )
        chart(range_bar(valuation.price, valuation.range), key="range")
        st.caption(escape(coverage_sentence(valuation.range)))
    for warning in valuation.warnings:
        st.warning(escape(warning), icon=":material/info:")
    st.caption(escape(valuation.source.sentence))


def _offer_ranges(valuation: Valuation) -> None:
    """A version whose errors nobody measured has a price and no range; it can be measured now."""
    version = valuation.source.version
    if not valuation.range_trouble:  # that stands among the warnings
        st.info("This version has no price range yet: its errors have not been measured.", icon=":material/straighten:")
    if valuation.source.is_local:
        return
    if st.button("Measure its range", icon=":material/straighten:", key="measure_range"):
        with errors():
            lab().assess(version, actor=current_user())
            st.toast("The worker measures it. The range shows here when it is done.")
