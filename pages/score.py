"""Score: price a whole file of houses, watch it, and take the priced and the bad rows home."""

import streamlit as st

from core.domain.access import Deed
from core.domain.jobs import Job, JobState
from core.domain.money import MISSING, duration
from core.domain.scoring import ScoringRequest
from pages.shared.figures import tile
from pages.shared.frame import errors, escape, lab, page, tell_refusal
from pages.shared.score_form import score_form
from pages.shared.score_past import past_scorings
from pages.shared.score_result import result
from pages.shared.visitor import barred, visitor

LIVE_SECONDS = 0.5
LINK_WIDTH = 150
"""Said beforehand, so that it stands where it stays before the browser can draw it."""


def one_scoring(job_id: str) -> None:
    """The scoring the address names: how far it is, or what came of it."""
    # In one row: the link alone is lower than what stands in its place until the browser can draw it.
    head = st.container(horizontal=True, gap="small", vertical_alignment="bottom")
    title = head.container()
    head.page_link(
        "score.py", label="Score another file", icon=":material/arrow_back:", query_params={}, width=LINK_WIDTH
    )
    with errors():
        job = lab().scoring.get(job_id)
        title.subheader(escape(file_name(job)), anchor=False)
        if job.state.is_final:
            ending(job)
        else:
            live(job_id)


def file_name(job: Job) -> str:
    """What the file was called where it came from."""
    return job.request.file_name if isinstance(job.request, ScoringRequest) else job.job_id


@st.fragment(run_every=LIVE_SECONDS)
def live(job_id: str) -> None:
    """Redrawn twice a second from what the worker wrote, so any session sees the same."""
    with errors():
        job = lab().scoring.get(job_id)
        if job.state.is_final:
            st.rerun()
        progress = job.progress
        if job.state is JobState.QUEUED:
            st.progress(0.0, text=f"Number {job.queue_position or MISSING} in the queue")
        elif progress is None:
            st.progress(0.0, text="Starting")
        else:
            counted = f": {progress.done:,} of {progress.total:,} rows" if progress.total else ""
            said = f", {progress.said}" if progress.said else ""
            st.progress(progress.share, text=f"{progress.phase.capitalize()}{counted}{said}")
        left, right, _ = st.columns([1, 1, 2])
        tile(left, "Pricing for", duration(progress.elapsed if progress else None), width="stretch")
        tile(right, "Time left", duration(progress.remaining if progress else None), width="stretch")
        if st.button("Cancel", icon=":material/cancel:", **barred(Deed.SCORE)):
            lab().scoring.cancel(job_id, actor=visitor())
            st.rerun()


def ending(job: Job) -> None:
    """What a finished scoring left."""
    if job.state is JobState.CANCELLED:
        st.info("This scoring was cancelled. Nothing of it is kept.", icon=":material/cancel:")
    elif job.failure is not None:
        tell_refusal(f"The file was not priced. {job.failure.what}", job.failure.remedy, job.failure.where)
    elif job.scored is not None:
        result(job, job.scored)


with page(
    "Score",
    "Prices for a whole file of block groups, in 1990 dollars. Every row is priced or comes back with a reason.",
):
    wanted = st.query_params.get("job")
    if wanted:
        one_scoring(wanted)
    else:
        score_form()
        past_scorings()
