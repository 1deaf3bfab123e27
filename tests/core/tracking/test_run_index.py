"""The run index's pages: their order, their columns, and a file that may be broken, foreign or shared."""

from __future__ import annotations

import dataclasses
import math
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.run_query import Column, ColumnKind, Lifecycle, Order, RunKind, RunQuery
from core.domain.runs import Run, RunStatus
from core.domain.settings import PROJECT_ROOT
from core.tracking.run_index import IndexLost, RunIndex, identity_of
from core.tracking.runs import list_runs
from core.tracking.store import Store

EVERY = RunQuery(kind=RunKind.ALL, lifecycle=Lifecycle.ALL)
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def run(number: int, **changes: object) -> Run:
    values = {
        "run_id": f"{number:032x}",
        "name": f"run {number}",
        "status": RunStatus.FINISHED,
        "started": BEGAN + timedelta(seconds=number),
        "ended": BEGAN + timedelta(seconds=2 * number),
        "params": {},
        "metrics": {},
        "tags": {},
        **changes,
    }
    return Run(**values)  # type: ignore[arg-type]


@pytest.fixture
def index(tmp_path: Path) -> RunIndex:
    return RunIndex(tmp_path / "run_index.db", "mine")


def shown(index: RunIndex, order: str) -> list[str]:
    return [run.name for run in index.page(dataclasses.replace(EVERY, order=Order.parse(order))).runs]


def test_missing_and_nan_stand_last_upwards_and_downwards_and_infinity_where_it_belongs(index: RunIndex) -> None:
    figures = {"high": 9.0, "nan": math.nan, "endless": math.inf, "low": 1.0, "bottomless": -math.inf}
    runs = [run(number, name=name, metrics={"rmse": value}) for number, (name, value) in enumerate(figures.items())]
    index.upsert([run(9, name="missing"), *runs], looked=1)
    assert shown(index, "metrics.rmse ASC") == ["bottomless", "low", "high", "endless", "nan", "missing"]
    assert shown(index, "metrics.rmse DESC") == ["endless", "high", "low", "bottomless", "nan", "missing"]
    restored = {one.name: one.metrics.get("rmse") for one in index.page(EVERY).runs}
    assert restored["endless"] == math.inf
    assert math.isnan(restored["nan"] or 0)


def test_params_sort_as_numbers_where_they_are_numbers(index: RunIndex) -> None:
    depths = ["10", "9", "1e1", "-3", "None", "all", "nan", "inf", "²"]
    runs = [run(number, name=text, params={"depth": text}) for number, text in enumerate(depths)]
    index.upsert([*runs, run(20, name="missing")], looked=1)
    assert shown(index, "params.depth ASC") == ["-3", "9", "1e1", "10", "inf", "None", "all", "²", "missing", "nan"]
    assert shown(index, "params.depth DESC") == ["inf", "1e1", "10", "9", "-3", "²", "all", "None", "missing", "nan"]


@pytest.mark.parametrize("descending", [False, True])
def test_a_run_without_an_end_has_no_duration_and_stands_last(index: RunIndex, descending: bool) -> None:
    index.upsert([run(1), run(2, ended=None, status=RunStatus.RUNNING), run(3)], looked=1)
    order = f"attributes.duration {'DESC' if descending else 'ASC'}"
    assert shown(index, order) == (["run 3", "run 1", "run 2"] if descending else ["run 1", "run 3", "run 2"])


def test_ties_go_to_the_newest_run_and_then_by_run_id(index: RunIndex) -> None:
    same = {"metrics": {"rmse": 1.0}, "params": {"depth": "10"}, "started": BEGAN}
    index.upsert([run(number, **same) for number in (3, 1, 2)], looked=1)
    index.upsert([run(9, metrics={"rmse": 1.0}, params={"depth": "1e1"})], looked=1)
    for order in ("metrics.rmse ASC", "metrics.rmse DESC", "params.depth ASC", "params.depth DESC", "start_time DESC"):
        assert shown(index, order) == ["run 9", "run 1", "run 2", "run 3"]


