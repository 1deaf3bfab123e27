"""A page of the run table as a value: from our index once all runs are read, from MLflow itself until then."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.domain.run_query import Column, ColumnKind, ColumnUse, RunQuery
from core.domain.runs import Run
from core.tracking.run_aliases import RunAliases
from core.tracking.run_index import RunIndex
from core.tracking.run_index_file import IndexLost
from core.tracking.run_search import REACHABLE, search
from core.tracking.store import Store
from core.workflows.run_export import columns_of

MOST_AXES: Final = 5


class PageSource(StrEnum):
    """Who found and sorted a page."""

    INDEX = "index"
    STORE = "store"


@dataclass(frozen=True, slots=True)
class RunPage:
    """The rows of a page with what a table says around them.

    ``page`` is the one that is shown: the last there is where the query asked for a later one. ``total`` and
    ``pages`` count all matching runs, on the store's own pages only those ``at_least`` there. ``columns`` are the
    metrics, params and tags of all matching runs (on the store's own pages: of the shown ones), ``varying`` those
    that tell any two of them apart. ``aliases`` has the runs whose version serves, by run id. ``building`` says how
    far the reading of all runs is and what cannot be had before, ``stale`` since when MLflow has not answered; both
    are empty when all is well. ``generation`` differs when the page does, see ``Browsing.generation``.
    """

    query: RunQuery
    runs: tuple[Run, ...]
    page: int
    pages: int
    total: int
    uses: tuple[ColumnUse, ...]
    aliases: Mapping[str, tuple[str, ...]]
    source: PageSource
    generation: str
    at_least: bool = False
    building: str = ""
    stale: str = ""

    @property
    def columns(self) -> tuple[Column, ...]:
        return tuple(use.column for use in self.uses)

    @property
    def axes(self) -> tuple[Column, ...]:
        """The params worth a line each in a picture of all runs: of those that vary, the ones most runs have."""
        params = [use for use in self.uses if use.varies and use.column.kind is ColumnKind.PARAM]
        return tuple(use.column for use in sorted(params, key=lambda use: -use.runs)[:MOST_AXES])

    @property
    def varying(self) -> tuple[Column, ...]:
        return tuple(use.column for use in self.uses if use.varies)


def page_from_index(index: RunIndex, query: RunQuery, *, stale: str) -> RunPage:
    """The page as the index has it. Raises InvalidFilter, and IndexLost while not all runs are in it."""
    found = index.page(query)
    if not found.is_complete:
        raise IndexLost("it is made anew")
    pages = max(1, -(-found.total // query.size))
    return RunPage(
        query=query,
        runs=found.runs,
        page=min(query.page, pages),
        pages=pages,
        total=found.total,
        uses=index.columns(query),
        aliases=aliases_of(index),
        source=PageSource.INDEX,
        generation=generation_of(found.signature, stale=stale),
        stale=stale,
    )


def generation_of(signature: str, *, stale: str) -> str:
    """What differs when the page does, or whether MLflow answers."""
    return f"{signature}{' away' if stale else ''}"


def page_from_store(store: Store, query: RunQuery, *, generation: str, building: str) -> RunPage:
    """The page as MLflow finds and sorts it, or the last one within reach. Raises InvalidFilter, StoreUnavailable."""
    found = search(store, query)
    told = [building] if building else []
    if not found.ordered:
        told.append("MLflow cannot sort by that column, so the newest come first.")
    if found.page < query.page and found.more:
        told.append(f"MLflow itself is asked for the first {REACHABLE:,} rows only.")
    return RunPage(
        query=query,
        runs=found.runs,
        page=found.page,
        pages=max(1, -(-found.seen // query.size)) + int(found.more and found.seen < REACHABLE),
        total=found.seen,
        uses=_uses(found.runs),
        aliases=RunAliases(store).read(),
        source=PageSource.STORE,
        generation=generation,
        at_least=found.more,
        building=" ".join(told),
    )


def aliases_of(index: RunIndex) -> dict[str, tuple[str, ...]]:
    """Which runs serve under which aliases, as the index was last told."""
    return {run_id: tuple(names) for run_id, names in json.loads(index.recall("aliases") or "{}").items()}


def _uses(runs: tuple[Run, ...]) -> tuple[ColumnUse, ...]:
    uses = []
    for column in columns_of(runs):
        values = [value_of(run, column) for run in runs]
        there = [value for value in values if value is not None]
        uses.append(ColumnUse(column, len(there), varies=len({repr(value) for value in values}) > 1))
    return tuple(uses)


def value_of(run: Run, column: Column) -> str | float | None:
    """What the run has in that column; None for nothing."""
    values: Mapping[str, Mapping[str, str | float]] = {"metrics": run.metrics, "params": run.params, "tags": run.tags}
    return values[column.kind.value].get(column.key)
