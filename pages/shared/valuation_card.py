"""The price of a house as it is painted first: price, range, how often such ranges held, and what is doubtful."""

from __future__ import annotations

from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.charts.range_bar import HEIGHT, range_bar
from core.charts.valuation_report import coverage_sentence
from core.domain.access import Deed
from core.domain.jobs import JobState
from core.workflows.valuation import Valuation
from pages.shared.columns import help_of
from pages.shared.figures import TILE_HEIGHT, chart
from pages.shared.frame import errors, escape, lab
from pages.shared.visitor import barred, visitor

LOOK_SECONDS: Final = 2.0


def valuation_card(valuation: Valuation) -> DeltaGenerator:
    """Price and range, and beside them what an analyst has to say with them; and the place where its picture goes."""
    st.metric(
        "Estimated median value (1990 $)",
        valuation.text,
        help=help_of("Estimated median value (1990 $)"),
        height=TILE_HEIGHT,
    )
    picture = words = st.container()
    if valuation.range is None:
        _say_why_none(valuation)
    else:
        words.markdown(
            f"80 % range {escape(valuation.range.inner.text)}  \n90 % range **{escape(valuation.range.outer.text)}**"
        )
        # It comes last and would push down what is said under it.
        picture = words.container(height=HEIGHT, border=False)
        st.caption(escape(coverage_sentence(valuation.range)))
    if valuation.warnings:
        # One box: six of them would push the price off a phone.
        mark = "- " if len(valuation.warnings) > 1 else ""
        st.warning("\n".join(f"{mark}{escape(warning)}" for warning in valuation.warnings), icon=":material/info:")
    st.caption(escape(valuation.source.sentence))
    return picture


@st.fragment(parallel=True)
def range_picture(valuation: Valuation) -> None:
    """The range as a bar, apart from the figures: a browser that draws it with them paints the price later."""
    chart(range_bar(valuation.price, valuation.range), key="range")


def _say_why_none(valuation: Valuation) -> None:
    """A version whose errors nobody measured has a price and no range; it can be measured now."""
    version = valuation.source.version
    standing = lab().ranges.standing(version)
    if standing.is_under_way:
        _until_measured(version)
        return
    if standing.reason:  # a range that was measured and cannot be read stands among the warnings
        st.info(escape(standing.reason), icon=":material/straighten:")
    may = barred(Deed.MEASURE_RANGE)
    if st.button("Measure its range", icon=":material/straighten:", key="measure_range", **may):
        with errors():
            lab().assess(version, actor=visitor())
            st.rerun()


@st.fragment(run_every=LOOK_SECONDS)
def _until_measured(version: str) -> None:
    with errors():
        job = lab().ranges.standing(version).job
        if job is None or job.state.is_final:
            st.rerun()
        progress = job.progress if job.state is JobState.RUNNING else None
        st.progress(
            progress.share if progress else 0.0,
            text=f":material/straighten: Measuring its range: {progress.phase if progress else 'waiting for a worker'}",
        )
