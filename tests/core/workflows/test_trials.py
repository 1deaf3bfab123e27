"""A trial's records, also when MLflow refuses them."""

from __future__ import annotations

import functools

from core.domain.jobs import TrialRequest
from core.domain.settings import Settings
from core.domain.sweeps import TrialState
from core.tracking.runs import get_run
from core.tracking.store import open_store
from core.workflows.trials import judge_trial, open_trial, record_trial


def test_mlflow_refusing_a_trial_s_files_ends_its_run_and_the_sweep_keeps_the_trial(settings: Settings) -> None:
    connect = functools.cache(lambda: open_store(settings))
    request = TrialRequest(settings.default_spec("ridge"), "a sweep, trial 1", "tester", "sweep", 0)
    run = open_trial(request, connect, None)
    judged = judge_trial(
        settings,
        request,
        connect,
        run,
        report=lambda progress: None,
        should_stop=lambda: False,
        give_up=lambda steps: False,
    )
    settings.paths.mlflow_artifacts.mkdir(parents=True, exist_ok=True)
    (settings.paths.mlflow_artifacts / str(run.run_id)).write_text("a file where a folder should be", encoding="utf-8")
    trial = record_trial(settings, request, connect, run, judged)
    assert (trial.state, trial.cv_rmse) == (TrialState.COMPLETE, judged.cv_rmse)
    assert "MLflow does not hold this trial" in trial.reason
    recorded = get_run(connect(), str(run.run_id))
    assert recorded.status == "FAILED"
    assert recorded.tags["failure"] == trial.reason
