"""Home: what prices houses now, the newest runs, the first step on an empty store."""

import streamlit as st

from core.charts.history import rmse_history
from core.domain.access import Deed
from core.domain.datasets import CONFIGURED
from core.domain.provenance import DATA_NAME_TAG, DATA_SHA256_TAG
from core.domain.runs import Run
from core.workflows.starter import STARTER
from core.workflows.views import Overview
from pages.shared.columns import help_of
from pages.shared.figures import chart, run_table, score_tiles
from pages.shared.frame import escape, job_strip, lab, page
from pages.shared.knobs import train_again
from pages.shared.tour import tour
from pages.shared.visitor import barred, visitor


def empty_store() -> None:
    """The first visit: one button leads on."""
    with st.container(border=True):
        st.subheader("Start here", anchor=False)
        st.markdown(
            f"No model has been trained yet. A starter model ({STARTER.family.label}) takes a few seconds and gives "
            "you scores to look at and prices to ask for."
        )
        may = barred(Deed.TRAIN)
        if st.button("Train a starter model", type="primary", icon=":material/rocket_launch:", **may):
            job_id = lab().submit(STARTER, actor=visitor())
            st.switch_page("train.py", query_params={"job": job_id})
        st.page_link("train.py", label="Choose everything yourself", icon=":material/tune:")


def serving(overview: Overview) -> None:
    """The version a price comes from, with its scores, and the two ways on."""
    card = overview.serving
    if card is None:
        return
    word = "Champion" if overview.is_champion else "In use"
    st.subheader(f"{word}: version {card.version}", anchor=False, help=help_of(word))
    ground = (
        "It prices every house."
        if overview.is_champion
        else "It is the newest of the local registry."
        if overview.unreachable
        else "No champion is promoted yet, so the newest sets the prices, even where an older one scores better."
    )
    run = f" Run {escape(card.run_name)}," if card.run_name else ""
    trained = f" {card.started:%d %B %Y %H:%M} UTC." if card.started else " Its run is gone."
    name = card.tags.get(DATA_NAME_TAG)
    on = f" Trained on the dataset {escape(name)}." if name else ""
    st.caption(ground + run + trained + on)
    score_tiles(card.scores)
    ways = st.container(horizontal=True)
    if ways.button("Value a house", type="primary", icon=":material/real_estate_agent:"):
        st.switch_page("what_if.py")
    if ways.button("Train a model", icon=":material/model_training:"):
        st.switch_page("train.py")


def offer_again(run: Run | None) -> None:
    """Open Train with the settings of the chosen run."""
    spec = run.spec if run else None
    if run is None:
        st.caption("Choose a run to train it again.")
    elif spec is None:
        st.caption(f"The settings of {escape(run.name)} are not the lab's, so it cannot be trained again here.")
    elif st.button("Train again", icon=":material/replay:"):
        train_again(spec, run.tags.get(DATA_SHA256_TAG, CONFIGURED))


def records(overview: Overview) -> None:
    """Why there are no runs to show, where that is so."""
    if overview.mlflow_is_off:
        st.info("MLflow is switched off, so runs are recorded in the local registry only.", icon=":material/cloud_off:")
    elif overview.unreachable:
        st.warning(f"MLflow's records cannot be read. {escape(overview.unreachable)}", icon=":material/cloud_off:")


with page(
    "Housing Price Lab", "House-price models on 1990 census block groups of California. All money is 1990 US dollars."
):
    tour()
    found = lab().overview()
    records(found)
    if found.is_empty:
        empty_store()
    serving(found)
    job_strip("Under way")
    if found.runs:
        st.subheader("Latest runs", anchor=False, help=help_of("Latest runs"))
        offer_again(run_table(found.runs, key="latest_runs"))
        champion = found.serving.run_id if found.serving and found.is_champion else None
        st.page_link("runs.py", label="All runs", icon=":material/table_rows:")
        chart(rmse_history(found.runs, champion), key="history")
