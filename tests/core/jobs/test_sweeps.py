"""Sweeps over a real worker and a real MLflow store."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator

import pandas as pd
import pytest

from core.data.split import split_rows
from core.domain.settings import Settings
from core.domain.sweep_plans import SweepPlan
from core.domain.sweeps import Sweep, SweepState, TrialState
from core.jobs.engine import JobQueue
from core.jobs.sweep_control import cancel_sweep, pause_sweep, resume_sweep, start_sweep
from core.tracking.registry import all_versions
from core.tracking.runs import OUT_OF_FOLD_FILE, get_run, list_runs, read_predictions
from core.tracking.store import open_store
from core.workflows.lab import Lab
from core.workflows.trials import PARENT_TAG
from tests.forked import working

SECONDS = 60


@pytest.fixture(scope="module")
def live_queue(working_home: Settings) -> Iterator[JobQueue]:
    queue = JobQueue(working_home)
    yield queue
    queue.close()


@pytest.fixture(scope="module")
def working_home(tmp_path_factory: pytest.TempPathFactory, data_file: object) -> Iterator[Settings]:
    from core.domain.configuration import load_settings
    from tests.conftest import rows_in

    settings = load_settings(home=tmp_path_factory.mktemp("sweeping"), environment=rows_in(data_file))
    with working(settings):
        yield settings


def _start(queue: JobQueue, settings: Settings, plan: SweepPlan) -> str:
    return start_sweep(queue, functools.cache(lambda: open_store(settings)), plan, actor="tester", name="a sweep")


def _wait(queue: JobQueue, sweep_id: str, condition: Callable[[Sweep], bool]) -> Sweep:
    deadline = time.monotonic() + SECONDS
    while not condition(sweep := queue.sweeps.get(sweep_id)):
        assert time.monotonic() < deadline, sweep
        time.sleep(0.05)
    return sweep


def _is_over(sweep: Sweep) -> bool:
    return sweep.state.is_final and not sweep.under_way


def _closed(queue: JobQueue, sweep_id: str) -> bool:
    return sweep_id not in {sweep.sweep_id for sweep in queue.sweeps.open()}


def test_a_sweep_judges_its_trials_on_the_training_rows_alone_and_says_what_it_found(
    live_queue: JobQueue, working_home: Settings, real_rows: pd.DataFrame
) -> None:
    plan = SweepPlan.search(working_home.default_spec("ridge"), trials=4)
    sweep_id = _start(live_queue, working_home, plan)
    sweep = _wait(live_queue, sweep_id, _is_over)
    assert sweep.state is SweepState.FINISHED
    assert [trial.state for trial in sweep.trials] == [TrialState.COMPLETE] * 4
    assert [trial.number for trial in sweep.trials] == [0, 1, 2, 3]
    assert sweep.trials[0].spec == plan.base, "a sweep never ends worse than where it began"
    assert len({trial.spec for trial in sweep.trials}) == 4

    _wait(live_queue, sweep_id, lambda _: _closed(live_queue, sweep_id))
    store = open_store(working_home)
    parent = get_run(store, str(sweep.run_id))
    assert (parent.name, parent.status) == ("a sweep", "FINISHED")
    assert sweep.best is not None
    assert parent.metrics["best_cv_rmse"] == sweep.best.cv_rmse
    for trial in sweep.trials:
        run = get_run(store, str(trial.run_id))
        assert (run.status, run.tags[PARENT_TAG], run.tags["job.id"]) == ("FINISHED", sweep.run_id, trial.job_id)
        assert run.metrics["cv_rmse"] == trial.cv_rmse
        assert "rmse" not in run.metrics, "that word is for the held-out rows"
    split = split_rows(real_rows)
    rows, actual, _ = read_predictions(store, str(sweep.best.run_id), OUT_OF_FOLD_FILE)
    assert sorted(rows) == sorted(split.X_train.index), "each training row once, and no held-out row"
    assert actual.tolist() == split.y_train.loc[rows].tolist()
    assert not all_versions(store), "a trial registers nothing"

    findings = Lab(working_home).tuning.findings(sweep)
    assert findings.best == sweep.best.spec
    assert findings.difference is not None
    assert findings.difference.low <= findings.difference.delta <= findings.difference.high
    assert "noise" in findings.answer
    assert not Lab(working_home).overview().runs, "trials are no trainings"


def test_a_paused_sweep_starts_nothing_until_it_goes_on(live_queue: JobQueue, working_home: Settings) -> None:
    connect = functools.cache(lambda: open_store(working_home))
    sweep_id = _start(live_queue, working_home, SweepPlan.search(working_home.default_spec("ridge"), trials=4))
    _wait(live_queue, sweep_id, lambda sweep: sweep.ended >= 1)
    pause_sweep(live_queue, connect, sweep_id)
    paused = _wait(live_queue, sweep_id, lambda sweep: not sweep.under_way)
    time.sleep(1.5)
    assert live_queue.sweeps.get(sweep_id) == paused
    assert paused.state is SweepState.PAUSED
    assert get_run(connect(), str(paused.run_id)).status == "SCHEDULED"
    resume_sweep(live_queue, connect, sweep_id)
    sweep = _wait(live_queue, sweep_id, _is_over)
    assert (sweep.state, sweep.count(TrialState.COMPLETE)) == (SweepState.FINISHED, 4)


def test_one_trial_can_be_cancelled_and_then_the_whole_sweep(live_queue: JobQueue, working_home: Settings) -> None:
    slow = working_home.default_spec("random_forest")
    plan = SweepPlan.search(slow, {"n_estimators": (400, 500), "max_depth": (30, 40)}, trials=3)
    sweep_id = _start(live_queue, working_home, plan)

    def is_fitting(sweep: Sweep) -> bool:
        posted = live_queue.board.read(trial.job_id for trial in sweep.under_way).values()
        return any(word.progress.done > 0 for word in posted)

    first = _wait(live_queue, sweep_id, is_fitting).under_way[0]
    live_queue.cancel(first.job_id)
    sweep = _wait(live_queue, sweep_id, lambda sweep: len(sweep.trials) == 2 and is_fitting(sweep))
    assert sweep.trials[0].state is TrialState.CANCELLED
    began = time.monotonic()
    cancel_sweep(live_queue, sweep_id)
    sweep = _wait(live_queue, sweep_id, _is_over)
    _wait(live_queue, sweep_id, lambda _: _closed(live_queue, sweep_id))
    print(f"the sweep was over {time.monotonic() - began:.1f} s after its cancel")
    assert sweep.state is SweepState.CANCELLED
    assert [trial.state for trial in sweep.trials] == [TrialState.CANCELLED] * 2
    _wait(live_queue, sweep_id, lambda _: not live_queue.board.open_jobs())
    store = open_store(working_home)
    of_sweep = list_runs(store, filter_text=f"tags.`sweep.id` = '{sweep_id}'")
    assert {run.status for run in of_sweep} == {"KILLED"}
    assert len(of_sweep) == 3


def test_no_trial_starts_after_the_time_budget(live_queue: JobQueue, working_home: Settings) -> None:
    plan = SweepPlan.search(working_home.default_spec("ridge"), trials=20, minutes=0.001)
    sweep = _wait(live_queue, _start(live_queue, working_home, plan), _is_over)
    assert (sweep.state, len(sweep.trials)) == (SweepState.FINISHED, 1)


def test_a_hopeless_trial_is_given_up_and_says_so(live_queue: JobQueue, working_home: Settings) -> None:
    base = working_home.default_spec("lightgbm")
    quick = SweepPlan.search(base, {"n_estimators": (50, 100), "learning_rate": (0.005, 0.2)}, trials=12)
    sweep = _wait(live_queue, _start(live_queue, working_home, quick), _is_over)
    given_up = [trial for trial in sweep.trials if trial.state is TrialState.PRUNED]
    assert given_up, [trial.cv_rmse for trial in sweep.trials]
    run = get_run(open_store(working_home), str(given_up[0].run_id))
    assert (run.status, run.tags["trial.state"]) == ("FINISHED", "pruned")
    assert "cv_rmse" not in run.metrics
    assert all(trial.cv_rmse is None for trial in given_up)


def test_three_trials_that_fail_in_a_row_end_the_sweep_with_their_reason(queue: JobQueue, settings: Settings) -> None:
    bad = settings.home / "bad.csv"
    bad.write_text("longitude,latitude\n1,2\n")
    broken = settings.model_copy(update={"data": settings.data.model_copy(update={"path": bad})})
    sweep_id = _start(queue, settings, SweepPlan.search(settings.default_spec("ridge"), trials=10))
    with working(broken):
        sweep = _wait(queue, sweep_id, _is_over)
        _wait(queue, sweep_id, lambda _: _closed(queue, sweep_id))
    assert (sweep.state, sweep.ended) == (SweepState.FAILED, 3)
    assert sweep.trials[-1].reason
    assert sweep.trials[-1].reason in sweep.reason
    runs = list_runs(open_store(settings))
    assert {run.status for run in runs} == {"FAILED"}
    assert len(runs) == 4
