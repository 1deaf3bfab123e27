"""The MLflow run of a sweep: its trials are nested under it, and it names the best of them."""

from __future__ import annotations

from typing import Final

from core.domain.provenance import SWEEP_TAG
from core.domain.runs import RunStatus
from core.domain.sweeps import Sweep, SweepState, TrialState
from core.tracking.tracker import MLflowTracker, set_status
from core.workflows.training_state import Connect

_ENDINGS: Final = {
    SweepState.FINISHED: RunStatus.FINISHED,
    SweepState.FAILED: RunStatus.FAILED,
    SweepState.CANCELLED: RunStatus.KILLED,
}


def open_sweep(sweep: Sweep, connect: Connect) -> str:
    """Open the sweep's run and return its id.

    Raises:
        RecordsError: MLflow is off or does not answer.
    """
    tracker = MLflowTracker(store=connect())
    run_id = tracker.start_run(
        sweep.name, {SWEEP_TAG: sweep.sweep_id, "mlflow.user": sweep.actor, "mlflow.source.type": "JOB"}
    )
    plan = sweep.plan
    ranges = {
        f"sweep.{one.name}": ", ".join(f"{choice:g}" for choice in one.choices) or f"{one.low:g} to {one.high:g}"
        for one in plan.varied
    }
    tracker.log_params({"sweep.family": plan.family, "sweep.method": plan.method, "sweep.trials": plan.trials} | ranges)
    return run_id


def mark_sweep(sweep: Sweep, connect: Connect) -> None:
    """Let the run say whether its sweep goes on, is paused or has ended: MLflow's word for waiting is SCHEDULED.

    Raises:
        RecordsError: MLflow is off or does not answer.
    """
    if sweep.run_id is None:
        return
    if sweep.state.is_final:
        MLflowTracker(store=connect(), run_id=sweep.run_id).end_run(_ENDINGS[sweep.state], sweep.reason)
    else:
        paused = sweep.state is SweepState.PAUSED
        set_status(connect(), sweep.run_id, RunStatus.SCHEDULED if paused else RunStatus.RUNNING)


def close_sweep(sweep: Sweep, connect: Connect) -> None:
    """Say on the sweep's run what was found, and end it as the sweep ended.

    Raises:
        RecordsError: MLflow is off or does not answer.
    """
    if sweep.run_id is None:
        return
    # The status is written once, at the end: another worker may be closing the very same run.
    tracker = MLflowTracker(store=connect(), run_id=sweep.run_id)
    counts = {f"trials_{state.value}": float(sweep.count(state)) for state in TrialState if state != TrialState.RUNNING}
    best = sweep.best
    if best is not None and best.cv_rmse is not None:
        tracker.log_metrics({"best_cv_rmse": best.cv_rmse} | counts)
        tracker.set_tags({"sweep.best_trial": best.number + 1, "sweep.best_run": best.run_id or ""})
        tracker.log_params({f"best.{name}": value for name, value in best.spec.as_params().items()})
    else:
        tracker.log_metrics(counts)
    tracker.end_run(_ENDINGS[sweep.state], sweep.reason)
