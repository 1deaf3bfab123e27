"""The one frame around every screen: title, errors, banner, and the strip of jobs in the sidebar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import streamlit as st

from core.domain.configuration import load_settings
from core.domain.errors import LabError
from core.domain.jobs import Job, JobState
from core.domain.money import MISSING
from core.domain.sweeps import SweepState
from core.workflows.lab import Lab

LIVE_SECONDS = 2.0
IDLE_SECONDS = 10.0
"""How often an idle screen looks for jobs. Not more often: a part that asks for its turn in the very moment in which a
whole run ends makes Streamlit drop what that run sent last, and an analyst would miss a price."""


@st.cache_resource(show_spinner=False)
def lab() -> Lab:
    """The lab of this server, shared by all sessions."""
    return Lab(load_settings())


@contextmanager
def page(title: str, explanation: str) -> Iterator[None]:
    """A screen: its title, one sentence, and the one place where errors are drawn."""
    st.title(title, anchor=False)
    st.caption(explanation)
    with errors():
        yield


@contextmanager
def errors() -> Iterator[None]:
    """Draw a refusal with what, where and the remedy; the rest of the screen goes on."""
    try:
        yield
    except LabError as error:
        show_error(error)


def show_error(error: LabError) -> None:
    """What is wrong, where, and what to do."""
    tell_refusal(error.what, error.remedy, error.where)


_PICTURE: Final = re.compile(r":(?=material/\w+:|streamlit:)")
_WORD_JOINER: Final = "\u2060"
"""Takes no room. Streamlit makes a picture of ``:material/home:`` wherever it stands, escaped or not."""


def tell_refusal(what: str, remedy: str, where: str = "") -> None:
    """The three parts of every error, as they are drawn everywhere."""
    st.error(escape(what), icon=":material/error:")
    st.markdown(f"**What to do:** {escape_prose(remedy)}")
    if where:
        st.caption(f"Where: {escape(where)}")


def escape(text: str) -> str:
    """Text as Markdown shows it letter by letter: dollars are no formula, brackets no link."""
    text = _PICTURE.sub(f":{_WORD_JOINER}", text)
    text = text.replace("−$", f"−{_WORD_JOINER}$")  # a browser would end a line between the two
    for sign in "\\`*_{}[]()#+-.!|$<>:~=&":
        text = text.replace(sign, f"\\{sign}")
    return text


def escape_prose(text: str) -> str:
    """The lab's own words as Markdown: what stands between backticks is code, the rest is shown as it is."""
    prose, *spans = text.split("`")
    return escape(prose) + "".join(f"`{span}`" if place % 2 == 0 else escape(span) for place, span in enumerate(spans))


def banner() -> None:
    """Say on every screen when the rows are invented."""
    with errors():
        if lab().data_is_demo():
            st.warning(
                "**Demo data.** The rows are invented, because the census file is not here and could not be "
                "downloaded. Scores and prices mean nothing outside this demonstration.",
                icon=":material/science:",
            )


@st.fragment(run_every=IDLE_SECONDS)
def job_strip(title: str = "") -> None:
    """Trainings and sweeps under way, under a title where there are any. Every screen's sidebar has it."""
    with errors():
        if lab().is_busy():
            _live_strip(title)


@st.fragment(run_every=LIVE_SECONDS)
def _live_strip(title: str) -> None:
    with errors():
        jobs, sweeps = lab().active_jobs(), lab().tuning.heads(under_way=True)
        files = lab().scoring.under_way()
        ranges = lab().ranges.under_way()
        if title and (jobs or sweeps or files or ranges):
            st.subheader(title, anchor=False)
        for job in jobs:
            _strip_line(job, "model_training")
        for job in files:
            _strip_line(job, "price_check")
        for job in ranges:
            _strip_line(job, "straighten")
        for sweep in sweeps:
            paused = ", paused" if sweep.state is SweepState.PAUSED else ""
            said = f"{sweep.ended:,} of {sweep.planned:,} trials{paused}"
            st.progress(sweep.share, text=f":material/tune: {escape(sweep.name)}: {said}")


def _strip_line(job: Job, icon: str) -> None:
    if job.state is JobState.QUEUED:
        place = job.queue_position or MISSING
        st.caption(f":material/hourglass_top: {escape(job.request.title)}: number {place} in the queue")
        return
    progress = job.progress
    st.progress(
        progress.share if progress else 0.0,
        text=f":material/{icon}: {escape(job.request.title)}: {progress.phase if progress else 'starting'}",
    )
