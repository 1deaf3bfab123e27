"""The same code on PostgreSQL: jobs and MLflow's records in it, several workers on one queue."""

from __future__ import annotations

import functools
import itertools
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.domain.configuration import load_settings
from core.domain.errors import QueueUnavailable, StoreUnavailable
from core.domain.jobs import JobState
from core.domain.settings import Settings
from core.domain.sweep_plans import SweepPlan
from core.domain.sweeps import SweepState, TrialState
from core.jobs.desk import Desk, Workplace
from core.jobs.engine import JobQueue
from core.jobs.sweep_control import start_sweep
from core.tracking.lineage import Lineage, dataset_input
from core.tracking.runs import get_run, list_runs
from core.tracking.store import open_store
from core.tracking.tracker import MLflowTracker
from tests.conftest import rows_in
from tests.core.jobs.conftest import is_final, request_of, wait_for
from tests.forked import start_worker, working
from tests.postgres import MissingPostgresError, cluster, create_database

SWEEP_SECONDS = 120
_numbers = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    try:
        running = cluster()
        address, why = running.__enter__(), ""
    except MissingPostgresError as missing:
        why = str(missing)
    if why:
        pytest.fail(why, pytrace=False)
    yield address
    running.__exit__(None, None, None)


@pytest.fixture
def team(server: str, tmp_path: Path, data_file: Path) -> Settings:
    """Settings of a team: both stores in PostgreSQL, still empty."""
    number = next(_numbers)
    return load_settings(
        home=tmp_path,
        environment={
            **rows_in(data_file),
            "HOUSING_LAB_JOBS__DATABASE_URL": create_database(server, f"jobs{number}"),
            "HOUSING_LAB_TRACKING__URI": create_database(server, f"mlflow{number}"),
        },
    )


def test_two_workers_share_a_sweep_and_the_death_of_one_loses_no_trial(team: Settings) -> None:
    share_a_sweep(team, 8)


@pytest.mark.long
def test_two_workers_share_a_sweep_of_20_trials_and_the_death_of_one_loses_none(team: Settings) -> None:
    share_a_sweep(team, 20)


def share_a_sweep(team: Settings, trials: int) -> None:
    """One of the two is killed with a trial in hand, once a quarter has ended."""
    connect = functools.cache(lambda: open_store(team))
    queue = JobQueue(team)
    plan = SweepPlan.search(team.default_spec("ridge"), trials=trials, workers=2)
    sweep_id = start_sweep(queue, connect, plan, actor="tester")
    doomed = start_worker(team, name="doomed")
    with working(team, name="survivor"):
        workers_of: dict[str, str] = {}

        def watch(condition: Callable[[], bool]) -> None:
            deadline = time.monotonic() + SWEEP_SECONDS
            while not condition():
                workers_of.update(queue.board.open_jobs())
                assert time.monotonic() < deadline, queue.sweeps.get(sweep_id)
                time.sleep(0.02)

        def is_caught() -> bool:
            """Whether the worker stands still with a trial in hand."""
            if queue.sweeps.get(sweep_id).ended < trials // 4 or "doomed" not in queue.board.open_jobs().values():
                return False
            assert doomed.pid is not None
            os.kill(doomed.pid, signal.SIGSTOP)
            time.sleep(0.2)  # what it had under way in the database ends
            if "doomed" in queue.board.open_jobs().values():
                return True
            os.kill(doomed.pid, signal.SIGCONT)
            return False

        watch(is_caught)
        (orphan,) = [job_id for job_id, worker in queue.board.open_jobs().items() if worker == "doomed"]
        doomed.kill()
        doomed.join()
        began = time.monotonic()
        watch(lambda: queue.board.open_jobs().get(orphan, "survivor") == "survivor")
        print(f"taken over after {time.monotonic() - began:.1f} s")
        watch(lambda: not queue.sweeps.open() and not queue.board.open_jobs())
        shares = Counter(workers_of.values())
    sweep = queue.sweeps.get(sweep_id)
    print(f"trials first seen with each worker: {dict(shares)}")
    assert sweep.state is SweepState.FINISHED
    assert [trial.number for trial in sweep.trials] == list(range(trials))
    assert {trial.state for trial in sweep.trials} == {TrialState.COMPLETE}
    assert len({trial.run_id for trial in sweep.trials}) == trials
    runs = list_runs(connect())
    assert Counter(run.status for run in runs) == {"FINISHED": trials + 1}, "the trials and the sweep's own"
    assert get_run(connect(), str(sweep.run_id)).metrics["trials_complete"] == trials
    queue.close()


def test_two_processes_may_open_empty_databases_at_once_and_train(team: Settings) -> None:
    with ThreadPoolExecutor(2) as pool:
        workers = list(pool.map(lambda name: start_worker(team, name=name), ["one", "two"]))
    queue = JobQueue(team)
    try:
        jobs = [queue.submit(request_of("ridge")) for _ in range(2)]
        ended = [wait_for(queue, job_id, is_final) for job_id in jobs]
    finally:
        for worker in workers:
            worker.kill()
            worker.join()
    assert [job.state for job in ended] == [JobState.SUCCEEDED] * 2, [job.failure for job in ended]
    assert {job.outcome.version for job in ended if job.outcome} == {"1", "2"}, [job.outcome for job in ended]
    assert not [note for job in ended if job.outcome for note in job.outcome.notes]
    queue.close()


