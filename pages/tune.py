"""Tune: search for the best hyperparameters by cross-validation, watch the search, train what it found."""

import streamlit as st

from core.charts.tuning import best_so_far, slice_plot
from core.charts.tuning_knobs import knob_importance_bars, parallel_coordinates
from core.charts.tuning_seeds import seed_bars
from core.domain.access import Deed
from core.domain.hyperparameters import KNOBS
from core.domain.jobs import LONGEST_RUN_NAME
from core.domain.money import dollars, duration
from core.domain.sweep_plans import SweepPlan
from core.domain.sweeps import Sweep, SweepHead, SweepState, Trial, TrialState
from core.workflows.sweep_findings import SweepFindings
from pages.shared.empty import newest_instead
from pages.shared.figures import chart, tile, trial_table
from pages.shared.frame import errors, escape, lab, page, tell_refusal
from pages.shared.sweep_form import sweep_plan
from pages.shared.visitor import barred, visitor

LIVE_SECONDS = 1.0

STATES = {
    SweepState.RUNNING: "Under way",
    SweepState.PAUSED: "Paused",
    SweepState.FINISHED: "Finished",
    SweepState.FAILED: "Failed",
    SweepState.CANCELLED: "Cancelled",
}


@st.fragment
def controls() -> None:
    """What to search, what it will take, and the button."""
    with errors():
        # Above the ranges: a family with many knobs would push the button off the screen.
        what, start = st.container(), st.container()
        plan = sweep_plan(lab().settings, what)
        name = st.text_input("Sweep name", placeholder=plan.default_name, max_chars=LONGEST_RUN_NAME, key="sweep_name")
        may = barred(Deed.TUNE)
        is_wanted = start.button("Start the sweep", type="primary", icon=":material/tune:", width="stretch", **may)
        with start:
            expectation_line(plan)
        if is_wanted:
            st.query_params["sweep"] = lab().tuning.start(plan, actor=visitor(), name=name)
            st.rerun()


def expectation_line(plan: SweepPlan) -> None:
    """How much work it will be, from past trainings."""
    expected = lab().expected_sweep(plan)
    if expected is None:
        st.caption(f":material/timer: {plan.trials:,} trials. No training of this family has finished yet to judge by.")
        return
    took = f"About {duration(expected.seconds)} for {plan.trials:,} trials"
    st.caption(f":material/timer: {took}, judged by past trainings.")


def chooser(shown: Sweep) -> None:
    """The earlier sweeps, where there are any."""
    known: dict[str, Sweep | SweepHead] = {shown.sweep_id: shown}
    known |= {head.sweep_id: head for head in lab().tuning.heads()}
    if len(known) == 1:
        return
    chosen = st.selectbox(
        "Sweep",
        list(known),
        format_func=lambda sweep_id: f"{known[sweep_id].name}, {known[sweep_id].created:%d %B %Y %H:%M} UTC",
        key=f"sweep_{shown.sweep_id}",
    )
    if chosen != shown.sweep_id:
        st.query_params["sweep"] = chosen
        st.rerun()


def wanted_sweep() -> Sweep | None:
    """The sweep the address names, else the newest."""
    sweep_id = st.query_params.get("sweep")
    if sweep_id:
        return lab().tuning.get(sweep_id)
    newest = lab().tuning.newest(limit=1)
    return newest[0] if newest else None


@st.fragment(run_every=LIVE_SECONDS)
def live(sweep_id: str) -> None:
    """Redrawn every second from what the workers wrote, so any session sees the same."""
    with errors():
        sweep = lab().tuning.get(sweep_id)
        if sweep.state.is_final and not sweep.under_way:
            st.rerun()
        show(sweep)


def show(sweep: Sweep) -> None:
    """How far it is, what it found, and the trials."""
    st.progress(sweep.share, text=f"{STATES[sweep.state]}: {sweep.ended:,} of {sweep.plan.trials:,} trials ended")
    findings = lab().tuning.findings(sweep)
    tiles(sweep)
    buttons(sweep, findings)
    under_way(sweep)
    if sweep.state is SweepState.FAILED:
        tell_refusal(sweep.reason, "Mend what the trials say, then start the sweep again.")
    if sweep.complete:
        so_far = "" if sweep.state.is_final else "So far: "
        st.info(so_far + escape(findings.answer), icon=":material/balance:")
    pictures(sweep, findings)
    trial_table(sweep)


