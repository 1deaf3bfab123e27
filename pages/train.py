"""Train: choose a model and its hyperparameters, watch it grow, see its scores beside the champion's."""

import streamlit as st

from core.charts.fit import fit_plot, residual_plot
from core.charts.importance import importance_bars
from core.charts.learning import learning_curve
from core.charts.palette import family_colour
from core.domain.access import Deed
from core.domain.datasets import CONFIGURED
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import LONGEST_RUN_NAME, Job, JobState, TrainingRequest
from core.domain.money import MISSING, dollars, duration, memory
from core.workflows.spatial import BLOCKS
from core.workflows.views import HeldOut, TrainingResult, VersionCard
from pages.shared.data_choice import data_choice
from pages.shared.empty import newest_instead
from pages.shared.figures import chart, metric_tiles, tile, tiles
from pages.shared.frame import errors, escape, lab, page, tell_refusal
from pages.shared.knobs import family_choice, feature_choice, preset_choice, sliders, take_over, train_again
from pages.shared.spatial import spatial_score
from pages.shared.visitor import barred, visitor

LIVE_SECONDS = 0.5
MEASURING_SECONDS = 2.0
"""Measuring takes minutes, and each look at it may cross what somebody does in the form meanwhile."""

LINK_WIDTH = 220
"""Said beforehand, so that its row has as many lines before the browser can draw it as afterwards."""
MEASURING = "Measuring how wide its ranges must be"
SCORING = "Scoring its settings where they know no neighbours"
RANGE_METRICS = ("coverage", "interval_width")


@st.fragment
def controls() -> None:
    """The knobs, what they will take, and the button. Apart, so that a slider does not redraw the scores."""
    with errors():
        settings = lab().settings
        take_over()
        presets = st.container()
        family, features = family_choice(settings), feature_choice()
        data = data_choice()
        # Above the sliders: a family with many of them would push the button off the screen.
        start = st.container()
        spec = sliders(settings, family, features)
        with presets:
            preset_choice(spec)
        run_name = st.text_input(
            "Run name", placeholder=spec.default_run_name, max_chars=LONGEST_RUN_NAME, key="run_name"
        )
        is_wanted = start.button(
            "Train", type="primary", icon=":material/model_training:", width="stretch", **barred(Deed.TRAIN)
        )
        with start:
            expectation_line(spec, data)
        if is_wanted:
            st.query_params["job"] = lab().submit(spec, actor=visitor(), run_name=run_name, data_sha256=data)
            st.toast("On the queue. Progress is shown at the top.", icon=":material/model_training:")
            st.rerun()


def expectation_line(spec: TrainingSpec, data: str) -> None:
    """How long it should take and what it will need, from past runs on the same rows."""
    expected = lab().expectation(spec, data)
    most = (
        f" The model takes at most {memory(expected.most_megabytes)}." if expected and expected.most_megabytes else ""
    )
    if expected is None or expected.seconds is None:
        first = "No run of this family with these features has finished yet: the first one will tell how long it takes."
        st.caption(f":material/timer: {first}{most}")
        return
    needed = f" and {memory(expected.megabytes)}" if expected.megabytes is not None else ""
    past = "the nearest past run" if expected.runs == 1 else f"the {expected.runs} nearest past runs"
    st.caption(f":material/timer: About {duration(expected.seconds)}{needed}, judged by {past}.{most}")


def wanted_job() -> Job | None:
    """The job the address names, else what is under way, else the newest."""
    job_id = st.query_params.get("job")
    return lab().training(job_id) if job_id else lab().latest_job()


@st.fragment(run_every=LIVE_SECONDS)
def live(job_id: str, reference: VersionCard | None) -> None:
    """Redrawn twice a second from what the worker wrote, so any session sees the same."""
    with errors():
        job = lab().job(job_id)
        if job.state.is_final:
            st.rerun()
        show_progress(job, reference)


