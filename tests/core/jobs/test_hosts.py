"""Workers on several hosts: one database, one MLflow server, and a cable that is pulled in the middle."""

from __future__ import annotations

import functools
import itertools
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.domain.addresses import patient
from core.domain.configuration import load_settings
from core.domain.jobs import JobState
from core.domain.provenance import JOB_TAG
from core.domain.settings import PROJECT_ROOT, Settings
from core.domain.sweep_plans import SweepPlan
from core.domain.sweeps import SweepState, TrialState
from core.jobs.engine import JobQueue
from core.jobs.sweep_control import start_sweep
from core.tracking.local_registry import ModelRegistry
from core.tracking.registry import all_versions
from core.tracking.runs import list_runs
from core.tracking.store import open_store
from tests.conftest import rows_in
from tests.core.jobs.conftest import has_grown, is_final, request_of, wait_for
from tests.hosts import Host, Network, NoNamespacesError, network
from tests.postgres import cluster, create_database
from tests.team_servers import mlflow_server, object_store

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

TRIALS = 30
SWEEP_SECONDS = 420
TAKEOVER_SECONDS = 60
RETURN_SECONDS = 60
GIVEN_UP_SECONDS = 30
TRAINING_SECONDS = 240
_numbers = itertools.count()

ASK_FOR_LONG = """
import sys, sqlalchemy as sa
with sa.create_engine(sys.argv[1]).connect() as connection:
    print("asked", flush=True)
    connection.exec_driver_sql("SELECT pg_sleep(600)")
"""

