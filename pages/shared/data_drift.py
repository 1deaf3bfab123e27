"""Whether the houses that are priced still resemble the rows models are fitted on: REST requests, and scored files."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.charts.lettering import counted
from core.domain.jobs import Job
from core.domain.scoring import ScoringRequest
from core.workflows.data_desk import RequestDrift
from core.workflows.data_view import DataView
from pages.shared.drift import drift_of
from pages.shared.frame import escape, lab

_DAYS: Final = (1, 7, 30)
_REQUESTS: Final = ""
_SHOWN: Final = "of"
"""In the address: the job id of a scored file; without it the REST requests."""


def drift(view: DataView) -> None:
    """What was priced beside the training rows; what is shown stands in the address."""
    files = {job.job_id: job for job in lab().scoring.newest() if job.scored is not None and job.scored.drift}
    wanted = st.query_params.get(_SHOWN, _REQUESTS)
    offered = list(dict.fromkeys([_REQUESTS, *files, *([wanted] if wanted in files else [])]))
    if wanted not in offered:
        st.caption("The file the address names is not among the last ones; here are the REST requests.")
        wanted = _REQUESTS
    shown = st.selectbox(
        "What was priced",
        offered,
        offered.index(wanted),
        format_func=lambda job_id: _name(files[job_id]) if job_id else "Houses priced over REST",
        help="The last scored files, and the houses the REST service was asked about.",
        key=f"drift_of_{wanted}",
    )
    if shown != wanted:
        if shown:
            st.query_params[_SHOWN] = shown
        else:
            st.query_params.pop(_SHOWN, None)
        st.rerun()
    if shown:
        _file(files[shown])
    else:
        _requests(view)


def _file(job: Job) -> None:
    report = job.scored
    if report is None:
        return
    st.caption(
        escape(
            f"{report.priced:,} priced rows of {_name(job)}, beside the rows version {report.version} was fitted "
            "on, as they were when it was scored."
        )
    )
    drift_of(report.drift, here="this file")


def _requests(view: DataView) -> None:
    days = st.segmented_control(
        "Days", _DAYS, default=7, required=True, key="days", bind="query-params", help="Counted by the day in UTC."
    )
    found = lab().data.requests(view, days or 7)
    _what_is_not_shown(found)
    if not found.rows:
        st.info(
            f"No house was priced over REST {_span(found.days)} by a version fitted on these rows. Start the service "
            "on the Models screen, or with `python -m core serve`; what it prices is counted here.",
            icon=":material/api:",
        )
        return
    by_day = ", ".join(f"{day:%d %B} {rows:,}" for day, rows in found.by_day)
    st.caption(
        escape(
            f"{counted(found.rows, 'house')} priced over REST {_span(found.days)} ({by_day}). Only counts are kept, no "
            "house; the newest are a few seconds late."
        )
    )
    drift_of(found.shifts, here="REST requests")


def _what_is_not_shown(found: RequestDrift) -> None:
    if found.others:
        st.caption(f"{found.others:,} more were priced by versions fitted on other rows, and are not set beside these.")
    if found.unreadable:
        st.warning(
            f"{len(found.unreadable):,} files of counts cannot be read and are left out: "
            f"{escape(', '.join(found.unreadable[:3]))}.",
            icon=":material/broken_image:",
        )


def _span(days: int) -> str:
    return "today" if days == 1 else f"in the last {days} days"


def _name(job: Job) -> str:
    name = job.request.file_name if isinstance(job.request, ScoringRequest) else job.job_id
    return f"{name}, {job.created:%d %B %Y %H:%M} UTC"
