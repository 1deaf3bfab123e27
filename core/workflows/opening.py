"""Opening the MLflow run of a job: once, however often the job is begun."""

from __future__ import annotations

from collections.abc import Mapping

from core.domain.errors import RecordsError
from core.domain.jobs import FitRequest
from core.domain.provenance import JOB_TAG
from core.tracking.runs import find_run_of_job
from core.tracking.tracker import MLflowTracker
from core.workflows.training_state import LOCALLY, Connect, OpenedRun


def open_run(request: FitRequest, connect: Connect, job_id: str, tags: Mapping[str, str] | None = None) -> OpenedRun:
    """Open this job's MLflow run, or find the one it opened before a crash.

    Args:
        tags: what else the run is marked with, e.g. the sweep it belongs to.
    """
    run_id: str | None = None
    try:
        store = connect()
        tracker = MLflowTracker(store=store)
        earlier = find_run_of_job(store, job_id)
        if earlier is None:
            marks = {JOB_TAG: job_id, "mlflow.user": request.actor, "mlflow.source.type": "JOB", **(tags or {})}
            run_id = tracker.start_run(request.run_name, marks)
        else:
            run_id = earlier.run_id
            tracker.continue_run(run_id)
        # Once more after a crash as well: it may have come between the run and its params.
        tracker.log_params(request.spec.as_params())
    except RecordsError as error:
        return OpenedRun(run_id, f"{LOCALLY} {error.what}")
    return OpenedRun(run_id)
