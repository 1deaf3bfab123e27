"""The query of the run table: whole in the address, and nothing else taken from it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.domain.errors import InvalidFilter
from core.domain.hyperparameters import ModelFamily
from core.domain.run_query import (
    LARGEST_PAGE,
    LONGEST_FILTER,
    PAGE_SIZES,
    SORTABLE_ATTRIBUTES,
    Column,
    ColumnKind,
    Lifecycle,
    Order,
    RunKind,
    RunQuery,
)
from core.domain.runs import RunStatus

keys = st.text(min_size=1, max_size=20) | st.sampled_from(["`", "``", "a b", " a ", "a DESC", "a.b", '"', "`a`", "\n"])
columns = st.builds(Column, st.sampled_from([ColumnKind.METRIC, ColumnKind.PARAM, ColumnKind.TAG]), keys) | st.builds(
    Column, st.just(ColumnKind.ATTRIBUTE), st.sampled_from(SORTABLE_ATTRIBUTES)
)
queries = st.builds(
    RunQuery,
    name=st.text(max_size=50),
    families=st.lists(st.sampled_from(ModelFamily)).map(tuple),
    statuses=st.lists(st.sampled_from(RunStatus)).map(tuple),
    data=st.from_regex(r"[0-9a-f]{0,64}", fullmatch=True),
    kind=st.sampled_from(RunKind),
    lifecycle=st.sampled_from(Lifecycle),
    filter_text=st.text(max_size=50),
    order=st.builds(Order, columns, st.booleans()),
    page=st.integers(1, LARGEST_PAGE),
    size=st.integers(1, max(PAGE_SIZES)),
)


@given(queries)
def test_a_query_comes_back_from_its_address(query: RunQuery) -> None:
    assert RunQuery.from_address(query.as_address()) == query


@given(columns)
def test_a_column_comes_back_from_its_text(column: Column) -> None:
    assert Column.parse(str(column)) == column


@given(
    st.dictionaries(
        st.sampled_from([*RunQuery.__dataclass_fields__, "something else"]),
        st.text() | st.sampled_from(["ridge", "FINISHED,FAILED", "1", "-1", "0", "9" * 5_000, "٣", "metrics.", "all"]),
    )
)
@example({"page": "1_0"})
@example({"order": " DESC"})
@example({"name": "x" * (LONGEST_FILTER + 1)})
def test_any_address_is_a_query_or_is_refused_with_a_remedy(address: dict[str, str]) -> None:
    try:
        query = RunQuery.from_address(address)
    except InvalidFilter as error:
        remedy = error.remedy
        assert remedy
        return
    assert RunQuery.from_address(query.as_address()) == query


def test_what_stands_at_its_default_is_not_in_the_address() -> None:
    assert RunQuery().as_address() == {}
    assert RunQuery(page=2, families=(ModelFamily.RIDGE,)).as_address() == {"page": "2", "families": "ridge"}


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("metrics.rmse", Order(Column(ColumnKind.METRIC, "rmse"))),
        ("metric.rmse desc", Order(Column(ColumnKind.METRIC, "rmse"), descending=True)),
        ("params.`max depth` DESC", Order(Column(ColumnKind.PARAM, "max depth"), descending=True)),
        ("start_time DESC", Order(Column(ColumnKind.ATTRIBUTE, "start_time"), descending=True)),
        ("attributes.duration ASC", Order(Column(ColumnKind.ATTRIBUTE, "duration"))),
    ],
)
def test_an_order_is_read_as_mlflow_writes_it(text: str, order: Order) -> None:
    assert Order.parse(text) == order


@pytest.mark.parametrize("text", ["", "rmse", "metrics.", "attributes.colour", "datasets.name DESC", "DESC"])
def test_an_order_by_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidFilter):
        Order.parse(text)


def test_only_what_leaves_runs_out_counts_as_a_filter() -> None:
    assert not RunQuery(order=Order(Column(ColumnKind.METRIC, "rmse")), page=3, size=25).is_filtered
    assert RunQuery(name="a").is_filtered
    assert RunQuery(kind=RunKind.ALL).is_filtered
    assert RunQuery(page=3, size=25).offset == 50
