"""What a screen asks about sweeps: somebody works on what it starts, and MLflow being away loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from core.domain.errors import StoreUnavailable
from core.domain.settings import Settings
from core.domain.sweep_plans import SweepPlan
from core.domain.sweeps import Sweep, SweepState, Trial, TrialState
from core.jobs.engine import JobQueue
from core.tracking.store import Store
from core.workflows.tuning import Tuning
from tests.actors import TESTER


class Outside:
    """MLflow that is away, and a tally of what was asked for."""

    def __init__(self) -> None:
        self.connects = 0
        self.workers = 0

    def connect(self) -> Store:
        self.connects += 1
        raise StoreUnavailable("MLflow does not answer.", remedy="Wait.")

    def keep_worker(self) -> None:
        self.workers += 1


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
def queue(settings: Settings) -> Iterator[JobQueue]:
    queue = JobQueue(settings)
    yield queue
    queue.close()


def test_whoever_starts_resumes_or_cancels_a_sweep_sees_to_it_that_somebody_works(
    queue: JobQueue, settings: Settings, outside: Outside
) -> None:
    tuning = Tuning(settings, lambda: queue, outside.connect, outside.keep_worker)
    plan = SweepPlan.search(settings.default_spec("ridge"), trials=3)
    sweep_id = tuning.start(plan, actor=TESTER)
    told = [(tuning.get(sweep_id).state, outside.workers)]
    for act in (tuning.pause, tuning.resume, tuning.cancel):
        act(sweep_id, actor=TESTER)
        told.append((tuning.get(sweep_id).state, outside.workers))
    assert told == [
        (SweepState.RUNNING, 1),
        (SweepState.PAUSED, 1),
        (SweepState.RUNNING, 2),
        (SweepState.CANCELLED, 3),
    ]
    sweep = tuning.get(sweep_id)
    assert (sweep.name, sweep.run_id) == ("ridge_sweep_3_trials", None), "without MLflow it goes on without a run"
    assert [head.sweep_id for head in tuning.heads()] == [sweep_id]
    assert list(tuning.heads(under_way=True)) == []


def test_while_mlflow_is_away_its_reason_is_told_and_it_is_asked_again_the_next_time(
    settings: Settings, outside: Outside
) -> None:
    def no_queue() -> JobQueue:
        pytest.fail("findings follow from the sweep and its runs alone")

    tuning = Tuning(settings, no_queue, outside.connect, outside.keep_worker)
    base = settings.default_spec("ridge")
    trials = tuple(
        Trial(number, base, TrialState.COMPLETE, f"job-{number}", run_id=f"run-{number}", cv_rmse=20_000.0 + number)
        for number in range(2)
    )
    plan = SweepPlan.search(base, trials=2)
    sweep = Sweep("s1", "s", plan, "tester", SweepState.FINISHED, datetime(2025, 1, 1, tzinfo=UTC), trials)
    for times in (1, 2):
        found = tuning.findings(sweep)
        assert found.answer == "The difference of the two best cannot be judged. MLflow does not answer."
        assert (found.difference, found.best, outside.connects) == (None, base, times)
