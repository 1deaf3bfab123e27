"""The feed: everything once, then what changed, through MlflowClient alone, local or over HTTP."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests

from core.domain.configuration import load_settings
from core.domain.errors import StoreUnavailable
from core.domain.run_query import Lifecycle, Order, RunKind, RunQuery
from core.domain.runs import Run, RunStatus
from core.domain.settings import PROJECT_ROOT
from core.tracking.run_feed import RunFeed, stamp_of
from core.tracking.run_index import RunIndex
from core.tracking.run_search import matching_runs
from core.tracking.runs import list_runs
from core.tracking.store import Store, open_store
from tests.core.tracking.conftest import feed_all
from tests.core.varied_runs import BEGAN, client_of, database_of, write_run

EVERY = RunQuery(kind=RunKind.ALL, lifecycle=Lifecycle.ALL)
ACTIVE = RunQuery(kind=RunKind.ALL)


@pytest.fixture
def own_store(varied_store: Store, tmp_path: Path) -> Store:
    """A copy of the forty runs to change."""
    settings = load_settings(home=tmp_path, environment={}, values={"tracking": {"experiment_name": "varied"}})
    settings.paths.mlruns.mkdir(parents=True)
    with (
        closing(sqlite3.connect(database_of(varied_store))) as source,
        closing(sqlite3.connect(settings.paths.mlflow_db)) as target,
    ):
        source.backup(target)
    return open_store(settings)


@pytest.fixture
def index(tmp_path: Path) -> RunIndex:
    return RunIndex(tmp_path / "logs" / "run_index.db", "own")


def truth(store: Store) -> dict[str, Run]:
    return {run.run_id: run for run in list_runs(store, limit=1_000, lifecycle=Lifecycle.ALL)}


def same(index: RunIndex, store: Store) -> bool:
    """Whether the index holds exactly the store's runs; NaN is unequal to itself, so compared as written."""

    def written(runs: dict[str, Run]) -> dict[str, object]:
        return {
            run_id: (
                *(run.name, run.status, run.started, run.ended, run.deleted),
                *(sorted(values.items()) for values in (run.params, run.tags)),
                repr(sorted(run.metrics.items())),
            )
            for run_id, run in runs.items()
        }

    return written({run.run_id: run for run in index.all(EVERY)}) == written(truth(store))


def settle() -> None:
    """Let the store's files be older than the moment in which they may change again unseen."""
    time.sleep(0.15)


def go_round(feed: RunFeed, index: RunIndex) -> None:
    """One whole walk over all runs."""
    settle()
    for _ in range(100):
        if feed.has_rest:
            return
        feed.advance(runs=7)
    pytest.fail("the feed finds no rest")


def test_all_runs_come_newest_first_and_a_killed_build_goes_on_where_it_was(own_store: Store, index: RunIndex) -> None:
    feed = RunFeed(own_store, index)
    feed.advance(runs=7)
    assert [run.run_id for run in index.all(EVERY)] == list(truth(own_store))[:7]
    assert not index.state.complete
    again = RunFeed(own_store, index)  # as another process would
    steps = 0
    while not index.state.complete:
        again.advance(runs=7)
        steps += 1
    assert same(index, own_store)
    assert steps <= 7


