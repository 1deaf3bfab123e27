"""What came of pricing a file: figures, downloads, the spread of prices, the bad rows, the drift."""

from __future__ import annotations

import functools
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.charts.scoring import price_distribution
from core.domain.jobs import Job
from core.domain.money import MISSING, dollars, duration, file_size, percent
from core.domain.scoring import ScoredFile, ScoringReport
from core.workflows.scoring_desk import ScoredResult
from pages.shared.columns import columns_of
from pages.shared.drift import drift_of
from pages.shared.figures import chart, tile
from pages.shared.frame import escape, lab

_DOWNLOAD_WIDTH: Final = 280
"""Enough for every label: how many stand in a row is settled before the browser has drawn them."""

_LABELS: Final = {
    ScoredFile.CSV: "Priced rows, CSV",
    ScoredFile.PARQUET: "Priced rows, Parquet",
    ScoredFile.REJECTED: "Rejected rows, CSV",
}
_MIME: Final = {
    ScoredFile.CSV: "text/csv",
    ScoredFile.PARQUET: "application/vnd.apache.parquet",
    ScoredFile.REJECTED: "text/csv",
}

_FIGURE: Final = st.column_config.TextColumn(alignment="right", width=72)
"""As wide as a million: on a phone the longest warning stands beside two of them."""


def result(job: Job, report: ScoringReport) -> None:
    """Everything about a file that was priced."""
    took = f"in {duration(report.seconds)}" if report.seconds >= 1 else "in under a second"
    st.caption(escape(f"{report.source} {report.rows:,} rows {took}."))
    _tiles(report)
    if not report.priced:
        st.warning(
            "No row could be priced. The reasons below say why; perhaps a column is in another unit.",
            icon=":material/rule:",
        )
    _downloads(job, report)
    for note in report.notes:
        st.caption(f":material/info: {escape(note)}")
    prices, rejected, drift = st.tabs(
        ["Prices", "Rejected rows", "Drift"], key="part", on_change="rerun", bind="query-params"
    )
    if prices.open:
        with prices:
            _prices(report)
    if rejected.open:
        with rejected:
            _rejected(report)
    if drift.open:
        with drift:
            _drift(report)


def _tiles(report: ScoringReport) -> None:
    row = st.container(horizontal=True, gap="small")
    share = report.warned_share
    for label, figure in {
        "Priced": f"{report.priced:,}",
        "Rejected": f"{report.rejected:,}",
        "Median price": dollars(report.median_price),
        "Mean price": dollars(report.mean_price),
        "With a warning": MISSING if share is None else percent(100 * share),
    }.items():
        tile(row, label, figure)


def _downloads(job: Job, report: ScoringReport) -> None:
    results = [one for one in lab().scoring.results(job) if one.kind is not ScoredFile.REJECTED or report.rejected]
    if all(one.size is None for one in results):
        days = lab().settings.scoring.keep_days
        st.info(f"The files are gone: they are kept for {days:g} days.", icon=":material/folder_off:")
        return
    row = st.container(horizontal=True, gap="small")
    for one in results:
        _download(row, job.job_id, one)
    if any(one.is_too_large for one in results):
        most = lab().settings.scoring.max_download_megabytes
        st.caption(escape(f"Files over {most:,} MB are not sent to a browser; they lie in {_place(job)}."))


def _download(row: DeltaGenerator, job_id: str, one: ScoredResult) -> None:
    row.download_button(
        f"{_LABELS[one.kind]} ({file_size(one.size)})",
        # Read when it is pressed, and only then.
        data=functools.partial(lab().scoring.read, job_id, one.kind),
        file_name=one.name,
        mime=_MIME[one.kind],
        icon=":material/download:",
        type="primary" if one.kind is ScoredFile.CSV else "secondary",
        width=_DOWNLOAD_WIDTH,
        on_click="ignore",
        disabled=one.size is None or one.is_too_large,
        key=f"download_{one.kind}",
    )


def _place(job: Job) -> str:
    return lab().scoring.place(job.job_id)


def _prices(report: ScoringReport) -> None:
    chart(price_distribution(report.bars, median=report.median_price), key="prices")
    if report.warnings:
        st.markdown("**Warnings**")
        warned = [
            {
                "Rows": f"{one.rows:,}",
                "Share": percent(100 * one.rows / report.priced),
                "Warning": one.what.replace("_", " "),
            }
            for one in report.warnings
        ]
        st.dataframe(
            warned,
            column_config={**columns_of(warned), "Rows": _FIGURE, "Share": _FIGURE},
            hide_index=True,
            alt="The kinds of warnings with the rows that have them",
        )


def _rejected(report: ScoringReport) -> None:
    if not report.rejected:
        st.markdown("Every row was priced.")
        return
    st.dataframe(
        [{"Rows": f"{one.rows:,}", "Reason": one.what} for one in report.reasons],
        column_config={"Rows": _FIGURE},
        hide_index=True,
        alt="The reasons with the rows that have them",
    )
    shown = len(report.first_rejected)
    more = "" if shown == report.rejected else f" The first {shown:,} are shown, all are in the file."
    st.caption(f"Rows are numbered as in a spreadsheet, the header being row 1 of a CSV file.{more}")
    st.dataframe(
        [{"Row": f"{one.row:,}", "Why": one.reason} for one in report.first_rejected],
        column_config={"Row": _FIGURE},
        hide_index=True,
        alt="The first rows that were not priced, with the reasons",
    )


def _drift(report: ScoringReport) -> None:
    if not report.drift:
        st.markdown("The file was not compared with the training rows.")
        return
    drift_of(report.drift, here="this file")
