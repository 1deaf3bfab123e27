"""The index answers every filter as MLflow does, and any text is a filter or a clear refusal."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.domain.errors import InvalidFilter
from core.domain.hyperparameters import ModelFamily
from core.domain.run_query import Column, ColumnKind, Lifecycle, Order, RunKind, RunQuery
from core.domain.runs import RunStatus
from core.tracking.run_filter import MOST_CLAUSES, clauses_of, filter_text_of, parse_filter
from core.tracking.run_index import RunIndex
from core.tracking.run_search import matching_runs
from core.tracking.runs import list_runs
from core.tracking.store import Store
from tests.core.varied_runs import BEGAN, DEPTHS, NAMES, NOTES

NUMBERS = ["0", "-1.5", "50000", "48500.5", "1e308", "-1e308", "1e999", "3", "1.7976931348623157e308"]
TEXTS = [text for text in (*NAMES, *DEPTHS, *NOTES, "FOREST%", "%o%", "_ed", "%", "", "s1") if text is not None]


def quoted(text: str) -> str:
    return f'"{text}"' if "'" in text else f"'{text}'"


def key_of(kind: str, key: str) -> str:
    return f"{kind}.`{key}`"


metric_clauses = st.builds(
    lambda key, how, number: f"{key_of('metrics', key)} {how} {number}",
    st.sampled_from(["rmse", "mae", "nobody logged this"]),
    st.sampled_from([">", ">=", "=", "!=", "<", "<="]),
    st.sampled_from(NUMBERS),
)
text_keys = st.sampled_from(
    [key_of("params", key) for key in ("family", "max_depth", "all alike", "none")]
    + [key_of("tags", key) for key in ("mlflow.note.content", "Colour of it", "sweep.id", "none", "mlflow.runName")]
)
text_clauses = st.builds(
    lambda key, how, text: f"{key} {how} {quoted(text)}",
    text_keys | st.sampled_from(["attributes.run_name", "run_name", "attributes.status"]),
    st.sampled_from(["=", "!=", "LIKE", "ilike"]),
    st.sampled_from(TEXTS) | st.sampled_from(["FINISHED", "finished", "red", "RED", "r%"]),
)
null_clauses = st.builds(lambda key, how: f"{key} {how}", text_keys, st.sampled_from(["IS NULL", "is not null"]))
time_clauses = st.builds(
    lambda key, how, after: f"attributes.{key} {how} {BEGAN + after}",
    st.sampled_from(["start_time", "end_time", "created"]),
    st.sampled_from([">", ">=", "=", "!=", "<", "<="]),
    st.integers(-1, 20).map(lambda seconds: 1000 * seconds),
)
filters = st.lists(metric_clauses | text_clauses | null_clauses | time_clauses, max_size=4).map(" and ".join)
orders = st.builds(
    Order,
    st.sampled_from(
        [Column(ColumnKind.METRIC, key) for key in ("rmse", "mae", "none")]
        + [Column(ColumnKind.ATTRIBUTE, key) for key in ("start_time", "end_time", "run_name", "status")]
    ),
    st.booleans(),
)
queries = st.builds(
    RunQuery,
    name=st.sampled_from(["", "forest", "it's", "%", "_", "Ü", 'the "', "back\\", "nobody"]),
    families=st.lists(st.sampled_from(ModelFamily), max_size=2, unique=True).map(tuple),
    statuses=st.lists(st.sampled_from(RunStatus), max_size=3, unique=True).map(tuple),
    data=st.sampled_from(["", "ab", "cd" * 32, "e"]),
    kind=st.sampled_from(RunKind),
    lifecycle=st.sampled_from(Lifecycle),
    filter_text=filters,
    order=orders,
)


@settings(max_examples=120)
@given(queries)
@example(RunQuery(filter_text="metrics.rmse != 50000", kind=RunKind.ALL, lifecycle=Lifecycle.ALL))
@example(RunQuery(filter_text="attributes.run_name LIKE 'FOREST%'", kind=RunKind.ALL, lifecycle=Lifecycle.ALL))
@example(RunQuery(filter_text="tags.`Colour of it` ILIKE 'R_D'", kind=RunKind.ALL, lifecycle=Lifecycle.ALL))
@example(RunQuery(name="it's", kind=RunKind.ALL, lifecycle=Lifecycle.ALL))
def test_the_index_finds_and_sorts_the_very_runs_that_mlflow_does(
    varied_store: Store, varied_index: RunIndex, query: RunQuery
) -> None:
    from_store = [run.run_id for run in matching_runs(varied_store, query)]
    from_index = [run.run_id for run in varied_index.all(query)]
    assert from_index == from_store


@settings(max_examples=60)
@given(queries)
def test_a_query_s_text_says_what_its_clauses_say(query: RunQuery) -> None:
    assert parse_filter(filter_text_of(query)) == clauses_of(query)


def test_run_ids_are_found_among_several(varied_store: Store, varied_index: RunIndex) -> None:
    ids = sorted(run.run_id for run in list_runs(varied_store, limit=5))
    among = ", ".join(f"'{run_id}'" for run_id in ids)
    every = RunQuery(kind=RunKind.ALL)
    inside = dataclasses.replace(every, filter_text=f"attributes.run_id IN ({among})")
    outside = dataclasses.replace(every, filter_text=f"run_id NOT IN ({among})")
    assert sorted(run.run_id for run in varied_index.all(inside)) == ids
    rest = {run.run_id for run in varied_index.all(every)} - set(ids)
    assert {run.run_id for run in varied_index.all(outside)} == rest


SCRAPS = [
    *("metrics", "params", "tags", "attributes", "datasets", ".", "`", "'", '"', " ", "rmse", "<", ">", "=", "!="),
    *("LIKE", "IN", "NOT", "IS", "NULL", "AND", "OR", "(", ")", ",", "1", "-5", "1e999", "9" * 30, "'x'", "'x"),
    *("--", "/*", ";", "run_id", "start_time", "\n", "\0", "\ud800", "case", "[", "{", "select", "::", "\\", "b'a'"),
    *("metrics.rmse < 5", "run_id IN ('a')", "run_id IN ('\\ud800')", "run_id = ('a')", "params.a IN ('a')"),
]


@settings(max_examples=150)
@given(st.text(max_size=40) | st.lists(st.sampled_from(SCRAPS), max_size=12).map(" ".join))
@example("attributes.start_time = 99999999999999999999")
@example("metrics.a IN ('a')")
@example("params.a > 'b'")
@example("(" * 2_500)
def test_any_text_works_or_is_refused_with_an_example(varied_store: Store, varied_index: RunIndex, text: str) -> None:
    query = RunQuery(filter_text=text, kind=RunKind.ALL)
    try:
        is_indexed = all(clause.is_indexed for clause in clauses_of(query))
    except InvalidFilter:
        with pytest.raises(InvalidFilter) as raised:
            list_runs(varied_store, filter_text=text)
        assert "metrics.rmse < 50000" in raised.value.remedy
        return
    found = [run.run_id for run in matching_runs(varied_store, query)]
    if is_indexed:
        assert [run.run_id for run in varied_index.all(query)] == found


def test_what_the_index_does_not_hold_is_known_for_it() -> None:
    for text in ("datasets.name = 'houses'", "attributes.artifact_uri LIKE '%x'", "attributes.user_id = 'ana'"):
        assert not all(clause.is_indexed for clause in parse_filter(text)), text
    assert all(clause.is_indexed for clause in parse_filter("metrics.rmse < 5 and attributes.run_name = 'x'"))


def test_more_comparisons_than_a_database_joins_are_refused(varied_store: Store) -> None:
    most = " and ".join(f"metrics.m{number} > 1" for number in range(MOST_CLAUSES))
    assert list_runs(varied_store, filter_text=most) == []
    with pytest.raises(InvalidFilter, match="51 comparisons"):
        parse_filter(f"{most} and metrics.rmse > 1")


def test_a_broken_text_is_not_mended_by_what_stands_before_it(varied_store: Store) -> None:
    with pytest.raises(InvalidFilter):
        filter_text_of(RunQuery(filter_text="'"))
    with pytest.raises(InvalidFilter, match="refuses"):
        list_runs(varied_store, order_by=["nonsense.rmse"])
