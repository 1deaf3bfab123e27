"""Data: where the rows come from, what they mean, how good they are, and where they lie."""

from collections.abc import Callable

import streamlit as st

from core.domain.errors import DataUnavailable
from core.domain.money import MISSING
from core.workflows.data_view import DataView
from pages.shared.data_choice import data_choice, name_in_address
from pages.shared.data_columns import columns, correlations, distributions
from pages.shared.data_drift import drift
from pages.shared.data_map import maps
from pages.shared.data_own import own_data
from pages.shared.data_quality import quality
from pages.shared.figures import tile
from pages.shared.frame import escape, escape_prose, lab, page

PARTS = ("Source", "Columns", "Quality", "Distributions", "Correlations", "Map", "Drift", "Your data")


def tiles(view: DataView) -> None:
    """How many rows there are, and what becomes of them."""
    held_out = int(view.is_held_out.sum())
    rows = len(view.dataset.rows)
    row = st.container(horizontal=True, gap="small")
    tile(row, "Rows", f"{rows:,}", help="One for each block group: a few hundred households.")
    tile(row, "To fit on", f"{rows - held_out:,}", help="Models are fitted on these alone.")
    tile(row, "Held out", f"{held_out:,}", help="Rows no model ever sees; they only score it.")
    tile(row, "SHA-256", view.dataset.sha256[:8], help="Equal digests mean the very same rows.")


def nothing_yet(error: DataUnavailable, chosen: str) -> None:
    """Before the first training: what to do, and the way to bring data of one's own."""
    st.info(f"{escape(error.what)} {escape_prose(error.remedy)}", icon=":material/dataset:")
    st.caption(f"Where: {escape(error.where)}")
    st.page_link("train.py", label="Train a model", icon=":material/model_training:")
    st.subheader("Bring your own", anchor=False)
    own_data(chosen)


def source(view: DataView) -> None:
    """Where the rows come from, and under what licence."""
    for fact in view.facts:
        left, right = st.columns([1, 4])
        left.markdown(f"**{escape(fact.label)}**")
        if fact.is_code:
            right.code(fact.text or MISSING, language=None, wrap_lines=True)
        else:
            right.text(fact.text)  # as text: an address in it stays one to read, not a way out
    st.page_link(
        "train.py",
        label="Train a model on them",
        icon=":material/model_training:",
        query_params=name_in_address(view.dataset.sha256),
    )


def show(view: DataView, chosen: str) -> None:
    """Everything about one data file.

    Args:
        chosen: the dataset's digest; empty for the configured file.
    """
    if view.dataset.is_demo:
        st.info("These are demo data: every figure below is of invented rows.", icon=":material/science:")
    tiles(view)
    drawn: tuple[Callable[[DataView], None], ...] = (
        source,
        columns,
        quality,
        distributions,
        correlations,
        maps,
        drift,
        lambda _: own_data(chosen),
    )
    for tab, draw in zip(st.tabs(PARTS, key="part", on_change="rerun", bind="query-params"), drawn, strict=True):
        if tab.open:
            with tab:
                draw(view)


with page("Data", "The rows models are fitted on and scored on: whose they are, what they hold, where they lie."):
    wanted = data_choice()
    try:
        found = lab().data.view(wanted)
    except DataUnavailable as error:
        nothing_yet(error, wanted)
    else:
        show(found, wanted)