def test_a_model_is_registered_only_once_the_database_has_said_whose_job_it_is(team: Settings, server: str) -> None:
    queue = JobQueue(team)
    job_id = queue.submit(request_of())  # in nobody's hands: whoever holds it by mistake is to drop it
    desk = Desk(Workplace(team, queue, functools.partial(open_store, team), "cut off"), job_id, lambda run, error: ())
    with ThreadPoolExecutor(1) as pool:
        with shut(server, str(team.jobs.database_url).rpartition("/")[2]):
            asked = pool.submit(desk.must_stop)
            assert not desk.should_stop(), "a fit goes on meanwhile"
            time.sleep(1.5)
            assert not asked.done()
        assert asked.result(timeout=30)
    assert desk.should_stop()
    queue.close()


@contextmanager
def shut(server: str, database: str) -> Iterator[None]:
    """Nobody is let into the database, and whoever was there is thrown out, until the block ends."""
    engine = sa.create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')
        there = sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
        connection.execute(there, {"name": database})
        yield
        connection.exec_driver_sql(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true')
    engine.dispose()


def test_two_runs_may_name_the_same_data_at_once(team: Settings) -> None:
    """MLflow looks for the data and then enters them; here another run enters them in between."""
    tracker = MLflowTracker(team, open_store(team))
    run_id = tracker.start_run("late")
    lineage = Lineage("ab" * 32, "file", "/data/housing.csv", 20_640, "42/0.2", "1")
    data = dataset_input(lineage).dataset
    entered = {"id": "0" * 32, "experiment": tracker.store.experiment_id, "name": data.name, "digest": data.digest}
    engine = sa.create_engine(str(team.tracking.uri))
    with ThreadPoolExecutor(1) as pool, engine.connect() as other, engine.connect() as watch:
        other.execute(
            sa.text(
                "INSERT INTO datasets (dataset_uuid, experiment_id, name, digest, dataset_source_type, dataset_source)"
                " VALUES (:id, CAST(:experiment AS INTEGER), :name, :digest, 'local', '{}')"
            ),
            entered,
        )
        logged = pool.submit(tracker.log_lineage, lineage)
        waits = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~* 'datasets'")
        deadline = time.monotonic() + 30
        while watch.execute(waits).scalar_one() == 0:
            assert time.monotonic() < deadline
            watch.rollback()
            time.sleep(0.05)
        other.commit()
        logged.result(timeout=30)
    engine.dispose()
    (used,) = tracker.store.client.get_run(run_id).inputs.dataset_inputs
    assert used.dataset.digest == data.digest


def test_a_process_that_may_not_create_the_tables_shuts_nobody_out(team: Settings) -> None:
    owner = str(team.jobs.database_url)
    engine = sa.create_engine(owner, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE ROLE guest LOGIN")
        connection.exec_driver_sql(f'REVOKE CREATE ON DATABASE "{engine.url.database}" FROM public')
    engine.dispose()
    with pytest.raises(QueueUnavailable, match="permission denied") as refusal:
        JobQueue(_with_jobs_in(team, owner.replace("lab@", "guest@")))
    assert refusal.tb is not None, "it keeps the failed attempt alive while the next one is made"
    with ThreadPoolExecutor(1) as pool:
        queue = pool.submit(JobQueue, team).result(timeout=30)
    assert not queue.list_jobs()
    queue.close()


def test_a_host_that_never_answers_is_given_up_soon(team: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(2) as pool:
        url = f"postgresql://lab@127.0.0.1:{silent.getsockname()[1]}/lab"
        tracking = team.tracking.model_copy(update={"uri": url})
        began = time.monotonic()
        asked = [
            pool.submit(JobQueue, _with_jobs_in(team, url)),
            pool.submit(open_store, team.model_copy(update={"tracking": tracking})),
        ]
        refusals = [future.exception(timeout=60) for future in asked]
    assert [type(refusal) for refusal in refusals] == [QueueUnavailable, StoreUnavailable]
    assert time.monotonic() - began < 15


def test_a_database_that_is_not_there_is_refused_soon_with_a_remedy(team: Settings, server: str) -> None:
    for url in (f"{server}/nobody_made_this", "postgresql://lab@127.0.0.1:9/jobs"):
        began = time.monotonic()
        with pytest.raises(QueueUnavailable) as refusal:
            JobQueue(_with_jobs_in(team, url))
        assert "jobs.database_url" in refusal.value.where
        assert refusal.value.remedy
        assert time.monotonic() - began < 15


def _with_jobs_in(team: Settings, url: str) -> Settings:
    return team.model_copy(update={"jobs": team.jobs.model_copy(update={"database_url": url})})