def show_progress(job: Job, reference: VersionCard | None) -> None:
    """The bar, the figures and the curve of a training under way."""
    progress = job.progress
    if job.state is JobState.QUEUED:
        st.progress(0.0, text=f"Number {job.queue_position or MISSING} in the queue")
    elif progress is None:
        st.progress(0.0, text="Starting")
    else:
        counted = f": {progress.done:,} of {progress.total:,} {progress.unit}" if progress.total else ""
        said = f", {progress.said}" if progress.said else ""
        st.progress(progress.share, text=f"{progress.phase.capitalize()}{counted}{said}")
    left, middle, right = st.columns(3)
    tile(left, "Fitting for", duration(progress.elapsed if progress else None), width="stretch")
    tile(middle, "Time left", duration(progress.remaining if progress else None), width="stretch")
    tile(right, "RMSE so far", dollars(progress.last_score if progress else None), width="stretch")
    if st.button("Cancel", icon=":material/cancel:", **barred(Deed.CANCEL_JOB)):
        lab().cancel(job.job_id, actor=visitor())
        st.rerun()
    draw_curve(job, reference, key="live_curve")
    if progress is not None and progress.log:
        st.caption("What happened last")
        st.code("\n".join(progress.log), language=None, wrap_lines=True)


def draw_curve(job: Job, reference: VersionCard | None, key: str) -> None:
    """RMSE on the held-out rows as the model grew, with the reference's as a line."""
    progress = job.progress
    if progress is None or not progress.curve:
        return
    chart(
        learning_curve(
            progress.curve,
            unit=progress.unit,
            total=progress.total,
            reference=reference.scores.rmse if reference and reference.scores else None,
            reference_name=reference.title if reference else "",
            colour=family_colour(job.spec.family),
        ),
        key=key,
    )


def show_ending(job: Job) -> None:
    """What a finished training left."""
    if job.state is JobState.CANCELLED:
        st.info("This training was cancelled. Nothing of it is registered.", icon=":material/cancel:")
    elif job.failure is not None:
        tell_refusal(f"This training failed. {job.failure.what}", job.failure.remedy, job.failure.where)
    elif job.outcome is not None:
        show_result(job, lab().result(job.outcome))


def show_result(job: Job, result: TrainingResult) -> None:
    """Scores beside the reference's, then the plots."""
    st.info(f"Registered as version {escape(result.version)} of the price model.", icon=":material/inventory_2:")
    for note in result.outcome.notes:
        st.warning(escape(note), icon=":material/cloud_off:")
    tiles(result.lines)
    st.caption(compared_with(result))
    if result.repeated:
        st.caption(f":material/replay: {escape(result.repeated)}")
    show_range(result.version, job.spec, result.outcome.scores.rmse if result.outcome.scores else None)
    ways = st.container(horizontal=True, gap="small", vertical_alignment="center")
    if ways.button("Value a house", icon=":material/real_estate_agent:"):
        st.switch_page("what_if.py")
    if ways.button("Train again", icon=":material/replay:"):
        train_again(job.spec, job.request.data_sha256 if isinstance(job.request, TrainingRequest) else CONFIGURED)
    beside = result.compared_runs
    if beside:
        ways.page_link(
            "compare.py",
            label=f"Compare with {beside.title}",
            icon=":material/compare_arrows:",
            query_params={"runs": ",".join(beside.run_ids)},
            width=LINK_WIDTH,
        )
    if result.missed_thresholds:
        st.warning(
            f"Misses the thresholds of config.yaml: {escape(', '.join(result.missed_thresholds))}.",
            icon=":material/rule:",
        )
    reference = None if result.not_compared else result.reference
    if result.held_out is None:
        draw_curve(job, reference, key="curve")
    else:
        plots(job, reference, result.held_out)