def test_nothing_is_read_while_the_database_s_files_are_as_they_were(
    own_store: Store, index: RunIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = feed_all(own_store, index)
    go_round(feed, index)
    asked = []
    search = own_store.client.search_runs
    monkeypatch.setattr(
        own_store.client, "search_runs", lambda *words, **named: asked.append(1) or search(*words, **named)
    )
    for _ in range(3):
        feed.verify([EVERY, ACTIVE])
        feed.advance(runs=7)
    assert asked == []
    client_of(own_store).set_tag(next(iter(truth(own_store))), "colour", "green")
    settle()
    feed.verify([EVERY])
    assert asked != []
    assert index.page(dataclasses.replace(EVERY, filter_text="tags.colour = 'green'")).total == 1


def test_runs_that_begin_and_end_elsewhere_come_with_the_next_look(own_store: Store, index: RunIndex) -> None:
    feed = feed_all(own_store, index)
    now = round(time.time() * 1000)
    begun = write_run(own_store, 0, started=now, status="RUNNING")
    settle()
    feed.advance(runs=1)
    assert index.get([begun])[begun].status is RunStatus.RUNNING
    client_of(own_store).set_terminated(begun, "FAILED")
    settle()
    feed.advance(runs=1)
    assert index.get([begun])[begun].status is RunStatus.FAILED


def test_an_imported_run_of_long_ago_is_found_by_the_walk(own_store: Store, index: RunIndex) -> None:
    feed = feed_all(own_store, index)
    imported = [write_run(own_store, number, started=BEGAN - 10**9 * number) for number in (0, 1)]
    go_round(feed, index)
    assert index.get(imported).keys() == set(imported)
    assert same(index, own_store)


def test_what_is_on_a_screen_is_read_again_at_once(own_store: Store, index: RunIndex) -> None:
    feed = feed_all(own_store, index)
    client = client_of(own_store)
    query = dataclasses.replace(ACTIVE, size=3, order=Order.parse("metrics.mae DESC"))
    tagged, deleted, kept = (run.run_id for run in index.page(query).runs)
    client.set_tag(tagged, "colour", "green")
    client.delete_run(deleted)
    unseen = index.page(query.at(3)).runs[0].run_id
    client.set_tag(unseen, "colour", "green")
    green = dataclasses.replace(ACTIVE, filter_text="tags.colour = 'green'")
    settle()
    feed.verify([query, green])
    shown = [run.run_id for run in index.page(query).runs]
    assert shown[:2] == [tagged, kept]
    assert index.get([tagged])[tagged].tags["colour"] == "green"
    assert index.get([deleted])[deleted].deleted
    # Also what comes onto a first page by a change nobody looked at.
    assert {run.run_id for run in index.page(green).runs} == {tagged, unseen}


def test_a_run_that_mlflow_s_gc_took_leaves_the_index(own_store: Store, index: RunIndex) -> None:
    feed = feed_all(own_store, index)
    first, second = [run.run_id for run in index.all(dataclasses.replace(EVERY, lifecycle=Lifecycle.DELETED))][:2]
    own_store.client._tracking_client.store._hard_delete_run(first)  # as ``mlflow gc`` does, which takes 5 s
    settle()
    feed.verify([dataclasses.replace(EVERY, filter_text=f"attributes.run_id = '{first}'")])
    assert index.get([first, second]).keys() == {second}
    assert same(index, own_store)


def test_a_walk_notices_runs_that_are_gone_where_nobody_looks(own_store: Store, index: RunIndex) -> None:
    feed = feed_all(own_store, index)
    stranger = dataclasses.replace(next(index.all(EVERY)), run_id="f" * 32, name="taken by gc")
    index.upsert([stranger], looked=1)
    client_of(own_store).set_tag(next(iter(truth(own_store))), "a", "b")
    go_round(feed, index)
    assert index.get([stranger.run_id]) == {}
    assert same(index, own_store)


@pytest.mark.parametrize("size", [1, 3, 250])
def test_many_runs_of_one_millisecond_do_not_stop_the_walk(own_store: Store, index: RunIndex, size: int) -> None:
    for number in range(5):
        write_run(own_store, number, started=BEGAN)
    feed = RunFeed(own_store, index)
    for _ in range(100):
        if index.state.complete:
            break
        feed.advance(runs=size)
    assert same(index, own_store)


def test_times_beyond_the_calendar_are_taken_in(own_store: Store, index: RunIndex) -> None:
    write_run(own_store, 1, started=10**17)
    write_run(own_store, 2, started=-(10**17))
    feed_all(own_store, index)
    assert index.state.runs == 42
    assert same(index, own_store)


def test_the_aliases_of_versions_come_with_the_runs(own_store: Store, index: RunIndex) -> None:
    feed = feed_all(own_store, index)
    client, (run_id, other, *_) = client_of(own_store), truth(own_store)
    for of in (run_id, other):
        # The store was copied from one in which other tests may have registered versions already.
        made = client.create_model_version(own_store.model_name, "file:///nowhere", run_id=of)
        client.set_registered_model_alias(own_store.model_name, "champion", made.version)
        settle()
        feed.verify([EVERY])
        assert index.recall("aliases") == f'{{"{of}": ["champion"]}}'


def test_a_store_filled_by_others_gets_new_statistics(own_store: Store, index: RunIndex) -> None:
    feed = feed_all(own_store, index)
    index.remember(analysed="20")
    with closing(sqlite3.connect(database_of(own_store))) as database, database:
        database.execute("DELETE FROM sqlite_stat1")
    for number in range(60):
        client_of(own_store).create_run(own_store.experiment_id, start_time=BEGAN + number)
    go_round(feed, index)
    with closing(sqlite3.connect(database_of(own_store))) as database:
        assert database.execute("SELECT COUNT(*) FROM sqlite_stat1 WHERE tbl = 'runs'").fetchone() != (0,)
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert index.recall("analysed") == "100"


def test_a_store_that_goes_away_is_told_and_leaves_the_index_as_it_is(
    own_store: Store, index: RunIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    feed_all(own_store, index)
    before = [run.run_id for run in index.all(EVERY)]
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    nowhere = "http://127.0.0.1:9"
    away = RunFeed(dataclasses.replace(own_store, uri=nowhere, client=MlflowClient(nowhere, nowhere)), index)
    with pytest.raises(StoreUnavailable):
        away.verify([EVERY])
    with pytest.raises(StoreUnavailable):
        away.advance(runs=7)
    assert [run.run_id for run in index.all(EVERY)] == before


FEED = """
import sys, time
from pathlib import Path
from core.domain.configuration import load_settings
from core.tracking.run_feed import RunFeed
from core.tracking.run_index import RunIndex
from core.tracking.store import open_store
settings = load_settings(values={"tracking": {"experiment_name": "varied"}})
feed = RunFeed(open_store(settings), RunIndex(Path(sys.argv[1]), "own"))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(60):
    feed.advance(runs=3)
"""


def test_two_processes_that_feed_one_file_at_once_do_no_harm(own_store: Store, index: RunIndex, tmp_path: Path) -> None:
    environment = {**os.environ, "HOUSING_LAB_HOME": str(tmp_path), "PYTHONPATH": str(PROJECT_ROOT)}
    other = subprocess.Popen(
        [sys.executable, "-c", FEED, str(index.path)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdin is not None
    assert other.stdout is not None
    assert other.stdout.readline() == "ready\n"
    other.stdin.write("go\n")
    other.stdin.flush()
    feed = RunFeed(own_store, index)
    for _ in range(60):
        feed.advance(runs=3)
    other.communicate(timeout=100)
    assert other.returncode == 0
    assert index.state.complete
    assert same(index, own_store)


@pytest.fixture(scope="module")
def served(varied_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The forty runs behind MLflow's own server, as ``python -m core ui`` starts it."""
    home = tmp_path_factory.mktemp("served")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    tracking = {"uri": varied_store.uri, "experiment_name": "varied"}
    settings = load_settings(home=home, environment={}, values={"tracking": tracking})
    server = subprocess.Popen(
        [sys.executable, "-m", "core", "ui", "--port", str(port)],
        cwd=PROJECT_ROOT,
        env={**os.environ, **settings.as_environment()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(lambda: requests.get(f"{address}/health", timeout=1).ok, "the server answers")
        assert "MLflow" in requests.get(address, timeout=5).text
        over_http = load_settings(
            home=home, environment={}, values={"tracking": {"uri": address, "experiment_name": "varied"}}
        )
        yield open_store(over_http)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    _wait(lambda: not _answers(address), "the server and its workers are gone")


def _answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/health", timeout=1).ok
    except requests.RequestException:
        return False


def _wait(until: Callable[[], bool], what: str, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if until():
                return
        except requests.RequestException:
            pass
        time.sleep(0.2)
    pytest.fail(f"not within {seconds} s: {what}")


def test_a_server_over_http_gives_the_same_runs(served: Store, varied_store: Store, index: RunIndex) -> None:
    assert stamp_of(served) is None
    feed = feed_all(served, index)
    assert same(index, varied_store)
    assert not feed.has_rest
    text = "metrics.mae > 5 and params.family != 'ridge' and tags.`Colour of it` ILIKE 'r%'"
    query = dataclasses.replace(ACTIVE, filter_text=text, order=Order.parse("metrics.rmse DESC"))
    feed.verify([query])
    found = [run.run_id for run in matching_runs(varied_store, query)]
    assert [run.run_id for run in index.all(query)] == [run.run_id for run in matching_runs(served, query)] == found
    assert len(found) > 2
