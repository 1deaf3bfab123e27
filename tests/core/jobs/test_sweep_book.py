"""Sweeps and trials come out of the database as they went in, and what was decided first stays."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.errors import NotFound, QueueUnavailable
from core.domain.hyperparameters import TrainingSpec
from core.domain.sweep_plans import SweepPlan
from core.domain.sweeps import Sweep, SweepState, Trial, TrialState
from core.jobs.database import create_tables
from core.jobs.sweep_book import SweepBook
from tests.core.search.sweeps import searches

RIDGE = TrainingSpec.create("ridge")
BEGAN = datetime(2025, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
ONGOING = [SweepState.RUNNING, SweepState.PAUSED]

MakeSweep = Callable[..., Sweep]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SweepBook]:
    """One database for all tests here: each makes sweeps of its own."""
    engine = sa.create_engine(f"sqlite:///{tmp_path_factory.mktemp('book') / 'lab.db'}")
    create_tables(engine)
    yield SweepBook(engine)
    engine.dispose()


_numbers = itertools.count()


@pytest.fixture
def make_sweep(book: SweepBook) -> MakeSweep:
    """Enters a new sweep and returns it."""

    def make(state: SweepState = SweepState.RUNNING, *, created: datetime = BEGAN) -> Sweep:
        number = next(_numbers)
        plan = SweepPlan.search(RIDGE, trials=20)
        sweep = Sweep(f"sweep-{number}", f"sweep {number}", plan, "tester", state, created)
        book.add(sweep)
        return sweep

    return make


def a_trial(number: int, state: TrialState = TrialState.RUNNING, rmse: float | None = None) -> Trial:
    return Trial(number, RIDGE, state, f"trial-{number}", cv_rmse=rmse)


words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)
figures = st.floats(0, 1e9)


@st.composite
def trials(draw: st.DrawFn, plan: SweepPlan) -> Trial:
    return Trial(
        number=draw(st.integers(0, 499)),
        spec=plan.with_values({}, seed=draw(st.integers(0, 2**31 - 1))),
        state=draw(st.sampled_from(TrialState)),
        job_id=draw(words),
        run_id=draw(st.none() | words),
        cv_rmse=draw(st.none() | figures),
        fold_rmse=tuple(draw(st.lists(figures, max_size=3))),
        steps=tuple(draw(st.lists(st.tuples(st.integers(1, 30), figures), max_size=5))),
        seconds=draw(st.none() | figures),
        reason=draw(words),
    )


@st.composite
def sweeps(draw: st.DrawFn) -> Sweep:
    plan = draw(searches())
    entered = draw(st.lists(trials(plan), max_size=4, unique_by=lambda trial: trial.number))
    return Sweep(
        sweep_id=f"drawn-{next(_numbers)}",
        name=draw(words),
        plan=plan,
        actor=draw(words),
        state=draw(st.sampled_from(SweepState)),
        created=draw(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))),
        trials=tuple(sorted(entered, key=lambda trial: trial.number)),
        run_id=draw(st.none() | words),
        reason=draw(words),
    )


@settings(max_examples=30)
@given(sweeps())
def test_a_sweep_and_its_trials_come_back_as_they_were_entered(book: SweepBook, sweep: Sweep) -> None:
    book.add(sweep)
    for trial in reversed(sweep.trials):
        assert book.add_trial(sweep.sweep_id, trial)
    assert book.get(sweep.sweep_id) == sweep


def test_another_process_sees_the_same_sweep(tmp_path: Path) -> None:
    engines = [sa.create_engine(f"sqlite:///{tmp_path / 'lab.db'}") for _ in range(2)]
    for engine in engines:
        create_tables(engine)
    sweep = Sweep("s1", "a sweep", SweepPlan.search(RIDGE, trials=3), "tester", SweepState.RUNNING, BEGAN)
    writer, reader = map(SweepBook, engines)
    writer.add(sweep)
    writer.add_trial("s1", a_trial(0))
    assert reader.get("s1") == replace(sweep, trials=(a_trial(0),))
    for engine in engines:
        engine.dispose()


def test_an_unknown_sweep_is_refused_with_a_remedy(book: SweepBook) -> None:
    with pytest.raises(NotFound, match="no sweep 'nobody'") as refusal:
        book.get("nobody")
    assert "python -m core sweeps" in refusal.value.remedy


def test_two_sweeps_of_one_id_are_refused(book: SweepBook, make_sweep: MakeSweep) -> None:
    sweep = make_sweep()
    with pytest.raises(QueueUnavailable):
        book.add(sweep)


def test_of_two_workers_that_start_one_trial_the_second_is_told_so(book: SweepBook, make_sweep: MakeSweep) -> None:
    sweep_id, other_id = make_sweep().sweep_id, make_sweep().sweep_id
    first = a_trial(0)
    assert book.add_trial(sweep_id, first) is True
    assert book.add_trial(sweep_id, replace(first, spec=TrainingSpec.create("ridge", {"alpha": 5}))) is False
    assert book.get(sweep_id).trials == (first,)
    assert book.add_trial(other_id, first) is True, "another sweep has a trial of that number too"


def test_a_broken_database_is_no_second_worker(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(QueueUnavailable) as refusal:
        SweepBook(engine).add_trial("s1", a_trial(0))
    assert refusal.value.remedy
    engine.dispose()


@pytest.mark.parametrize("first", [state for state in TrialState if state is not TrialState.RUNNING])
def test_the_first_end_of_a_trial_counts(book: SweepBook, make_sweep: MakeSweep, first: TrialState) -> None:
    sweep_id = make_sweep().sweep_id
    for number in (0, 1):
        book.add_trial(sweep_id, a_trial(number))
    ended = replace(a_trial(0, first), seconds=4.0, reason="first")
    book.end_trial(sweep_id, ended)
    for later in TrialState:
        book.end_trial(sweep_id, replace(a_trial(0, later, 40_000.0), reason="later"))
    assert book.get(sweep_id).trials == (ended, a_trial(1))


def test_an_end_holds_all_that_was_found(book: SweepBook, make_sweep: MakeSweep) -> None:
    sweep_id = make_sweep().sweep_id
    book.add_trial(sweep_id, a_trial(3))
    ended = replace(
        a_trial(3, TrialState.COMPLETE, 41_234.5),
        run_id="a run",
        fold_rmse=(41_000.1, 41_100.2, 41_600.3),
        steps=((1, 60_000.0), (2, 50_000.0)),
        seconds=12.5,
    )
    book.end_trial(sweep_id, ended)
    assert book.get(sweep_id).trials == (ended,)


@pytest.mark.parametrize("before", SweepState)
@pytest.mark.parametrize("named", [[SweepState.RUNNING], [SweepState.PAUSED], ONGOING, []])
def test_a_state_changes_from_the_ones_named_and_from_no_other(
    book: SweepBook, make_sweep: MakeSweep, before: SweepState, named: list[SweepState]
) -> None:
    sweep = make_sweep(before)
    changed = book.change(sweep.sweep_id, named, SweepState.CANCELLED, "somebody asked")
    assert changed is (before in named)
    after = replace(sweep, state=SweepState.CANCELLED, reason="somebody asked") if changed else sweep
    assert book.get(sweep.sweep_id) == after


def test_a_change_reaches_one_sweep_alone(book: SweepBook, make_sweep: MakeSweep) -> None:
    one, other = make_sweep(), make_sweep()
    assert book.change(one.sweep_id, [SweepState.RUNNING], SweepState.PAUSED)
    assert not book.change("nobody", [SweepState.RUNNING], SweepState.PAUSED)
    assert book.get(other.sweep_id) == other


def test_the_run_of_a_sweep_is_noted(book: SweepBook, make_sweep: MakeSweep) -> None:
    sweep = make_sweep()
    book.set_run(sweep.sweep_id, "a run")
    assert book.get(sweep.sweep_id) == replace(sweep, run_id="a run")


def test_the_newest_come_first_and_no_more_than_asked_for(book: SweepBook, make_sweep: MakeSweep) -> None:
    later = [make_sweep(created=datetime(2150, 1, 1, tzinfo=UTC) + timedelta(days=day)) for day in (2, 1, 3)]
    book.add_trial(later[0].sweep_id, a_trial(0))
    newest = book.newest(2)
    assert newest == [later[2], replace(later[0], trials=(a_trial(0),))]


def test_a_head_tells_of_a_sweep_what_the_whole_sweep_tells(book: SweepBook, make_sweep: MakeSweep) -> None:
    made = [make_sweep(state, created=BEGAN - timedelta(days=day)) for day, state in enumerate(SweepState)]
    for count, sweep in enumerate(made):
        for number, state in enumerate(list(TrialState)[:count]):
            book.add_trial(sweep.sweep_id, a_trial(number, state))
    ids = [sweep.sweep_id for sweep in made]
    heads = [head for head in book.heads(1_000) if head.sweep_id in ids]
    assert [head.sweep_id for head in heads] == ids, "the newest first"
    for head in heads:
        whole = book.get(head.sweep_id)
        assert (head.name, head.state, head.created) == (whole.name, whole.state, whole.created)
        assert (head.ended, head.planned, head.share) == (whole.ended, whole.plan.trials, whole.share)
    under_way = [head.state for head in book.heads(1_000, under_way=True) if head.sweep_id in ids]
    assert under_way == ONGOING
    assert len(book.heads(2)) == 2


def test_under_way_is_what_runs_or_is_paused(book: SweepBook, make_sweep: MakeSweep) -> None:
    made = [make_sweep(state) for state in SweepState]
    listed = {sweep.sweep_id for sweep in book.under_way()}
    assert [sweep.state for sweep in made if sweep.sweep_id in listed] == ONGOING


def test_a_sweep_stays_open_until_it_is_closed_even_when_it_has_ended(book: SweepBook, make_sweep: MakeSweep) -> None:
    sweep, other = make_sweep(SweepState.CANCELLED), make_sweep(SweepState.CANCELLED)
    assert {sweep.sweep_id, other.sweep_id} <= {one.sweep_id for one in book.open()}
    book.close(sweep.sweep_id)
    still = {one.sweep_id for one in book.open()}
    assert sweep.sweep_id not in still
    assert other.sweep_id in still
    assert book.get(sweep.sweep_id) == sweep
