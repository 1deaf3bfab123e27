"""Home: what prices houses now, the newest runs, the trainings under way."""

import streamlit as st

from core.charts.history import rmse_history
from core.workflows.starter import STARTER
from core.workflows.views import Overview
from pages.shared.actor import actor
from pages.shared.figures import chart, run_table, score_tiles
from pages.shared.frame import escape, lab, page


def empty_store() -> None:
    """The first visit: one button leads on."""
    with st.container(border=True):
        st.subheader("Start here", anchor=False)
        st.markdown(
            f"No model is trained yet. A starter model ({STARTER.family.label}) takes a few seconds and gives "
            "you scores to look at and prices to ask for. Or choose everything yourself on **Train**."
        )
        if st.button("Train a starter model", type="primary", icon=":material/rocket_launch:"):
            job_id = lab().submit(STARTER, actor=actor())
            st.switch_page("train.py", query_params={"job": job_id})


def serving(overview: Overview) -> None:
    """The version a price comes from, with its scores."""
    card = overview.serving
    if card is None:
        return
    role = "Champion" if overview.is_champion else "Newest version"
    st.subheader(f"{role}: version {card.version.version}", anchor=False)
    st.caption(
        ("It prices every house. " if overview.is_champion else "No champion is promoted yet, so it prices houses. ")
        + (f"Run {escape(card.run.name)}, {card.run.started:%d %B %Y %H:%M} UTC." if card.run else "Its run is gone.")
    )
    score_tiles(card.scores)


with page("Home", "House-price models on 1990 census block groups of California. All money is 1990 US dollars."):
    found = lab().overview()
    if found.unreachable:
        st.warning(f"MLflow's records cannot be read: {escape(found.unreachable)}", icon=":material/cloud_off:")
    if found.is_empty:
        empty_store()
    serving(found)
    if found.serving is not None:
        buttons = st.columns(4)
        buttons[0].page_link("what_if.py", label="Value a house", icon=":material/real_estate_agent:")
        buttons[1].page_link("train.py", label="Train a model", icon=":material/model_training:")
    if found.runs:
        st.subheader("Latest runs", anchor=False)
        run_table(found.runs)
        chart(rmse_history(found.runs, found.serving.version.run_id if found.serving else None), key="history")