columns = st.sampled_from([str(Column(ColumnKind.METRIC, key)) for key in ("rmse", "mae", "none")]) | st.sampled_from(
    ["params.max_depth", "params.family", "tags.`Colour of it`", "start_time", "end_time", "duration", "run_name"]
)


@settings(max_examples=40)
@given(columns, st.booleans(), st.integers(1, 45))
def test_the_pages_show_every_run_exactly_once(
    varied_store: Store, varied_index: RunIndex, column: str, descending: bool, size: int
) -> None:
    query = dataclasses.replace(EVERY, order=Order(Column.parse(column), descending), size=size)
    pages = [varied_index.page(query.at(number)).runs for number in range(1, math.ceil(40 / size) + 1)]
    seen = [one.run_id for page in pages for one in page]
    assert sorted(seen) == sorted(one.run_id for one in list_runs(varied_store, lifecycle=Lifecycle.ALL))
    assert seen == [one.run_id for one in varied_index.all(query)]


def test_a_page_beyond_the_last_is_the_last(index: RunIndex) -> None:
    index.upsert([run(number) for number in range(30)], looked=1)
    query = dataclasses.replace(EVERY, size=25)
    assert index.page(query.at(1_000)) == index.page(query.at(2))
    assert len(index.page(query.at(2)).runs) == 5
    nobody = index.page(dataclasses.replace(query, name="nobody").at(7))
    assert (nobody.runs, nobody.total) == ((), 0)


def test_runs_come_back_as_mlflow_gave_them(varied_store: Store, varied_index: RunIndex) -> None:
    given_back = {one.run_id: one for one in varied_index.all(EVERY)}
    for one in list_runs(varied_store, lifecycle=Lifecycle.ALL):
        # NaN is unequal to itself, so written out.
        assert repr(dataclasses.replace(given_back[one.run_id], metrics=dict(sorted(one.metrics.items())))) == repr(
            dataclasses.replace(
                one,
                params=dict(sorted(one.params.items())),
                metrics=dict(sorted(one.metrics.items())),
                tags=dict(sorted(one.tags.items())),
            )
        )
        assert repr(sorted(given_back[one.run_id].metrics.items())) == repr(sorted(one.metrics.items()))


def test_columns_are_those_of_the_matching_runs_and_say_which_vary(index: RunIndex) -> None:
    index.upsert(
        [
            run(1, params={"family": "ridge", "seed": "1"}, metrics={"rmse": 1.0, "flat": 2.0}),
            run(2, params={"family": "ridge", "seed": "1"}, metrics={"rmse": 3.0, "flat": 2.0}),
            run(3, params={"family": "forest", "trees": "9"}, metrics={"flat": math.nan}),
        ],
        looked=1,
    )

    def varying(text: str) -> dict[str, tuple[int, bool]]:
        uses = index.columns(dataclasses.replace(EVERY, filter_text=text))
        return {str(use.column): (use.runs, use.varies) for use in uses}

    assert varying("") == {
        "metrics.flat": (3, True),
        "metrics.rmse": (2, True),
        "params.family": (3, True),
        "params.seed": (2, True),
        "params.trees": (1, True),
    }
    assert varying("params.family = 'ridge'") == {
        "metrics.flat": (2, False),
        "metrics.rmse": (2, True),
        "params.family": (2, False),
        "params.seed": (2, False),
    }


def test_what_a_run_no_longer_has_is_no_longer_found(index: RunIndex) -> None:
    red = dataclasses.replace(EVERY, filter_text="tags.colour = 'red'")
    index.upsert([run(1, tags={"colour": "red"}, metrics={"rmse": 1.0}), run(2)], looked=1)
    assert index.page(red).total == 1
    index.upsert([run(1, tags={"colour": "blue"})], looked=2)
    assert index.page(red).total == 0
    assert index.page(dataclasses.replace(EVERY, filter_text="metrics.rmse > 0")).total == 0
    assert index.forget([run(1).run_id], looked=3) == 1
    assert shown(index, "start_time") == ["run 2"]