LOCK_FOR_LONG = """
import sys, time, sqlalchemy as sa
with sa.create_engine(sys.argv[1]).begin() as connection:
    connection.exec_driver_sql("UPDATE held SET number = 2")
    print("locked", flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def cables() -> Iterator[Network]:
    running = network(3)
    try:
        made, why = running.__enter__(), ""
    except NoNamespacesError as missing:
        why = str(missing)
    if why:
        pytest.skip(why)
    yield made
    running.__exit__(None, None, None)


@pytest.fixture(scope="module")
def postgres(cables: Network) -> Iterator[str]:
    with cluster(cables.servers) as address:
        yield address


@pytest.fixture
def team(cables: Network, postgres: str, tmp_path: Path, data_file: Path) -> Iterator[Settings]:
    """Settings of the servers, still empty, under a home of no host."""
    number = next(_numbers)
    with object_store(cables.servers) as objects:
        bucket = objects.make_bucket("lab-hosts")
        with mlflow_server(
            create_database(postgres, f"mlflow{number}"), bucket, objects, host=cables.servers
        ) as mlflow:
            environment = {
                **rows_in(data_file),
                "HOUSING_LAB_JOBS__DATABASE_URL": create_database(postgres, f"jobs{number}"),
                "HOUSING_LAB_TRACKING__URI": mlflow,
            }
            yield load_settings(home=tmp_path / "desk", environment=environment)


def test_a_host_that_is_cut_off_in_the_middle_of_a_sweep_loses_none_of_30_trials_and_none_is_done_twice(
    cables: Network, team: Settings, tmp_path: Path
) -> None:
    connect = functools.cache(lambda: open_store(team))
    queue = JobQueue(team)
    doomed = cables.hosts[0]
    with ExitStack() as workers:
        for host in cables.hosts:
            workers.enter_context(worker_on(host, team, tmp_path))
        until(lambda: len(queue.live_workers()) == len(cables.hosts), seconds=120)
        plan = SweepPlan.search(team.default_spec("ridge"), trials=TRIALS, workers=len(cables.hosts))
        began = time.monotonic()
        sweep_id = start_sweep(queue, connect, plan, actor="tester")
        shares: dict[str, str] = {}

        def watch(condition: Callable[[], bool], seconds: float = SWEEP_SECONDS) -> None:
            def look() -> bool:
                shares.update(queue.board.open_jobs())
                return condition()

            until(look, seconds=seconds)

        def is_caught() -> bool:
            """Whether the cable is pulled while the host has a trial in hand that it can end no more."""
            if queue.sweeps.get(sweep_id).ended < TRIALS // 5 or not jobs_of(queue, doomed):
                return False
            doomed.pull()
            time.sleep(0.5)  # what the database has heard already ends
            if jobs_of(queue, doomed):
                return True
            doomed.plug()
            return False

        watch(is_caught)
        cut_off, (orphan,) = time.monotonic(), jobs_of(queue, doomed)
        watch(
            lambda: not (queue.board.open_jobs().get(orphan) or doomed.name).startswith(doomed.name), TAKEOVER_SECONDS
        )
        taken_over = time.monotonic() - cut_off
        watch(lambda: not queue.sweeps.open())
        swept = time.monotonic() - began

        doomed.plug()
        plugged = time.monotonic()
        until(lambda: any(is_of(doomed, worker.worker_id) for worker in queue.live_workers()), seconds=RETURN_SECONDS)
        returned = time.monotonic() - plugged
        until(lambda: not queue.board.open_jobs(), seconds=RETURN_SECONDS)
        # The one that came back works like the others: alone it trains what is asked for next.
        workers.close()
        with worker_on(doomed, team, tmp_path):
            last = wait_for(queue, queue.submit(request_of("ridge", name="after the cut")), is_final)

    print(f"{TRIALS} trials in {swept:.0f} s; taken over {taken_over:.1f} s after the cut; back {returned:.1f} s later")
    print(f"trials first seen on each host: {dict(Counter(name.rsplit('-', 1)[0] for name in shares.values()))}")
    sweep = queue.sweeps.get(sweep_id)
    assert sweep.state is SweepState.FINISHED
    assert [trial.number for trial in sweep.trials] == list(range(TRIALS))
    assert {trial.state for trial in sweep.trials} == {TrialState.COMPLETE}
    assert len({trial.run_id for trial in sweep.trials}) == TRIALS
    runs = list_runs(connect(), limit=1000)
    assert Counter(run.status for run in runs) == {"FINISHED": TRIALS + 2}, "the trials, the sweep's own, the last one"
    jobs = Counter(run.tags[JOB_TAG] for run in runs if JOB_TAG in run.tags)
    assert set(jobs.values()) == {1}
    assert last.state is JobState.SUCCEEDED, last.failure
    assert [version.version for version in all_versions(connect())] == ["1"]
    queue.close()


def test_a_training_whose_host_was_cut_off_is_registered_once_though_the_host_ends_its_fit_and_comes_back(
    cables: Network, team: Settings, tmp_path: Path
) -> None:
    connect = functools.cache(lambda: open_store(team))
    queue = JobQueue(team)
    first, second = cables.hosts[:2]
    with worker_on(first, team, tmp_path):
        job_id = queue.submit(request_of("random_forest", n_estimators=200, max_depth=20))
        wait_for(queue, job_id, has_grown, seconds=TRAINING_SECONDS)
        first.pull()
        with worker_on(second, team, tmp_path):
            until(lambda: job_id in jobs_of(queue, second), seconds=TRAINING_SECONDS)
            job = wait_for(queue, job_id, is_final, seconds=TRAINING_SECONDS)
            until(lambda: not queue.board.open_jobs(), seconds=RETURN_SECONDS)
            first.plug()
            until(lambda: len(queue.live_workers()) == 2, seconds=RETURN_SECONDS)
        # Alone again, it takes the next one: whatever it still meant to do with the old one is done by then.
        other = wait_for(queue, queue.submit(request_of()), is_final, seconds=TRAINING_SECONDS)
    assert (job.state, other.state) == (JobState.SUCCEEDED, JobState.SUCCEEDED), (job.failure, other.failure)
    assert Counter(run.status for run in list_runs(connect())) == {"FINISHED": 2}
    assert [version.version for version in all_versions(connect())] == ["2", "1"]
    assert (kept_on(first, team, tmp_path), kept_on(second, team, tmp_path)) == (["2"], ["1"])
    assert not list(home_of(second, team, tmp_path).paths.job_files.glob("*"))
    queue.close()


def test_an_answer_that_never_comes_is_given_up(cables: Network, postgres: str, tmp_path: Path) -> None:
    """Nothing is sent while an answer is waited for, so only keepalives notice; by default in two hours."""
    host, log = cables.hosts[1], tmp_path / "asked.log"
    address = patient(create_database(postgres, "asked"))
    command = [sys.executable, "-c", ASK_FOR_LONG, address]
    with host.running(command, environment={}, cwd=tmp_path, log=log) as asking:
        until(lambda: "asked" in log.read_text(), seconds=60)
        time.sleep(1)
        host.pull()
        began = time.monotonic()
        try:
            asking.wait(GIVEN_UP_SECONDS)
        except subprocess.TimeoutExpired:
            pytest.fail(f"it still waited {GIVEN_UP_SECONDS} s after the cable was pulled")
        finally:
            host.plug()
    print(f"given up {time.monotonic() - began:.1f} s after the cut")
    assert asking.returncode == 1
    assert "OperationalError" in log.read_text()


def test_a_row_that_a_host_had_locked_is_free_soon_after_it_was_cut_off(
    cables: Network, postgres: str, tmp_path: Path
) -> None:
    """The database waits for the rest of a transaction, by default for ever, and everybody else for the row."""
    host, log = cables.hosts[2], tmp_path / "locked.log"
    address = patient(create_database(postgres, "locked"))
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE held AS SELECT 1 AS number")
    with (
        host.running([sys.executable, "-c", LOCK_FOR_LONG, address], environment={}, cwd=tmp_path, log=log),
        engine.begin() as connection,
    ):
        until(lambda: "locked" in log.read_text(), seconds=60)
        host.pull()
        began = time.monotonic()
        try:
            connection.exec_driver_sql(f"SET lock_timeout = '{GIVEN_UP_SECONDS}s'")
            connection.exec_driver_sql("UPDATE held SET number = 3")
        finally:
            host.plug()
    print(f"free {time.monotonic() - began:.1f} s after the cut")
    engine.dispose()


def worker_on(host: Host, team: Settings, folder: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """A worker there, over a home of its own."""
    settings = home_of(host, team, folder)
    settings.home.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "core", "worker"]
    log = settings.home / "worker.log"
    return host.running(command, environment=settings.as_environment(), cwd=PROJECT_ROOT, log=log)


def kept_on(host: Host, team: Settings, folder: Path) -> list[str | None]:
    """Versions whose model file lies there; the others are known there from MLflow alone."""
    registry = ModelRegistry(home_of(host, team, folder))
    return [entry.mlflow_version for entry in registry.read_file() if entry.model_path]


def home_of(host: Host, team: Settings, folder: Path) -> Settings:
    return team.model_copy(update={"home": folder / host.name})


def is_of(host: Host, worker_id: str) -> bool:
    return worker_id.startswith(f"{host.name}-")


def jobs_of(queue: JobQueue, host: Host) -> list[str]:
    """What its worker has in hand, as the database knows it."""
    return [job_id for job_id, worker_id in queue.board.open_jobs().items() if is_of(host, worker_id)]


def until(condition: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)
