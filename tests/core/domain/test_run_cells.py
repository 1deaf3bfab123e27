"""What a table of runs says in each cell, and which columns it has while nobody chose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.money import MISSING
from core.domain.run_cells import cell_text, column_help, column_title, data_text, ordered, titles_of, worth_showing
from core.domain.run_query import Column, ColumnKind
from core.domain.runs import Run, RunStatus

STARTED = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


def run(**changes: object) -> Run:
    given: dict[str, object] = {
        "run_id": "a" * 32,
        "name": "forest",
        "status": RunStatus.FINISHED,
        "started": STARTED,
        "ended": STARTED + timedelta(seconds=95),
        "params": {"family": "random_forest", "n_estimators": "150"},
        "metrics": {"rmse": 48_569.0, "mae": float("nan")},
        "tags": {"data.sha256": "8a3727f4cf54ac1a", "team": "north"},
    }
    return Run(**{**given, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("metrics.rmse", "$48,569"),
        ("metrics.mae", MISSING),
        ("metrics.mape", MISSING),
        ("params.family", "Random forest"),
        ("params.n_estimators", "150"),
        ("params.max_depth", MISSING),
        ("tags.team", "north"),
        ("tags.nobody", MISSING),
        ("attributes.duration", "1 min 35 s"),
        ("attributes.start_time", "2026-03-03 12:00:00"),
        ("attributes.status", "finished"),
        ("attributes.run_name", "forest"),
    ],
)
def test_a_cell_reads_as_people_read_it(column: str, text: str) -> None:
    assert cell_text(run(), Column.parse(column)) == text


def test_a_run_under_way_has_no_duration_and_a_deleted_one_says_so() -> None:
    under_way = run(ended=None, status=RunStatus.RUNNING)
    assert [cell_text(under_way, Column.parse(f"attributes.{key}")) for key in ("duration", "end_time", "status")] == [
        MISSING,
        MISSING,
        "running",
    ]
    assert cell_text(run(deleted=True), Column.parse("attributes.status")) == "deleted"


def test_the_data_are_told_by_the_start_of_their_digest_and_demo_rows_by_name() -> None:
    assert data_text(run()) == "8a3727f4cf54"
    assert data_text(run(tags={"data.source": "demo", "data.sha256": "ff"})) == "demo"
    assert data_text(run(tags={})) == MISSING


def test_the_scores_are_shown_always_and_else_what_tells_runs_apart() -> None:
    there = [Column.parse(name) for name in ("metrics.rmse", "metrics.train_rows", "params.seed", "params.max_depth")]
    varying = [Column.parse(name) for name in ("metrics.train_rows", "params.seed", "tags.team", "params.family")]
    assert [str(column) for column in worth_showing(there, varying)] == ["params.family", "metrics.rmse", "params.seed"]


def test_the_family_and_the_scores_come_first() -> None:
    names = ("tags.a", "params.b", "metrics.zeta", "metrics.mape", "params.family", "metrics.rmse")
    assert [str(column) for column in ordered([Column.parse(name) for name in names])] == [
        "params.family",
        "metrics.rmse",
        "metrics.mape",
        "metrics.zeta",
        "params.b",
        "tags.a",
    ]


def test_two_params_of_one_word_are_told_apart() -> None:
    iterations, trees = Column.parse("params.max_iter"), Column.parse("params.n_estimators")
    assert column_title(iterations) == column_title(trees)
    assert len(set(titles_of([iterations, trees]).values())) == 2


@given(
    st.lists(st.builds(Column, st.sampled_from(list(ColumnKind)[1:]), st.text(min_size=1)), unique=True, max_size=8),
    st.sets(st.text(), max_size=3),
)
def test_no_two_columns_share_a_title(columns: list[Column], taken: set[str]) -> None:
    titles = titles_of(columns, taken)
    assert set(titles) == set(columns)
    assert len(set(titles.values())) == len(columns)


def test_every_column_has_a_title_and_a_param_its_knobs_help() -> None:
    assert column_help(Column.parse("params.max_depth"))
    assert column_title(Column.parse("tags.team")) == "team"
    assert column_title(Column.parse("attributes.start_time")) == "Started"
