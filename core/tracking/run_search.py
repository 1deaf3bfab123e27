"""A page of the run table straight from MLflow: what is true now, at MLflow's own pace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from core.domain.run_query import NEWEST_FIRST, Column, ColumnKind, Order, RunQuery
from core.domain.runs import Run
from core.tracking.run_filter import filter_text_of
from core.tracking.runs import PAGE, page_of_runs, walk_runs
from core.tracking.store import Store

REACHABLE: Final = 2_000
"""Rows up to which a page is fetched: MLflow gives page after page, and takes 1 to 2 ms for each run of them."""

_DURATION: Final = Column(ColumnKind.ATTRIBUTE, "duration")


@dataclass(frozen=True, slots=True)
class StorePage:
    """Rows of a page. ``page`` is the last that could be reached, ``seen`` how many matching runs were read for it.

    ``more`` says that MLflow has others beyond them; ``ordered`` that it could sort as the query wants it.
    """

    runs: tuple[Run, ...]
    page: int
    seen: int
    more: bool
    ordered: bool


def search(store: Store, query: RunQuery) -> StorePage:
    """The page of the query as MLflow itself finds and sorts it (params as texts), or the last one within reach.

    Raises:
        InvalidFilter: the query's filter text is no filter.
        StoreUnavailable: the store does not answer.
    """
    filter_text, order = filter_text_of(query), store_order(query.order)
    families = {family.value for family in query.families}
    wanted = min(query.page, max(1, REACHABLE // query.size)) * query.size
    matching: list[Run] = []
    read, token = 0, None
    while True:
        runs, token = page_of_runs(
            store,
            limit=query.size,
            filter_text=filter_text,
            order_by=[str(order)],
            lifecycle=query.lifecycle,
            token=token,
        )
        read += len(runs)
        matching += [run for run in runs if not families or run.family in families]
        if token is None or len(matching) >= wanted or read >= REACHABLE:
            break
    page = max(1, min(query.page, -(-len(matching) // query.size)))
    return StorePage(
        runs=tuple(matching[(page - 1) * query.size : page * query.size]),
        page=page,
        seen=len(matching),
        more=token is not None,
        ordered=order == query.order,
    )


def matching_runs(store: Store, query: RunQuery, *, size: int = PAGE) -> Iterator[Run]:
    """Every run of the query in MLflow's order, whatever its page; fetched as they are taken.

    Raises:
        InvalidFilter: the query's filter text is no filter.
        StoreUnavailable: the store does not answer.
    """
    families = {family.value for family in query.families}
    found = walk_runs(
        store,
        filter_text=filter_text_of(query),
        order_by=[str(store_order(query.order))],
        lifecycle=query.lifecycle,
        size=min(size, PAGE),
    )
    return (run for run in found if not families or run.family in families)


def store_order(order: Order) -> Order:
    """The order MLflow can sort by: this one, else the newest first.

    It knows no durations, and reads no key with quotes in it: no run has one, so all of them tie.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.utils.search_utils import SearchUtils

    if order.column == _DURATION:
        return NEWEST_FIRST
    try:
        _, key, ascending = SearchUtils.parse_order_by_for_search_runs(str(order))  # type: ignore[no-untyped-call]
    except (MlflowException, ValueError, IndexError):
        return NEWEST_FIRST
    return order if (key, ascending) == (order.column.key, not order.descending) else NEWEST_FIRST