def test_an_older_look_changes_nothing(index: RunIndex) -> None:
    index.upsert([run(1, name="new")], looked=10)
    assert index.upsert([run(1, name="old")], looked=9) == 0
    assert index.forget([run(1).run_id], looked=9) == 0
    assert shown(index, "start_time") == ["new"]


def test_the_generation_moves_with_what_is_shown_and_with_nothing_else(index: RunIndex) -> None:
    index.upsert([run(number) for number in range(60)], looked=1)
    first = dataclasses.replace(EVERY, size=25)
    before, other = index.signature(first), index.signature(first.at(3))
    generation = index.state.generation
    assert index.upsert([run(number) for number in range(60)], looked=2) == 0
    assert index.state.generation == generation
    index.upsert([run(59, tags={"a": "b"})], looked=3)  # the newest, on the first page
    assert index.signature(first) != before
    assert index.signature(first.at(3)) == other


def test_a_broken_file_is_thrown_away(tmp_path: Path) -> None:
    file = tmp_path / "run_index.db"
    file.write_bytes(b"this is no database, and long enough to be taken for one" * 100)
    assert RunIndex(file, "mine").state.runs == 0


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_a_file_broken_in_the_middle_is_lost_once_and_then_anew(tmp_path: Path, share: float) -> None:
    file = tmp_path / "run_index.db"
    index = RunIndex(file, "mine")
    index.upsert([run(number, tags={"a": "x" * 500}) for number in range(500)], looked=1)
    index.remember(complete="yes")
    index.close()
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    content = bytearray(file.read_bytes())
    start = int(share * len(content))
    content[start:] = b"\xff" * (len(content) - start)
    file.write_bytes(content)
    with pytest.raises(IndexLost):
        list(index.all(EVERY))
    assert index.state.complete is False
    assert index.upsert([run(1)], looked=1) == 1


def test_a_file_of_another_version_or_store_is_emptied(tmp_path: Path) -> None:
    file = tmp_path / "run_index.db"
    mine = RunIndex(file, identity_of("sqlite:///a.db", "houses"))
    mine.upsert([run(1)], looked=1)
    for other in (identity_of("sqlite:///b.db", "houses"), identity_of("sqlite:///b.db", "flats")):
        theirs = RunIndex(file, other)
        assert theirs.state.runs == 0
        theirs.upsert([run(2)], looked=1)
        theirs.close()
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    assert RunIndex(file, other).state.runs == 0


def test_an_experiment_made_anew_under_its_old_name_empties_the_file(index: RunIndex) -> None:
    index.claim("1")
    index.upsert([run(1)], looked=1)
    index.claim("1")
    assert index.state.runs == 1
    index.claim("2")
    assert index.state.runs == 0


def test_a_file_taken_away_meanwhile_is_made_anew(index: RunIndex) -> None:
    index.upsert([run(1)], looked=1)
    for suffix in ("", "-wal", "-shm"):
        Path(f"{index.path}{suffix}").unlink(missing_ok=True)
    assert index.state.runs == 0


def test_a_folder_that_cannot_be_written_loses_the_index_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(IndexLost):
        RunIndex(tmp_path / "logs" / "run_index.db", "mine").page(EVERY)


WRITE = """
import sys, time
from pathlib import Path
from core.tracking.run_index import RunIndex
from tests.core.tracking.test_run_index import run
index = RunIndex(Path(sys.argv[1]), "mine")
first = int(sys.argv[2])
for number in range(first, first + 200):
    index.upsert([run(number), run(5_000, name=f"last touched by {number}")], looked=time.time())
"""


def test_two_processes_fill_one_file_while_a_third_reads(index: RunIndex) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITE, str(index.path), str(first)], cwd=PROJECT_ROOT)
        for first in (0, 1_000)
    ]
    slowest = 0.0
    while any(writer.poll() is None for writer in writers):
        began = time.perf_counter()
        page = index.page(EVERY)
        slowest = max(slowest, time.perf_counter() - began)
        assert len(page.runs) == min(page.total, EVERY.size)
    assert [writer.returncode for writer in writers] == [0, 0]
    assert index.state.runs == 401
    assert slowest < 1