def tiles(sweep: Sweep) -> None:
    """The figures of the search."""
    row = st.container(horizontal=True, gap="small")
    best = sweep.best
    for label, figure in {
        "Lowest RMSE": dollars(best.cv_rmse if best else None),
        "Complete": f"{sweep.count(TrialState.COMPLETE):,}",
        "Given up": f"{sweep.count(TrialState.PRUNED):,}",
        "Work": duration(sweep.work_seconds),
    }.items():
        tile(row, label, figure)


def buttons(sweep: Sweep, findings: SweepFindings) -> None:
    """Pause, go on, cancel; and train what was found."""
    row = st.container(horizontal=True, gap="small")
    may = barred(Deed.STEER_SWEEP)
    if sweep.state is SweepState.RUNNING and row.button("Pause", icon=":material/pause:", **may):
        lab().tuning.pause(sweep.sweep_id, actor=visitor())
        st.rerun()
    if sweep.state is SweepState.PAUSED and row.button("Resume", icon=":material/play_arrow:", **may):
        lab().tuning.resume(sweep.sweep_id, actor=visitor())
        st.rerun()
    if not sweep.state.is_final and row.button("Cancel the sweep", icon=":material/cancel:", **may):
        lab().tuning.cancel(sweep.sweep_id, actor=visitor())
        st.rerun()
    if findings.best is not None and row.button(
        "Train the best in full",
        type="primary" if sweep.state.is_final else "secondary",
        icon=":material/model_training:",
        **barred(Deed.TRAIN),
    ):
        job_id = lab().submit(
            findings.best,
            actor=visitor(),
            run_name=f"{sweep.name[:180]}, best in full",
            data_sha256=sweep.plan.data_sha256,
        )
        st.switch_page("train.py", query_params={"job": job_id})


def under_way(sweep: Sweep) -> None:
    """The trials that are running or wait for a worker."""
    for trial in sweep.under_way:
        bar, button = st.columns([5, 1], vertical_alignment="center")
        with bar:
            trial_line(trial)
        may = barred(Deed.CANCEL_JOB, help=f"Cancel trial {trial.number + 1}")
        if button.button("Cancel", key=f"cancel_{trial.number}", width="stretch", **may):
            lab().cancel(trial.job_id, actor=visitor())
            st.rerun()


def trial_line(trial: Trial) -> None:
    """How far one trial is."""
    progress = lab().progress(trial.job_id)
    phase = progress.phase if progress else "waiting for a worker"
    score = f", RMSE {escape(dollars(progress.last_score))} so far" if progress and progress.curve else ""
    st.progress(progress.share if progress else 0.0, text=f"Trial {trial.number + 1}: {phase}{score}")


def pictures(sweep: Sweep, findings: SweepFindings) -> None:
    """The search in pictures; a grid under several seeds has its answer first."""
    key = sweep.sweep_id
    names = ["Best so far", "Settings", "What matters", "Knob by knob"]
    if findings.groups:
        seeds, history, settings, importance, slices = st.tabs(["Over seeds", *names])
        with seeds:
            chart(seed_bars(findings.groups), key=f"seeds_{key}")
    else:
        history, settings, importance, slices = st.tabs(names)
    with history:
        chart(best_so_far(sweep), key=f"history_{key}")
    with settings:
        chart(parallel_coordinates(sweep), key=f"settings_{key}")
    with importance:
        chart(knob_importance_bars(findings.importance, sweep.plan.family), key=f"importance_{key}")
    with slices:
        knobs = KNOBS[sweep.plan.family]
        varied = [one.name for one in sweep.plan.varied]
        name = st.selectbox("Knob", varied, format_func=lambda name: knobs[name].label, key=f"knob_{key}")
        chart(slice_plot(sweep, name), key=f"slice_{key}")


with page(
    "Tune", "Settings are judged by cross-validation of the training rows; the held-out rows are never looked at."
):
    # Drawn from top to bottom, as a phone shows them: a form that is there first would be pushed down.
    results, form = st.columns([2, 1], gap="large")
    with results, errors(), newest_instead("sweep", "tune.py"):
        sweep = wanted_sweep()
        if sweep is None:
            st.info(
                "Nothing has been searched yet. Choose what varies and press **Start the sweep**.",
                icon=":material/tune:",
            )
        else:
            chooser(sweep)
            st.subheader(escape(sweep.name), anchor=False)
            if sweep.state.is_final and not sweep.under_way:
                show(sweep)
            else:
                live(sweep.sweep_id)
    with form:
        controls()
