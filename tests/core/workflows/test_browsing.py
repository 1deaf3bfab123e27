"""The runs as a screen sees them: pages at once and true within seconds, changes, one run's view, its files."""

from __future__ import annotations

import csv
import dataclasses
import io
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.domain.configuration import load_settings
from core.domain.errors import InvalidFilter, NotFound, RecordsError, StoreUnavailable
from core.domain.provenance import NOTE_TAG
from core.domain.run_query import Column, ColumnKind, Lifecycle, Order, RunKind, RunQuery
from core.domain.runs import RunStatus
from core.domain.settings import Settings
from core.tracking.run_edits import LONGEST_VALUE
from core.tracking.run_index import RunIndex
from core.tracking.run_search import matching_runs
from core.tracking.runs import list_runs
from core.tracking.store import Store, open_store
from core.workflows import refreshing
from core.workflows.browsing import Browsing
from core.workflows.run_pages import PageSource, RunPage, page_from_index
from tests.actors import TESTER
from tests.core.varied_runs import client_of, write_run

if TYPE_CHECKING:
    from mlflow import MlflowClient

SECONDS = 10.0
"""Within so many what was changed elsewhere shows."""

RUNS = 30
EVERY = RunQuery(kind=RunKind.ALL)


@pytest.fixture(scope="module")
def filled(empty_store_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a store with thirty runs of every kind."""
    home = tmp_path_factory.mktemp("filled")
    settings = load_settings(home=home, environment={})
    settings.paths.mlruns.mkdir(parents=True)
    shutil.copy(empty_store_file, settings.paths.mlflow_db)
    store = open_store(settings)
    for number in range(RUNS):
        write_run(store, number)
    copy = home / "copy.db"
    with closing(sqlite3.connect(settings.paths.mlflow_db)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy


@pytest.fixture
def browsed_home(filled: Path, tmp_path: Path) -> Settings:
    settings = load_settings(home=tmp_path / "home", environment={})
    settings.paths.mlruns.mkdir(parents=True)
    shutil.copy(filled, settings.paths.mlflow_db)
    return settings


@pytest.fixture
def store(browsed_home: Settings) -> Store:
    return open_store(browsed_home)


@pytest.fixture
def browsing(browsed_home: Settings, store: Store) -> Iterator[Browsing]:
    desk = Browsing(browsed_home, lambda: store)
    yield desk
    desk.close()


@pytest.fixture
def client(store: Store) -> MlflowClient:
    return client_of(store)


def wait_for(found: Callable[[], bool], seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)


def page_when(browsing: Browsing, query: RunQuery, is_so: Callable[[RunPage], bool]) -> RunPage:
    """The page as soon as it is so, asked for again and again as a screen does."""
    wait_for(lambda: is_so(browsing.page(query)))
    return browsing.page(query)


def indexed(browsing: Browsing, query: RunQuery = EVERY) -> RunPage:
    return page_when(browsing, query, lambda page: page.source is PageSource.INDEX)


def ids(page: RunPage) -> list[str]:
    return [run.run_id for run in page.runs]


def test_the_first_page_does_not_wait_until_all_runs_are_read(
    browsing: Browsing, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    monkeypatch.setattr("core.tracking.run_walk.RunWalk.step", lambda walk, size, stamp: gate.wait(30) and False)
    query = dataclasses.replace(EVERY, order=Order.parse("metrics.rmse"), size=10)
    page = browsing.page(query)
    assert page.source is PageSource.STORE
    assert ids(page) == [run.run_id for run in matching_runs(store, query)][:10]
    assert (page.page, page.pages, page.total, page.at_least) == (1, 2, 10, True)
    assert "Reading all runs" in page.building
    second = browsing.page(query.at(2))
    assert ids(second) == [run.run_id for run in matching_runs(store, query)][10:20]
    last = browsing.page(query.at(50))
    assert (last.page, last.pages, last.at_least) == (3, 3, False)
    duration = browsing.page(dataclasses.replace(query, order=Order.parse("duration")))
    assert "cannot sort" in duration.building
    gate.set()


def test_the_page_comes_from_the_index_once_all_are_read_and_is_the_same(browsing: Browsing, store: Store) -> None:
    before = browsing.page(EVERY)
    page = indexed(browsing)
    assert ids(page) == ids(before) == [run.run_id for run in matching_runs(store, EVERY)]
    assert (page.total, page.pages, page.at_least, page.building, page.stale) == (len(page.runs), 1, False, "", "")
    assert Column(ColumnKind.METRIC, "rmse") in page.varying
    assert Column(ColumnKind.PARAM, "all alike") in page.columns
    assert Column(ColumnKind.PARAM, "all alike") not in page.varying
    assert set(page.columns) <= set(browsing.columns())


def test_a_tag_set_elsewhere_shows_within_seconds(browsing: Browsing, client: MlflowClient) -> None:
    page = indexed(browsing)
    before = browsing.generation(EVERY)
    assert before == page.generation
    client.set_tag(page.runs[-1].run_id, "colour", "green")
    wait_for(lambda: browsing.generation(EVERY) != before)
    assert browsing.page(EVERY).runs[-1].tags["colour"] == "green"


def test_who_comes_after_nobody_looked_for_long_sees_what_came_meanwhile_at_once(
    browsing: Browsing, client: MlflowClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexed(browsing)
    monkeypatch.setattr(refreshing, "LOOKED_AT_SECONDS", 0.1)
    wait_for(lambda: not browsing._refresher._watched)
    new = client.create_run(store.experiment_id, run_name="meanwhile").info.run_id
    client.set_terminated(new)
    page = browsing.page(EVERY)
    assert page.source is PageSource.INDEX
    assert ids(page)[0] == new


def test_a_run_deleted_or_restored_elsewhere_leaves_the_page_or_comes_back(
    browsing: Browsing, client: MlflowClient
) -> None:
    run_id = ids(indexed(browsing))[3]
    client.delete_run(run_id)
    page_when(browsing, EVERY, lambda page: run_id not in ids(page))
    gone = dataclasses.replace(EVERY, lifecycle=Lifecycle.DELETED)
    assert run_id in ids(page_when(browsing, gone, lambda page: run_id in ids(page)))
    client.restore_run(run_id)
    page_when(browsing, EVERY, lambda page: run_id in ids(page))


def test_a_run_that_begins_and_ends_elsewhere_shows_as_it_stands(
    browsing: Browsing, client: MlflowClient, store: Store
) -> None:
    indexed(browsing)
    begun = client.create_run(store.experiment_id, run_name="elsewhere").info.run_id
    page = page_when(browsing, EVERY, lambda page: begun in ids(page))
    assert page.runs[0].status is RunStatus.RUNNING
    client.log_metric(begun, "rmse", 1.0)
    client.set_terminated(begun, "FAILED")
    page = page_when(browsing, EVERY, lambda page: page.runs[0].status is RunStatus.FAILED)
    assert page.runs[0].metrics == {"rmse": 1.0}


def test_a_run_that_comes_to_match_a_filter_shows_within_seconds(browsing: Browsing, client: MlflowClient) -> None:
    oldest = indexed(browsing).runs[-1].run_id
    chosen = dataclasses.replace(EVERY, filter_text="tags.chosen = 'yes'")
    assert browsing.page(chosen).total == 0
    client.set_tag(oldest, "chosen", "yes")
    assert ids(page_when(browsing, chosen, lambda page: page.total == 1)) == [oldest]


def test_own_changes_show_at_once(browsing: Browsing) -> None:
    first, second, *_ = ids(indexed(browsing))
    browsing.tag([first, second], " colour ", "green", actor=TESTER)
    browsing.note(first, "the best so far", actor=TESTER)
    shown = {run.run_id: run for run in browsing.page(EVERY).runs}
    assert [shown[one].tags["colour"] for one in (first, second)] == ["green", "green"]
    assert shown[first].note == browsing.note_of(first) == "the best so far"
    browsing.delete([first], actor=TESTER)
    assert first not in ids(browsing.page(EVERY))
    browsing.restore([first], actor=TESTER)
    assert first in ids(browsing.page(EVERY))


def test_a_run_whose_version_serves_is_not_deleted(browsing: Browsing, client: MlflowClient, store: Store) -> None:
    serving, other, *_ = ids(indexed(browsing))
    client.create_model_version(store.model_name, "file:///nowhere", run_id=serving)
    client.set_registered_model_alias(store.model_name, "champion", "1")
    with pytest.raises(RecordsError, match=r"1 of 3 runs are deleted\. Not deleted: .*no such run.*champion"):
        browsing.delete([serving, other, "f" * 32], actor=TESTER)
    page = browsing.page(EVERY)
    assert serving in ids(page)
    assert other not in ids(page)
    page = page_when(browsing, EVERY, lambda page: bool(page.aliases))
    assert page.aliases == {serving: ("champion",)}
    assert browsing.detail(serving).aliases == ("champion",)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("data.sha256", "ab", "where a run comes from"),
        ("mlflow.note.content", "x", "where a run comes from"),
        ("", "x", "no name for a tag"),
        ("a'b", "x", "no name for a tag"),
        ("k" * 251, "x", "no name for a tag"),
        ("colour", "x" * 1_000_000, "1,000,000 characters"),
        ("colour", "nul\0inside", "no database can keep"),
        ("colour", "\ud800", "no database can keep"),
    ],
)
def test_a_tag_that_cannot_be_kept_whole_is_refused(browsing: Browsing, key: str, value: str, said: str) -> None:
    run_id = browsing.page(EVERY).runs[0].run_id
    before = browsing.detail(run_id).run.tags
    with pytest.raises(RecordsError, match=said):
        browsing.tag([run_id], key, value, actor=TESTER)
    assert browsing.detail(run_id).run.tags == before


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "'; DROP TABLE runs; --", "=1+1", "ü" * LONGEST_VALUE, "a\n\tb", ""]
)
def test_hostile_text_is_stored_whole(browsing: Browsing, client: MlflowClient, text: str) -> None:
    run_id = browsing.page(EVERY).runs[0].run_id
    browsing.note(run_id, text, actor=TESTER)
    browsing.tag([run_id], "colour of/it: 1", text, actor=TESTER)
    tags = client.get_run(run_id).data.tags
    assert (tags[NOTE_TAG], tags["colour of/it: 1"]) == (text, text)


def test_a_note_too_long_for_mlflow_is_refused(browsing: Browsing) -> None:
    run_id = browsing.page(EVERY).runs[0].run_id
    with pytest.raises(RecordsError, match="8,001 characters"):
        browsing.note(run_id, "x" * (LONGEST_VALUE + 1), actor=TESTER)


def test_what_only_mlflow_can_answer_comes_from_it(browsing: Browsing) -> None:
    indexed(browsing)
    query = dataclasses.replace(EVERY, filter_text="attributes.artifact_uri LIKE '%/artifacts'")
    page = browsing.page(query)
    assert page.source is PageSource.STORE
    assert (page.total, page.building) == (25, "")
    assert browsing.generation(query) == browsing.page(query).generation
    with pytest.raises(InvalidFilter):
        browsing.page(dataclasses.replace(EVERY, filter_text="rmse <"))


def test_a_broken_index_is_made_anew_and_the_page_comes_meanwhile(browsing: Browsing, browsed_home: Settings) -> None:
    page = indexed(browsing)
    for suffix in ("-wal", "-shm", ""):
        Path(f"{browsed_home.paths.run_index}{suffix}").unlink(missing_ok=True)
    browsed_home.paths.run_index.write_bytes(b"broken" * 10_000)
    assert ids(browsing.page(EVERY)) == ids(page)
    assert ids(indexed(browsing)) == ids(page)


def test_no_page_is_read_from_an_index_that_was_made_anew_after_it_was_called_complete(
    browsing: Browsing, browsed_home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = indexed(browsing)

    def lost_meanwhile(index: RunIndex, query: RunQuery, *, stale: str) -> RunPage:
        index.close()
        for suffix in ("-wal", "-shm", ""):
            Path(f"{browsed_home.paths.run_index}{suffix}").unlink(missing_ok=True)
        return page_from_index(index, query, stale=stale)

    monkeypatch.setattr("core.workflows.browsing.page_from_index", lost_meanwhile)
    assert ids(browsing.page(EVERY)) == ids(page)


def test_while_mlflow_is_away_the_index_goes_on_and_says_since_when(browsing: Browsing, browsed_home: Settings) -> None:
    page = indexed(browsing)
    browsing.close()

    def away() -> Store:
        raise StoreUnavailable("MLflow's store does not answer.", remedy="Wait.")

    later = Browsing(browsed_home, away)
    try:
        assert ids(later.page(EVERY)) == ids(page)
        stale = page_when(later, EVERY, lambda page: bool(page.stale))
        assert "has not answered since" in stale.stale
        assert "does not answer." in stale.stale
        assert later.generation(EVERY) == stale.generation != page.generation
        browsed_home.paths.run_index.unlink()
        with pytest.raises(StoreUnavailable):
            later.page(EVERY)
    finally:
        later.close()


def test_only_one_of_two_labs_reads_all_runs_and_both_pages_are_true(
    browsing: Browsing, browsed_home: Settings, store: Store, client: MlflowClient
) -> None:
    other = Browsing(browsed_home, lambda: store)
    try:
        assert ids(indexed(browsing)) == ids(indexed(other))
        client.set_tag(ids(browsing.page(EVERY))[0], "colour", "green")
        for desk in (browsing, other):
            page_when(desk, EVERY, lambda page: page.runs[0].tags.get("colour") == "green")
    finally:
        other.close()


def test_the_thread_sleeps_while_nobody_looks(browsing: Browsing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.workflows.refreshing.LOOKED_AT_SECONDS", 0.5)
    indexed(browsing)
    wait_for(lambda: not browsing._refresher._watched)
    indexed(browsing)


def rows(lines: Iterator[str]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(lines))))


@pytest.mark.parametrize("wait", [False, True])
def test_an_export_holds_every_matching_run_and_no_formula(browsing: Browsing, store: Store, wait: bool) -> None:
    if wait:
        indexed(browsing)
    query = dataclasses.replace(EVERY, size=5, order=Order.parse("metrics.rmse"), lifecycle=Lifecycle.ALL)
    exported = rows(browsing.export(query))
    runs = list(matching_runs(store, query))
    assert [row["run_id"] for row in exported] == [run.run_id for run in runs]
    assert {row["name"] for row in exported} >= {"'=1+1", "-7", "it's ours"}
    for row, run in zip(exported, runs, strict=True):
        figure = run.metrics.get("rmse")
        assert row["metrics.rmse"].lstrip("'") in ("" if figure is None else str(figure), "", "Infinity", "-Infinity")
        assert row["params.max_depth"].lstrip("'") == run.params.get("max_depth", "")


def test_an_export_of_picked_runs_holds_them_in_their_order(browsing: Browsing) -> None:
    picked = ids(browsing.page(EVERY))[:3][::-1]
    assert [row["run_id"] for row in rows(browsing.export(EVERY, picked))] == picked


def test_the_first_so_many_runs_of_a_query_are_had_whatever_its_page(browsing: Browsing) -> None:
    page = indexed(browsing)
    assert browsing.matching(dataclasses.replace(EVERY, size=5, page=2), most=7) == page.runs[:7]


def test_a_run_s_own_view_has_its_curves_parent_lineage_and_files(
    browsing: Browsing, client: MlflowClient, store: Store, tmp_path: Path
) -> None:
    parent, run_id, *_ = ids(browsing.page(EVERY))
    client.set_tag(run_id, "mlflow.parentRunId", parent)
    client.set_tag(run_id, "failure", "It broke.")
    for step in (2, 0, 1):
        client.log_metric(run_id, "loss", 10.0 - step, step=step)
    file = tmp_path / "a b.txt"
    file.write_text("hello", encoding="utf-8")
    client.log_artifact(run_id, str(file))
    client.log_artifact(run_id, str(file), artifact_path="deep/er")
    detail = browsing.detail(run_id)
    assert detail.parent is not None
    assert detail.parent.run_id == parent
    assert detail.curves == {"loss": ((0, 10.0), (1, 9.0), (2, 8.0))}
    assert [(one.path, one.size) for one in detail.files] == [("a b.txt", 5), ("deep/er/a b.txt", 5)]
    assert detail.failure == "It broke."
    assert (detail.version, detail.aliases, detail.champion) == (None, (), None)
    assert browsing.artifact(run_id, "deep/er/a b.txt") == b"hello"
    for path in ("../../../mlflow.db", "deep", "/etc/passwd", "deep/er/../er/a b.txt", ""):
        with pytest.raises(NotFound):
            browsing.artifact(run_id, path)
    with pytest.raises(NotFound):
        browsing.detail("f" * 32)


def test_a_trained_run_has_its_version_its_lineage_and_its_plots(
    trained_settings: Settings, trained_store: Store, tmp_path: Path
) -> None:
    desk = Browsing(trained_settings.model_copy(update={"home": tmp_path}), lambda: trained_store)
    (run,) = list_runs(trained_store)
    detail = desk.detail(run.run_id)
    assert detail.version is not None
    assert detail.version.version == "1"
    assert dict(detail.lineage)["Data SHA-256"] == run.tags["data.sha256"]
    assert "predictions.parquet" in {file.path for file in detail.files}
    assert len(desk.held_out(run.run_id).actual) == 4_128


def test_the_link_leads_to_mlflow_s_own_page(browsing: Browsing, store: Store, browsed_home: Settings) -> None:
    assert browsing.mlflow_link("abc") == f"http://127.0.0.1:5002/#/experiments/{store.experiment_id}/runs/abc"
    remote = dataclasses.replace(store, uri="https://mlflow.example.org/")
    link = Browsing(browsed_home, lambda: remote).mlflow_link("abc")
    assert link == f"https://mlflow.example.org/#/experiments/{store.experiment_id}/runs/abc"
