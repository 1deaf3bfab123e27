"""Train: choose a model and its hyperparameters, watch it grow, see its scores beside the champion's."""

import streamlit as st

from core.charts.fit import fit_plot, residual_plot
from core.charts.importance import importance_bars
from core.charts.learning import learning_curve
from core.charts.palette import family_colour
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import Job, JobState
from core.domain.money import MISSING, dollars, duration
from core.workflows.views import TrainingResult
from pages.shared.actor import actor
from pages.shared.figures import chart, tiles
from pages.shared.frame import errors, escape, lab, page
from pages.shared.knobs import family_choice, sliders

LIVE_SECONDS = 0.5


def controls() -> None:
    """The knobs, what they will take, and the button."""
    settings = lab().settings
    spec = sliders(settings, family_choice(settings))
    run_name = st.text_input("Run name", placeholder=spec.default_run_name, max_chars=200, key="run_name")
    expectation_line(spec)
    if st.button("Train", type="primary", icon=":material/model_training:", width="stretch"):
        st.query_params["job"] = lab().submit(spec, actor=actor(), run_name=run_name)


def expectation_line(spec: TrainingSpec) -> None:
    """How long it should take, from past runs."""
    expected = lab().expected_duration(spec)
    if expected is None:
        st.caption(
            ":material/timer: No run of this family has finished yet: the first one will tell how long it takes."
        )
        return
    past = "the nearest past run" if expected.runs == 1 else f"the {expected.runs} nearest past runs"
    st.caption(f":material/timer: About {duration(expected.seconds)} to fit, judged by {past}.")


def wanted_job() -> Job | None:
    """The job the address names, else what is under way, else the newest."""
    job_id = st.query_params.get("job")
    return lab().job(job_id) if job_id else lab().latest_job()


@st.fragment(run_every=LIVE_SECONDS)
def live(job_id: str) -> None:
    """Redrawn twice a second from what the worker wrote, so any session sees the same."""
    with errors():
        job = lab().job(job_id)
        if job.state.is_final:
            st.rerun()
        show_progress(job)


def show_progress(job: Job) -> None:
    """The bar, the figures and the curve of a training under way."""
    progress = job.progress
    if job.state is JobState.QUEUED:
        st.progress(0.0, text=f"Number {job.queue_position or MISSING} in the queue")
    elif progress is None:
        st.progress(0.0, text="Starting")
    else:
        counted = f": {progress.done:,} of {progress.total:,} {progress.unit}" if progress.total else ""
        st.progress(progress.share, text=f"{progress.phase.capitalize()}{counted}")
    left, middle, right = st.columns(3)
    left.metric("Elapsed", duration(progress.elapsed if progress else None))
    middle.metric("Time left", duration(progress.remaining if progress else None))
    right.metric(
        "RMSE so far",
        dollars(progress.last_score if progress else None),
        help="On the held-out rows, which are only watched: nothing stops or chooses on it.",
    )
    if progress is not None and progress.curve:
        draw_curve(job, key="live_curve")
    if st.button("Cancel", icon=":material/cancel:"):
        lab().cancel(job.job_id)
        st.rerun()


def draw_curve(job: Job, key: str) -> None:
    """RMSE on the held-out rows as the model grew, with the reference's as a line."""
    progress = job.progress
    if progress is None:
        return
    reference = lab().reference()
    scores = reference.scores if reference and reference.version.run_id != job.run_id else None
    chart(
        learning_curve(
            progress.curve,
            unit=progress.unit,
            total=progress.total,
            reference=scores.rmse if scores else None,
            reference_name=reference.version.label if reference else "",
            colour=family_colour(job.request.spec.family),
        ),
        key=key,
    )


def show_ending(job: Job) -> None:
    """What a finished training left."""
    if job.state is JobState.CANCELLED:
        st.info("This training was cancelled. Nothing of it is registered.", icon=":material/cancel:")
        return
    if job.state is JobState.FAILED:
        st.error(f"This training failed. {escape(job.failure)}", icon=":material/error:")
        return
    for note in job.outcome.notes if job.outcome else ():
        st.warning(escape(note), icon=":material/cloud_off:")
    result = lab().result(job)
    if result is not None:
        show_result(result)


def show_result(result: TrainingResult) -> None:
    """Scores beside the reference's, then the plots."""
    version = result.job.outcome.version if result.job.outcome else None
    st.success(f"Registered as version {version} of the price model.", icon=":material/check_circle:")
    tiles(result.lines)
    if result.reference is None:
        st.caption("The first version: there is nothing to compare it with yet.")
    else:
        st.caption(escape(result.not_compared) or f"Differences are to {result.reference.version.label}.")
    missed = [name for name, reached in result.threshold_checks if not reached]
    if missed:
        st.warning(f"Below the thresholds of config.yaml: {', '.join(missed)}.", icon=":material/rule:")
    colour = family_colour(result.run.family)
    fit, residuals, importance, growth = st.tabs(["Fit", "Residuals", "Importance", "Learning curve"])
    with fit:
        chart(
            fit_plot(result.actual, result.predicted, name=result.run.name, row_ids=result.row_ids, colour=colour),
            key="fit",
        )
    with residuals:
        chart(
            residual_plot(result.actual, result.predicted, name=result.run.name, row_ids=result.row_ids, colour=colour),
            key="residuals",
        )
    with importance:
        chart(importance_bars(result.importance, colour=colour), key="importance")
        st.caption(f"Measured by {result.importance_method}.")
    with growth:
        draw_curve(result.job, key="curve")
    st.page_link("what_if.py", label="Value a house with it", icon=":material/real_estate_agent:")


with page(
    "Train",
    "Fitted on 80 % of the block groups, scored on the 20 % held out, in 1990 dollars.",
):
    left, right = st.columns([1, 2], gap="large")
    with left, errors():
        controls()
    with right, errors():
        job = wanted_job()
        if job is None:
            st.info("Nothing was trained yet. Choose on the left and press **Train**.", icon=":material/arrow_back:")
        else:
            st.subheader(escape(job.request.run_name), anchor=False)
            if job.state.is_final:
                show_ending(job)
            else:
                live(job.job_id)
