"""The pictures of Compare: where the runs differ, how params and metrics go together, and scores from several sides."""

from __future__ import annotations

import streamlit as st

from core.charts.comparison import settings_bars
from core.charts.comparison_rows import profile_dots, residuals_against, segment_bars
from core.charts.error_map import difference_map
from core.charts.run_boxes import box_by_param
from core.charts.run_lines import parallel_coordinates
from core.charts.run_means import metric_by_param
from core.charts.run_scatter import scatter
from core.domain.metrics import figure_text
from core.domain.money import MISSING, dollars
from core.domain.run_cells import titles_of
from core.domain.run_query import Column, ColumnKind
from core.workflows.comparison_views import Comparison
from core.workflows.spatial_words import WHY_APART, spatial_findings
from pages.shared.columns import columns_of
from pages.shared.figures import chart, is_metric
from pages.shared.frame import escape


def where_they_differ(compared: Comparison) -> None:
    """By region, by price, on the map, row by row."""
    if not compared.others:
        st.caption("No run has a difference to the baseline, so there is nothing to show here.")
        return
    labels = {one.run.run_id: one.label for one in compared.others}
    other = st.selectbox(
        "Beside the baseline", list(labels), format_func=labels.__getitem__, key="beside", bind="query-params"
    )
    if compared.where_missing:
        st.info(escape(compared.where_missing), icon=":material/location_off:")
    left, right = st.columns(2)
    with left:
        chart(segment_bars(compared, "price band"), key="bands")
    if not compared.where_missing:
        with right:
            chart(segment_bars(compared, "region"), key="regions")
    left, right = st.columns(2)
    with left:
        chart(residuals_against(compared, compared.baseline.run.run_id, other), key="residuals")
    if compared.cells is not None:
        with right:
            chart(difference_map(compared, other), key="cells")
    disagreements(compared)


def disagreements(compared: Comparison) -> None:
    """The ten held-out rows on which the estimates lie farthest apart."""
    if not compared.disagreements:
        return
    st.markdown("**The rows they disagree on most**")
    rows = [
        {
            "Row": f"{line.row_id:,}",
            "Recorded": dollars(line.actual),
            **{compared.labels[run_id]: dollars(price) for run_id, price in line.predicted.items()},
            "Apart": dollars(line.spread),
            **{name: MISSING if value is None else str(value) for name, value in line.house.items()},
        }
        for line in compared.disagreements
    ]
    st.dataframe(
        rows,
        column_config=columns_of(rows),
        hide_index=True,
        alt="The held-out rows on which the runs' estimates lie farthest apart",
    )


def over_all_runs(compared: Comparison) -> None:
    """Params and metrics of all compared runs, a fixed colour a run."""
    runs = [one.run for one in compared.runs]
    params = [Column(ColumnKind.PARAM, line.name) for line in compared.params]
    differing = [Column(ColumnKind.PARAM, line.name) for line in compared.params if line.differs]
    metrics = [Column(ColumnKind.METRIC, name) for name in compared.metrics]
    if not params or not metrics:
        st.caption("These runs have no params or no metrics to draw.")
        return
    titles = titles_of([*params, *metrics])
    across, up = st.columns(2)
    x = across.selectbox(
        "Across",
        [*differing, *(one for one in params if one not in differing), *metrics],
        format_func=titles.__getitem__,
        key="across",
        bind="query-params",
    )
    y = up.selectbox("Upwards", [*metrics, *params], format_func=titles.__getitem__, key="upwards", bind="query-params")
    left, right = st.columns(2)
    with left:
        chart(scatter(runs, x, y, labels=compared.labels), key="scatter")
    with right:
        if x.kind is ColumnKind.PARAM and is_metric(y):
            chart(metric_by_param(runs, x.key, y.key, compared.labels), key="means")
    left, right = st.columns(2)
    with left:
        chart(parallel_coordinates(runs, list(dict.fromkeys([*differing, y])), labels=compared.labels), key="lines")
    with right:
        if x.kind is ColumnKind.PARAM and y.kind is ColumnKind.METRIC:
            chart(box_by_param(runs, x.key, y.key, compared.labels), key="boxes")
    if len(compared.groups) > 1:
        chart(settings_bars(compared), key="settings")


def score_profile(compared: Comparison) -> None:
    """One run's scores from several sides: with and without the capped rows, on unseen areas, and the intervals."""
    chart(profile_dots(compared), key="profile")
    rows = [
        {
            "Run": compared.labels[one.run_id],
            "RMSE": dollars(one.rmse),
            "Without capped rows": dollars(one.without_capped),
            "Capped rows alone": dollars(one.capped_only),
            "Out-of-fold RMSE": figure_text("out_of_fold_rmse", one.out_of_fold_rmse),
            "Spatial RMSE": figure_text("spatial_rmse", one.spatial_rmse),
            "Coverage": figure_text("coverage", one.coverage),
        }
        for one in compared.profiles
    ]
    st.dataframe(
        rows,
        column_config=columns_of(rows),
        hide_index=True,
        alt="RMSE with and without capped rows, on unseen areas, and interval coverage",
    )
    st.caption(
        "Prices above $500,000 were recorded as $500,001, so the capped rows have no true price to be wrong about. "
        f"{WHY_APART}"
    )
    for sentence in spatial_findings(compared):
        st.caption(escape(sentence))
