"""Compare: two to twenty runs beside a baseline, and whether a difference between them is real."""

from datetime import UTC, datetime
from functools import partial

import streamlit as st

from core.charts.comparison import difference_bars
from core.charts.report import comparison_report
from core.domain.run_query import RunQuery
from core.workflows.comparison import FEWEST_RUNS, MOST_RUNS
from core.workflows.comparison_views import Comparison
from core.workflows.comparison_words import answer
from core.workflows.run_labels import unique_labels
from pages.shared.columns import help_of
from pages.shared.comparison_pictures import over_all_runs, score_profile, where_they_differ
from pages.shared.comparison_tables import metric_table, param_table, settings_table
from pages.shared.empty import no_model_yet
from pages.shared.figures import chart
from pages.shared.frame import escape, lab, page

_ADDRESS = "runs"
OFFERED = 250
WAY_WIDTH = 170
"""Two beside each other on a phone, and said beforehand: nothing changes its line once the browser can draw it."""


def wanted_runs() -> tuple[str, ...]:
    """The runs the address names, the baseline first."""
    return tuple(dict.fromkeys(part.strip() for part in st.query_params.get(_ADDRESS, "").split(",") if part.strip()))


def take(run_ids: tuple[str, ...]) -> None:
    """Compare these, the first of them the baseline."""
    st.query_params[_ADDRESS] = ",".join(run_ids)
    st.rerun()


def choose(run_ids: tuple[str, ...]) -> None:
    """The first runs of a comparison, where the address names too few."""
    newest = {run.run_id: run for run in lab().runs.matching(RunQuery(), most=OFFERED)}
    if len(newest) < FEWEST_RUNS:
        no_model_yet("Two trained models are needed before there is something to compare.")
        return
    st.info("Choose two runs or more. The first one is the baseline.", icon=":material/compare_arrows:")
    labels = unique_labels(list(newest.values()))
    chosen = st.multiselect(
        "Runs",
        list(newest),
        default=[run_id for run_id in run_ids if run_id in newest],
        format_func=lambda run_id: f"{labels[run_id]}, {newest[run_id].started:%d %B %Y %H:%M} UTC",
        max_selections=MOST_RUNS,
    )
    if st.button("Compare", type="primary", icon=":material/compare_arrows:", disabled=len(chosen) < FEWEST_RUNS):
        take(tuple(chosen))
    st.page_link("runs.py", label="Pick them in the table of all runs", icon=":material/table_rows:")


def controls(compared: Comparison) -> None:
    """Another baseline, and the comparison to take away."""
    row = st.container(horizontal=True, gap="small", vertical_alignment="bottom")
    ids = tuple(one.run.run_id for one in compared.runs)
    baseline = row.selectbox(
        "Baseline",
        ids,
        format_func=lambda run_id: compared.labels[run_id],
        help=help_of("Baseline"),
        width=320,
        key=f"baseline_{hash(ids)}",
    )
    if baseline != ids[0]:
        take((baseline, *(run_id for run_id in ids if run_id != baseline)))
    made = datetime.now(UTC)
    row.download_button(
        "Save as report",
        data=partial(_report, compared, made),
        file_name=f"comparison-{made:%Y%m%d-%H%M}.html",
        mime="text/html",
        icon=":material/download:",
        width=WAY_WIDTH,
        on_click="ignore",
    )
    row.page_link(
        "runs.py",
        label="Pick other runs",
        icon=":material/table_rows:",
        query_params={"picked": ",".join(ids)},
        width=WAY_WIDTH,
    )


def verdicts(compared: Comparison) -> None:
    """The answer in words, and what has none."""
    said = answer(compared)
    if said:
        st.info("  \n".join(escape(sentence) for sentence in said), icon=":material/balance:")
    for one in compared.runs:
        if one.not_compared:
            st.warning(escape(one.not_compared), icon=":material/block:")


def show(compared: Comparison) -> None:
    """The answer, the figures behind it, and where the runs differ."""
    verdicts(compared)
    controls(compared)
    if len(compared.comparable) > 1:
        chart(difference_bars(compared, "rmse"), key="differences")
    metric_table(compared)
    st.subheader("Settings", anchor=False, help=help_of("Settings"))
    param_table(compared)
    settings_table(compared)
    names = ["Where they differ", "Over all runs", "Score profile"]
    where, over, profile = st.tabs(names, on_change="rerun", key="part", bind="query-params")
    if where.open:
        with where:
            where_they_differ(compared)
    if over.open:
        with over:
            over_all_runs(compared)
    if profile.open:
        with profile:
            score_profile(compared)


def _report(compared: Comparison, made: datetime) -> str:
    return comparison_report(compared, made=made)


with page(
    "Compare", "The same held-out rows for every run, in 1990 dollars. A difference comes with its 95 % interval."
):
    named = wanted_runs()
    if len(named) < FEWEST_RUNS:
        choose(named)
    else:
        with st.spinner("Comparing them on the same held-out rows"):
            compared = lab().comparing.compare(named)
        show(compared)
