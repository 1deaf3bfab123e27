"""One run: its scores, its pictures, what it is made of, its files, and what can be done with it."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Final, Literal

import streamlit as st

from core.charts.error_map import error_map
from core.charts.fit import fit_plot, residual_plot
from core.charts.importance import importance_bars
from core.charts.palette import family_colour
from core.charts.run_curves import step_curves
from core.domain.datasets import CONFIGURED
from core.domain.errors import NotFound
from core.domain.metrics import SCORE_NAMES, figure_text, metric_of
from core.domain.money import MISSING, duration, file_size
from core.domain.provenance import DATA_SHA256_TAG
from core.domain.run_cells import column_title, status_word
from core.domain.run_query import Column, ColumnKind
from core.domain.runs import RunStatus
from core.workflows.run_detail import RunDetail
from core.workflows.views import HeldOut, ScoreLine
from pages.shared.columns import columns_of
from pages.shared.fairness import fairness
from pages.shared.figures import chart, tiles
from pages.shared.frame import errors, escape, lab, page
from pages.shared.knobs import train_again

LOOK_SECONDS: Final = 3.0
_BADGES: Final[Mapping[RunStatus, Literal["green", "blue", "red"]]] = {
    RunStatus.FINISHED: "green",
    RunStatus.RUNNING: "blue",
    RunStatus.FAILED: "red",
}
_TABS: Final = (
    *("Fit", "Residuals", "Error map", "Importance", "Fairness"),
    *("Curves", "Params and metrics", "Lineage", "Files"),
)


def show_run(run_id: str) -> None:
    """The whole view of one run, under its own name."""
    if st.button("All runs", icon=":material/arrow_back:", type="tertiary"):
        del st.query_params["run"]
        st.rerun()
    with errors():
        detail = lab().runs.detail(run_id)
        run = detail.run
        started = f"Started {run.started:%d %B %Y %H:%M:%S} UTC, took {duration(run.seconds)}. `{run.run_id}`"
        with page(escape(run.name), started):
            _head(detail)
            _acts(detail)
            tiles([ScoreLine(name, run.metrics[name], None) for name in SCORE_NAMES if name in run.metrics])
            _pictures(detail)
            if run.status is RunStatus.RUNNING:
                _watch(detail)


@st.fragment(run_every=LOOK_SECONDS)
def _watch(seen: RunDetail) -> None:
    """Draw a run under way again when it has logged more, or has ended."""
    with errors():
        if lab().runs.detail(seen.run.run_id).run != seen.run:
            st.rerun()


def _head(detail: RunDetail) -> None:
    run = detail.run
    row = st.container(horizontal=True, gap="small")
    row.badge(status_word(run), color="gray" if run.deleted else _BADGES.get(run.status, "gray"))
    for alias in detail.aliases:
        row.badge(escape(alias), color="blue", icon=":material/workspace_premium:")
    if detail.version:
        row.badge(f"version {escape(detail.version.version)}", color="gray")
    if run.note:
        st.markdown(escape(run.note))
    if detail.failure:
        st.error(escape(detail.failure), icon=":material/error:")


def _acts(detail: RunDetail) -> None:
    run = detail.run
    row = st.container(horizontal=True, gap="small", vertical_alignment="center")
    if run.spec is not None and row.button("Train again", icon=":material/replay:", type="primary"):
        train_again(run.spec, run.tags.get(DATA_SHA256_TAG, CONFIGURED))
    beside = detail.champion
    if beside and row.button("Compare with the champion", icon=":material/compare_arrows:"):
        st.switch_page("compare.py", query_params={"runs": f"{beside.run_id},{run.run_id}"})
    if detail.parent and row.button("Open its parent", icon=":material/account_tree:"):
        st.query_params["run"] = detail.parent.run_id
        st.rerun()
    row.link_button("Open in MLflow", lab().runs.mlflow_link(run.run_id), icon=":material/open_in_new:")
    row.caption("MLflow's own page answers while `python -m core ui` runs.")


def _pictures(detail: RunDetail) -> None:
    fit, residuals, where, importance, fair, curves, values, lineage, files = st.tabs(
        _TABS, on_change="rerun", key="show", bind="query-params"
    )
    drawn = [tab for tab in (fit, residuals, where, importance) if tab.open]
    if drawn:
        with drawn[0], errors():
            held_out = _held_out(detail)
            if held_out is not None:
                _draw(detail, held_out, _TABS[(fit, residuals, where, importance).index(drawn[0])])
    if fair.open:
        with fair, errors():
            _fairness(detail)
    if curves.open:
        with curves:
            _curves(detail)
    if values.open:
        with values:
            _values(detail)
    if lineage.open:
        with lineage:
            _table(detail.lineage, "What", "Value")
    if files.open:
        with files:
            _files(detail)


def _held_out(detail: RunDetail) -> HeldOut | None:
    if detail.run.status is RunStatus.RUNNING:
        st.caption("This run is under way: its plots come when it has ended.")
        return None
    try:
        return lab().runs.held_out(detail.run.run_id)
    except NotFound:
        st.caption("This run logged no predictions of held-out rows, so it has no plots.")
        return None


def _draw(detail: RunDetail, held_out: HeldOut, picture: str) -> None:
    name, colour, ids = detail.run.name, family_colour(detail.run.family), held_out.row_ids
    match picture:
        case "Fit":
            chart(fit_plot(held_out.actual, held_out.predicted, name=name, row_ids=ids, colour=colour), key="fit")
        case "Residuals":
            chart(residual_plot(held_out.actual, held_out.predicted, name=name, row_ids=ids, colour=colour), key="rest")
        case "Error map":
            longitude, latitude = lab().comparing.places(detail.run, ids)
            chart(
                error_map(longitude, latitude, held_out.actual, held_out.predicted, name=name, row_ids=ids),
                key="error_map",
            )
        case _:
            chart(importance_bars(held_out.importance, colour=colour), key="importance")
            st.caption(f"Measured by {escape(held_out.importance_method)}.")


def _fairness(detail: RunDetail) -> None:
    run = detail.run
    if run.status is RunStatus.RUNNING:
        st.caption("This run is under way: its ratio study comes when it has ended.")
        return
    try:
        report = lab().comparing.ratios(run.run_id)
    except NotFound:
        st.caption("This run logged no predictions of held-out rows, so it has no ratio study.")
        return
    fairness(report, family_colour(run.family))


def _curves(detail: RunDetail) -> None:
    if not detail.curves:
        st.caption("This run logged no metric step by step.")
        return
    metric = st.selectbox(
        "Metric", list(detail.curves), format_func=lambda name: metric_of(name).label, key="curve", bind="query-params"
    )
    run = detail.run
    chart(step_curves({run.run_id: detail.curves[metric]}, metric, {run.run_id: run.name}), key="curves")


def _values(detail: RunDetail) -> None:
    left, middle, right = st.columns(3)
    with left:
        params = detail.run.params.items()
        _table([(column_title(Column(ColumnKind.PARAM, name)), text) for name, text in params], "Param", "Value")
    with middle:
        metrics = detail.run.metrics.items()
        _table([(metric_of(name).label, figure_text(name, value)) for name, value in metrics], "Metric", "Figure")
    with right:
        _table(sorted(detail.run.tags.items()), "Tag", "Value")


def _table(lines: Iterable[tuple[str, str]], first: str, second: str) -> None:
    rows = [{first: name, second: text or MISSING} for name, text in lines]
    if rows:
        st.dataframe(
            rows, column_config=columns_of(rows), hide_index=True, alt=f"{first} and {second.lower()} of this run"
        )
    else:
        st.caption(f"No {first.lower()} was logged.")


def _files(detail: RunDetail) -> None:
    if not detail.files:
        st.caption("This run logged no files.")
        return
    sizes = {file.path: file_size(file.size) for file in detail.files}
    chosen = st.selectbox("File", list(sizes), format_func=lambda path: f"{path}, {sizes[path]}", key="run_file")
    st.download_button(
        "Download",
        data=functools.partial(lab().runs.artifact, detail.run.run_id, chosen),
        file_name=PurePosixPath(chosen).name,
        mime="application/octet-stream",
        icon=":material/download:",
        on_click="ignore",
        key=f"download_{chosen}",
    )