def show_range(version: str, spec: TrainingSpec, rmse: float | None) -> None:
    """How wide the version's ranges are and what it scores on unknown ground, or how far the measuring of that is."""
    standing = lab().ranges.standing(version)
    if standing.is_under_way:
        live_range(version)
        return
    if standing.has_range:
        metric_tiles(RANGE_METRICS, standing.figures)
        st.caption("Of the 90 % range around its prices, on the held-out rows.")
    elif (standing.job is not None and not standing.figures) or lab().settings.evaluation.range_folds:
        left, right = st.columns([2, 1], vertical_alignment="center")
        left.caption(f":material/straighten: {escape(standing.reason)} It prices houses without a range.")
        may = barred(Deed.MEASURE_RANGE)
        if right.button("Measure its range", icon=":material/straighten:", key="measure_range", **may):
            lab().assess(version, actor=visitor())
            st.rerun()
    if standing.has_spatial_score:
        spatial_score(standing.figures, features=spec.features, held_out_rmse=rmse)
    elif lab().settings.evaluation.spatial_folds and (standing.has_range or not lab().settings.evaluation.range_folds):
        left, right = st.columns([2, 1], vertical_alignment="center")
        left.caption(":material/grid_on: It was not scored on whole blocks of the map.")
        may = barred(Deed.MEASURE_RANGE)
        if right.button("Score it on blocks", icon=":material/grid_on:", key="score_blocks", **may):
            lab().ranges.start(version, actor=visitor(), only_spatial=True)
            st.rerun()


@st.fragment(run_every=MEASURING_SECONDS)
def live_range(version: str) -> None:
    """The measuring under way, as the worker tells it."""
    with errors():
        standing = lab().ranges.standing(version)
        if standing.job is None or not standing.is_under_way:
            st.rerun()
        job = standing.job
        progress = job.progress if job.state is JobState.RUNNING else None
        left, right = st.columns([2, 1], vertical_alignment="center")
        what = SCORING if progress is not None and progress.phase.startswith(BLOCKS) else MEASURING
        left.progress(progress.share if progress else 0.0, text=f"{what}: {measuring_step(job)}")
        if right.button("Stop measuring", icon=":material/cancel:", key="stop_measuring", **barred(Deed.CANCEL_JOB)):
            lab().cancel(job.job_id, actor=visitor())
            st.rerun()


def measuring_step(job: Job) -> str:
    """``fold 2 of 5``, and how long it will still take where that is known."""
    if job.state is JobState.QUEUED:
        return f"number {job.queue_position or MISSING} in the queue"
    if job.progress is None:
        return "starting"
    left = job.progress.remaining
    return job.progress.phase + (f", {duration(left)} left" if left else "")


def compared_with(result: TrainingResult) -> str:
    """What the differences are to, or why there are none."""
    if result.not_compared:
        return escape(result.not_compared)
    if result.reference is None:
        return "There is no earlier version to compare it with."
    if result.reference.scores is None:
        return f"The scores of {result.reference.title} are gone, so there is no difference to show."
    return f"Differences are to {result.reference.title}."


def plots(job: Job, reference: VersionCard | None, held_out: HeldOut) -> None:
    """The fit, the residuals, what the model leans on, and how it grew."""
    colour = family_colour(job.spec.family)
    name, row_ids = job.request.title, held_out.row_ids
    fit, residuals, importance, growth = st.tabs(["Fit", "Residuals", "Importance", "Learning curve"])
    with fit:
        chart(fit_plot(held_out.actual, held_out.predicted, name=name, row_ids=row_ids, colour=colour), key="fit")
    with residuals:
        chart(
            residual_plot(held_out.actual, held_out.predicted, name=name, row_ids=row_ids, colour=colour),
            key="residuals",
        )
    with importance:
        chart(importance_bars(held_out.importance, colour=colour), key="importance")
        st.caption(f"Measured by {held_out.importance_method}.")
    with growth:
        draw_curve(job, reference, key="curve")


with page("Train", "Fitted on 80 % of the block groups, scored on the 20 % held out, in 1990 dollars."):
    # What a training says stands first: on a phone it is above the form, which would be pushed down if it were there
    # before it.
    results, form = st.columns([2, 1], gap="large")
    with results, errors(), newest_instead("job", "train.py"):
        job = wanted_job()
        if job is None:
            st.info("Nothing has been trained yet. Choose the settings and press **Train**.", icon=":material/tune:")
        else:
            st.subheader(escape(job.request.title), anchor=False)
            if job.state.is_final:
                show_ending(job)
            else:
                live(job.job_id, lab().reference_for(job))
    with form:
        controls()
