"""The scorings so far: which file, when, by which version, and what came of it."""

from __future__ import annotations

from typing import Final

import streamlit as st

from core.domain.jobs import Job, JobState
from core.domain.money import MISSING, dollars
from core.domain.scoring import ScoringRequest
from pages.shared.columns import columns_of
from pages.shared.frame import errors, lab

_STATES: Final = {
    JobState.QUEUED: "waiting",
    JobState.RUNNING: "under way",
    JobState.SUCCEEDED: "done",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
}


def past_scorings() -> None:
    """The newest first; a chosen one is opened."""
    with errors():
        jobs = lab().scoring.newest()
        if not jobs:
            return
        days = lab().settings.scoring.keep_days
        st.subheader("Files so far", anchor=False)
        rows = [_row(job) for job in jobs]
        table = st.dataframe(
            rows,
            column_config={**columns_of(rows), "Sent": st.column_config.DatetimeColumn(format="distance")},
            hide_index=True,
            alt="The files priced so far, newest first",
            key="scorings",
            on_select="rerun",
            selection_mode="single-row",
        )
        st.caption(f"Choose one to open it. Files are kept for {days:g} days, the figures stay.")
        chosen = table.selection.rows
        if chosen and chosen[0] < len(jobs):
            st.query_params["job"] = jobs[chosen[0]].job_id
            st.rerun()


def _row(job: Job) -> dict[str, object]:
    report = job.scored
    request = job.request
    return {
        "File": request.file_name if isinstance(request, ScoringRequest) else job.job_id,
        "State": _STATES[job.state],
        "Version": request.version if isinstance(request, ScoringRequest) else MISSING,
        "Rows": f"{report.rows:,}" if report else MISSING,
        "Rejected": f"{report.rejected:,}" if report else MISSING,
        "Median price": dollars(report.median_price if report else None),
        "Sent": job.created,
        "By": request.actor,
    }
