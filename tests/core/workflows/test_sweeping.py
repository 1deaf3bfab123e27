"""What a sweep does next, from its rows alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import JobState
from core.domain.sweep_plans import SweepPlan
from core.domain.sweeps import Sweep, SweepState, Trial, TrialState
from core.workflows.sweeping import MOST_FAILURES, Act, End, Enqueue, Settle, Start, Stop, is_spent, next_acts

SPEC = TrainingSpec.create("ridge")
ONGOING = (JobState.QUEUED, JobState.RUNNING)
RUNNING, COMPLETE, FAILED = TrialState.RUNNING, TrialState.COMPLETE, TrialState.FAILED
PRUNED, CANCELLED = TrialState.PRUNED, TrialState.CANCELLED
FINAL_SWEEPS = [state for state in SweepState if state.is_final]


def a_sweep(
    *states: TrialState,
    state: SweepState = SweepState.RUNNING,
    trials: int = 10,
    workers: int = 1,
    minutes: float | None = None,
    seconds: float = 1.0,
) -> Sweep:
    plan = SweepPlan.search(SPEC, trials=trials, workers=workers, minutes=minutes)
    entered = tuple(
        Trial(number, SPEC, one, f"job-{number}", seconds=None if one is RUNNING else seconds, reason=f"{one.value}.")
        for number, one in enumerate(states)
    )
    return Sweep("s1", "a sweep", plan, "tester", state, datetime(2025, 1, 1, tzinfo=UTC), entered)


def queued(sweep: Sweep, state: JobState = JobState.QUEUED) -> dict[str, JobState]:
    return {trial.job_id: state for trial in sweep.under_way}


@pytest.mark.parametrize(
    ("entered", "workers", "trials", "started"),
    [
        ((), 1, 10, [0]),
        ((), 3, 10, [0, 1, 2]),
        ((), 3, 2, [0, 1]),
        ((RUNNING,), 1, 10, []),
        ((RUNNING,), 3, 10, [1, 2]),
        ((COMPLETE,), 1, 10, [1]),
        ((COMPLETE, RUNNING, PRUNED, RUNNING), 3, 10, [4]),
        ((COMPLETE, RUNNING, PRUNED, RUNNING), 5, 5, [4]),
        ((COMPLETE, RUNNING), 5, 2, []),
        ((FAILED, FAILED, COMPLETE, FAILED, FAILED), 2, 10, [5, 6]),
        ((CANCELLED, CANCELLED, CANCELLED), 1, 10, [3]),
        ((FAILED, CANCELLED, FAILED, FAILED), 1, 10, [4]),
    ],
)
def test_as_many_trials_start_as_there_are_free_workers_and_planned_trials(
    entered: tuple[TrialState, ...], workers: int, trials: int, started: list[int]
) -> None:
    sweep = a_sweep(*entered, workers=workers, trials=trials)
    assert next_acts(sweep, queued(sweep)) == tuple(Start(number) for number in started)


@pytest.mark.parametrize(
    "entered", [(COMPLETE, PRUNED), (CANCELLED, CANCELLED), (FAILED, FAILED), (FAILED, COMPLETE, FAILED)]
)
def test_a_sweep_whose_trials_have_all_ended_is_finished(entered: tuple[TrialState, ...]) -> None:
    sweep = a_sweep(*entered, trials=len(entered))
    assert next_acts(sweep, {}) == (End(SweepState.FINISHED),)


def test_nothing_ends_while_a_trial_is_under_way() -> None:
    for entered in ((COMPLETE, RUNNING), (FAILED, FAILED, FAILED, RUNNING)):
        sweep = a_sweep(*entered, trials=len(entered), workers=2)
        assert next_acts(sweep, queued(sweep)) == ()


def test_three_failures_in_a_row_end_the_sweep_and_the_last_one_says_why() -> None:
    assert MOST_FAILURES == 3
    sweep = a_sweep(COMPLETE, FAILED, FAILED, FAILED)
    last = replace(sweep.trials[-1], reason="The disk is full.")
    sweep = replace(sweep, trials=(*sweep.trials[:-1], last))
    (act,) = next_acts(sweep, {})
    assert isinstance(act, End)
    assert act.state is SweepState.FAILED
    assert "3 trials in a row failed" in act.reason
    assert "The disk is full." in act.reason


def test_after_three_failures_nothing_starts_while_others_are_still_under_way() -> None:
    sweep = a_sweep(FAILED, FAILED, FAILED, RUNNING, workers=4)
    assert next_acts(sweep, queued(sweep)) == ()
    saved = replace(sweep, trials=(*sweep.trials[:3], replace(sweep.trials[3], state=COMPLETE)))
    assert next_acts(saved, {}) == tuple(Start(number) for number in (4, 5, 6, 7)), "one that went well breaks the row"


@pytest.mark.parametrize(
    ("seconds", "workers", "acts"),
    [
        (29.0, 1, (Start(2),)),
        (30.0, 1, (End(SweepState.FINISHED),)),
        (59.0, 2, (Start(2), Start(3))),
        (60.0, 2, (End(SweepState.FINISHED),)),
    ],
)
def test_no_trial_starts_after_the_minutes_of_work(seconds: float, workers: int, acts: tuple[Act, ...]) -> None:
    """Two trials of so many seconds, and one minute: two workers do the work of two minutes in one."""
    sweep = a_sweep(COMPLETE, PRUNED, minutes=1.0, seconds=seconds, workers=workers)
    assert is_spent(sweep) is isinstance(acts[0], End)
    assert next_acts(sweep, {}) == acts


def test_a_trial_under_way_at_the_end_of_the_budget_is_waited_for() -> None:
    sweep = a_sweep(COMPLETE, RUNNING, minutes=0.01, seconds=60.0, workers=4)
    assert next_acts(sweep, queued(sweep)) == ()


@pytest.mark.parametrize("sweep_state", SweepState)
@pytest.mark.parametrize(
    ("job", "trial"), [(JobState.CANCELLED, TrialState.CANCELLED), (JobState.FAILED, TrialState.FAILED)]
)
def test_a_job_that_was_cancelled_or_failed_settles_its_trial(
    sweep_state: SweepState, job: JobState, trial: TrialState
) -> None:
    sweep = a_sweep(COMPLETE, RUNNING, RUNNING, state=sweep_state, workers=3)
    acts = next_acts(sweep, {"job-1": job, "job-2": JobState.SUCCEEDED})
    assert acts == (Settle(sweep.trials[1], trial),), "and nothing else until it is"


@pytest.mark.parametrize("state", [SweepState.RUNNING, SweepState.PAUSED])
def test_a_trial_the_queue_does_not_know_is_put_on_it(state: SweepState) -> None:
    sweep = a_sweep(COMPLETE, RUNNING, state=state)
    assert next_acts(sweep, {}) == (Enqueue(sweep.trials[1]),)


@pytest.mark.parametrize("state", FINAL_SWEEPS)
def test_in_a_sweep_that_has_ended_such_a_trial_is_cancelled_and_never_begun(state: SweepState) -> None:
    sweep = a_sweep(COMPLETE, RUNNING, state=state)
    assert next_acts(sweep, {}) == (Settle(sweep.trials[1], TrialState.CANCELLED),)


@pytest.mark.parametrize("state", [state for state in SweepState if state is not SweepState.RUNNING])
@pytest.mark.parametrize("entered", [(), (COMPLETE,), (COMPLETE,) * 10, (FAILED,) * 3])
def test_a_sweep_that_does_not_run_starts_and_ends_nothing(state: SweepState, entered: tuple[TrialState, ...]) -> None:
    sweep = a_sweep(*entered, state=state, workers=4)
    assert next_acts(sweep, queued(sweep)) == ()


@pytest.mark.parametrize("job", ONGOING)
def test_a_trial_under_way_is_stopped_with_a_cancelled_sweep_and_waited_for_by_any_other(job: JobState) -> None:
    for state in SweepState:
        sweep = a_sweep(COMPLETE, RUNNING, state=state, trials=2)
        stops = (Stop(sweep.trials[1]),) if state is SweepState.CANCELLED else ()
        assert next_acts(sweep, queued(sweep, job)) == stops


@st.composite
def situations(draw: st.DrawFn) -> tuple[Sweep, Mapping[str, JobState]]:
    """Any sweep with any jobs, reachable or not."""
    trials = draw(st.integers(1, 8))
    sweep = a_sweep(
        *draw(st.lists(st.sampled_from(TrialState), max_size=trials)),
        state=draw(st.sampled_from(SweepState)),
        trials=trials,
        workers=draw(st.integers(1, 5)),
        minutes=draw(st.none() | st.floats(0.01, 1.0)),
        seconds=draw(st.floats(0, 60)),
    )
    known = draw(st.dictionaries(st.integers(0, trials), st.sampled_from(JobState)))
    return sweep, {f"job-{number}": state for number, state in known.items()}


@given(situations())
def test_never_more_trials_under_way_than_workers_nor_more_started_than_planned(
    situation: tuple[Sweep, Mapping[str, JobState]],
) -> None:
    sweep, jobs = situation
    starts = [act.number for act in next_acts(sweep, jobs) if isinstance(act, Start)]
    assert starts == list(range(len(sweep.trials), len(sweep.trials) + len(starts)))
    assert len(sweep.trials) + len(starts) <= sweep.plan.trials
    assert not starts or len(sweep.under_way) + len(starts) <= sweep.plan.workers


@given(situations())
def test_a_sweep_ends_exactly_when_nothing_is_under_way_and_nothing_is_left_to_do(
    situation: tuple[Sweep, Mapping[str, JobState]],
) -> None:
    sweep, jobs = situation
    acts = next_acts(sweep, jobs)
    failing = [trial.state for trial in sweep.trials][-3:] == [FAILED] * 3
    is_over = sweep.state is SweepState.RUNNING and not sweep.under_way and (failing or is_spent(sweep))
    assert [type(act) for act in acts if isinstance(act, End)] == [End] * is_over
    if is_over:
        (end,) = acts
        assert isinstance(end, End)
        assert end.state is (SweepState.FAILED if failing else SweepState.FINISHED)


@given(situations())
def test_every_trial_under_way_is_settled_queued_stopped_or_left_to_its_job(
    situation: tuple[Sweep, Mapping[str, JobState]],
) -> None:
    sweep, jobs = situation
    touched = {act.trial.number: act for act in next_acts(sweep, jobs) if isinstance(act, Settle | Enqueue | Stop)}
    for trial in sweep.trials:
        act = touched.get(trial.number)
        if trial.is_final:
            assert act is None, "the first end of a trial counts"
        elif trial.job_id not in jobs:
            assert act == (Settle(trial, TrialState.CANCELLED) if sweep.state.is_final else Enqueue(trial))
        elif jobs[trial.job_id] in (JobState.CANCELLED, JobState.FAILED):
            assert isinstance(act, Settle)
        elif jobs[trial.job_id] in ONGOING and sweep.state is SweepState.CANCELLED:
            assert act == Stop(trial)
        else:
            assert act is None


class SweepLife(RuleBasedStateMachine):
    """A sweep from its start to its end, whatever happens to its jobs and its workers on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.sweep = a_sweep(trials=5, workers=2)
        self.jobs: dict[str, JobState] = {}

    def _set(self, trial: Trial) -> None:
        others = [one for one in self.sweep.trials if one.number != trial.number]
        self.sweep = replace(self.sweep, trials=tuple(sorted([*others, trial], key=lambda one: one.number)))

    def _look(self, *, dies: bool) -> None:
        known = {trial.job_id: self.jobs[trial.job_id] for trial in self.sweep.under_way if trial.job_id in self.jobs}
        for act in next_acts(self.sweep, known):
            match act:
                case Start(number):
                    assert number not in {trial.number for trial in self.sweep.trials}
                    self._set(Trial(number, SPEC, RUNNING, f"job-{number}"))
                    if dies:  # between the trial's row and its job
                        return
                    self.jobs[f"job-{number}"] = JobState.QUEUED
                case Enqueue(trial):
                    self.jobs.setdefault(trial.job_id, JobState.QUEUED)
                case Stop(trial):
                    self.jobs[trial.job_id] = JobState.CANCELLED
                case Settle(trial, state):
                    self._set(replace(trial, state=state, seconds=None))
                case End(state, reason):
                    self.sweep = replace(self.sweep, state=state, reason=reason)

    @rule(dies=st.booleans())
    def a_worker_looks(self, dies: bool) -> None:
        self._look(dies=dies)

    @precondition(lambda self: any(self.jobs.get(trial.job_id) in ONGOING for trial in self.sweep.under_way))
    @rule(data=st.data(), how=st.sampled_from([COMPLETE, PRUNED, FAILED, CANCELLED]), says_so=st.booleans())
    def a_job_ends(self, data: st.DataObject, how: TrialState, says_so: bool) -> None:
        going = [trial for trial in self.sweep.under_way if self.jobs.get(trial.job_id) in ONGOING]
        trial = data.draw(st.sampled_from(going))
        ends = {FAILED: JobState.FAILED, CANCELLED: JobState.CANCELLED}
        self.jobs[trial.job_id] = ends.get(how, JobState.SUCCEEDED)
        if says_so or how not in ends:
            self._set(replace(trial, state=how, seconds=1.0))

    @precondition(lambda self: not self.sweep.state.is_final)
    @rule(to=st.sampled_from([SweepState.PAUSED, SweepState.RUNNING, SweepState.CANCELLED]))
    def somebody_decides(self, to: SweepState) -> None:
        self.sweep = replace(self.sweep, state=to)

    @invariant()
    def bounds_hold(self) -> None:
        assert len(self.sweep.under_way) <= self.sweep.plan.workers
        assert [trial.number for trial in self.sweep.trials] == list(range(len(self.sweep.trials)))
        assert len(self.sweep.trials) <= self.sweep.plan.trials
        assert set(self.jobs) <= {trial.job_id for trial in self.sweep.trials}

    def teardown(self) -> None:
        """Left alone, with jobs that end well, every sweep comes to its end."""
        if self.sweep.state is SweepState.PAUSED:
            self.sweep = replace(self.sweep, state=SweepState.RUNNING)
        for _ in range(4 * self.sweep.plan.trials):
            self._look(dies=False)
            self.bounds_hold()
            if self.sweep.state.is_final and not self.sweep.under_way:
                return
            for trial in self.sweep.under_way:
                if self.jobs.get(trial.job_id) in ONGOING:
                    self.jobs[trial.job_id] = JobState.SUCCEEDED
                    self._set(replace(trial, state=COMPLETE, seconds=1.0))
        pytest.fail(f"it goes on for ever: {self.sweep}")


SweepLife.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestSweepLife = SweepLife.TestCase
