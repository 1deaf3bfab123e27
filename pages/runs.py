"""Runs: every training of the store, in a table that sorts and filters ten thousand of them; and one run's own view."""

import streamlit as st

from core.charts.run_boxes import box_by_param
from core.charts.run_lines import parallel_coordinates
from core.charts.run_means import metric_by_param
from core.charts.run_scatter import scatter
from core.domain.errors import InvalidFilter
from core.domain.run_cells import ordered, titles_of
from core.domain.run_query import Column, ColumnKind, RunQuery
from core.workflows.browsing import RunPage
from pages.shared.empty import no_model_yet
from pages.shared.figures import chart, is_metric
from pages.shared.frame import errors, escape, lab, page, show_error
from pages.shared.run_acts import acts, come_back, picks
from pages.shared.run_columns import chosen_columns
from pages.shared.run_filters import filter_form, forget_form, wanted_query, write_query
from pages.shared.run_table import picked_runs, run_rows
from pages.shared.run_view import show_run

LOOK_SECONDS = 5.0
CHARTED_RUNS = 2_000


def all_runs() -> None:
    """The form, the acts, the table and its pages."""
    try:
        asked = wanted_query()
        query = filter_form(asked, lab().runs.columns())
        found = lab().runs.page(query)
    except InvalidFilter as error:
        show_error(error)
        show_all()
        return
    head(found)
    toolbar = st.container(horizontal=True, gap="small", vertical_alignment="center")
    picked = picked_runs()
    acts(toolbar, picked, query, found)
    columns = chosen_columns(found, toolbar)
    picks(picked, found)
    if found.runs:
        run_rows(found, columns)
    else:
        nothing_found(query)
    query = pages_of(found, query)
    write_query(query)
    if st.toggle(
        "Charts",
        help=f"Pictures of the runs that the filter leaves, up to {CHARTED_RUNS:,}.",
        key="charts",
        bind="query-params",
    ):
        charts(query, found)
    watch(query, found.generation)


def head(found: RunPage) -> None:
    """What stands in the way of seeing all runs."""
    if found.stale:
        st.warning(escape(found.stale), icon=":material/cloud_off:")
    if found.building:
        st.caption(f":material/hourglass_top: {escape(found.building)}")


def nothing_found(query: RunQuery) -> None:
    """Why the table is empty, and the way on."""
    if query.is_filtered:
        st.info("No run is like that.", icon=":material/filter_list:")
        show_all()
        return
    no_model_yet()


def show_all() -> None:
    """The way back to a table without a filter."""
    if st.button("Show all runs", icon=":material/filter_alt_off:"):
        forget_form()
        st.rerun()


def pages_of(found: RunPage, query: RunQuery) -> RunQuery:
    """The page buttons under the table."""
    if found.pages < 2:
        return query
    key = f"page_{found.page}_{found.pages}_{hash(query)}"
    number = st.pagination(found.pages, default=found.page, key=key)
    if number != found.page:
        write_query(query.at(number))
        st.rerun()
    return query


def charts(query: RunQuery, found: RunPage) -> None:
    """The runs of the filter in pictures, made when asked for."""
    runs = lab().runs.matching(query, most=CHARTED_RUNS)
    columns = ordered(found.columns)
    metrics = [column for column in columns if column.kind is ColumnKind.METRIC]
    params = [column for column in columns if column.kind is ColumnKind.PARAM]
    if not metrics or not params:
        st.caption("These runs have no metrics or no params to draw.")
        return
    start = Column(ColumnKind.ATTRIBUTE, "start_time")
    titles = titles_of([start, *params, *metrics])
    across, up, over = st.columns(3)
    x = across.selectbox(
        "Across", [start, *params, *metrics], format_func=titles.__getitem__, key="chart_x", bind="query-params"
    )
    y = up.selectbox("Upwards", [*metrics, *params], format_func=titles.__getitem__, key="chart_y", bind="query-params")
    param = over.selectbox("Param", params, format_func=titles.__getitem__, key="chart_param", bind="query-params")
    points, means, boxes, lines = st.tabs(
        ["Points", "Mean by param", "Boxes", "Lines"], on_change="rerun", key="picture", bind="query-params"
    )
    if points.open:
        with points:
            chart(scatter(runs, x, y), key="scatter")
    if means.open:
        with means:
            if is_metric(y):
                chart(metric_by_param(runs, param.key, y.key), key="means")
    if boxes.open:
        with boxes:
            if is_metric(y):
                chart(box_by_param(runs, param.key, y.key), key="boxes")
    if lines.open:
        with lines:
            chart(parallel_coordinates(runs, list(dict.fromkeys([*ordered(found.axes), y]))), key="lines")


@st.fragment(run_every=LOOK_SECONDS)
def watch(query: RunQuery, generation: object) -> None:
    """Draw the screen again when the store's answer to this query has changed."""
    with errors():
        if lab().runs.generation(query) != generation:
            st.rerun()


come_back()
wanted = st.query_params.get("run")
if wanted:
    show_run(wanted)
else:
    with page("Runs", "Every training in the store, scored on the held-out rows in 1990 dollars."):
        all_runs()
