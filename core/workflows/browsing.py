"""The runs as a screen sees them: one call a question, none of which waits until all runs are read."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final
from urllib.parse import quote

from core.domain.access import Actor, Deed
from core.domain.errors import StoreUnavailable
from core.domain.run_query import Column, RunQuery
from core.domain.runs import Run
from core.domain.settings import Settings
from core.tracking.run_edits import check_tag, restore_run, set_note, set_tag
from core.tracking.run_feed import stamp_of
from core.tracking.run_files import read_file
from core.tracking.run_filter import clauses_of
from core.tracking.run_index import IndexLost, IndexState, RunIndex, identity_of
from core.tracking.run_search import matching_runs
from core.tracking.runs import get_run, runs_by_id
from core.tracking.store import Store
from core.workflows.column_choice import ColumnChoice
from core.workflows.recent import Recent
from core.workflows.refreshing import Refresher
from core.workflows.run_acts import change_each, delete_each
from core.workflows.run_detail import RunDetail, read_detail, read_held_out
from core.workflows.run_export import columns_of, csv_lines
from core.workflows.run_pages import RunPage, generation_of, page_from_index, page_from_store
from core.workflows.training_state import Connect
from core.workflows.views import HeldOut

__all__ = ["Browsing", "RunPage"]

KEPT_RESULTS: Final = 20
STORE_SECONDS: Final = 5.0
"""A page that the index cannot give is drawn anew as often, from a store that does not show its changes."""

_NOTHING: Final = IndexState(complete=False, runs=0, generation=0)
_log = logging.getLogger(__name__)


class Browsing:
    """Everything the screens ask about runs.

    Args:
        settings: whose store, and where the index lies. connect: opens MLflow's store.

    Raises:
        LabError: by every method, when the store cannot answer. While it is away, pages come from the index.
    """

    def __init__(self, settings: Settings, connect: Connect) -> None:
        self._settings = settings
        self._connect = connect
        identity = identity_of(settings.tracking_uri, settings.tracking.experiment_name)
        self._index = RunIndex(settings.paths.run_index, identity)
        self._refresher = Refresher(connect, self._index)
        self._held_out: Recent[str, HeldOut] = Recent(KEPT_RESULTS)
        self.column_choice = ColumnChoice(settings.paths.run_columns)

    def page(self, query: RunQuery) -> RunPage:
        """The page of the query. Until all runs are read, MLflow itself finds and sorts its rows.

        Raises:
            InvalidFilter: the query's filter text is no filter.
            StoreUnavailable: MLflow does not answer, and not all runs were read before.
        """
        if self._is_indexed(query):
            is_first = self._refresher.watch(query)
            try:
                if self._index.state.complete:
                    if is_first:
                        self._refresher.wait_for_a_look()
                    return page_from_index(self._index, query, stale=self._refresher.stale)
            except IndexLost:
                pass  # the refresher makes it anew
        state = self._state()
        return page_from_store(
            self._connect(), query, generation=self._store_generation(state), building=_building(state)
        )

    def generation(self, query: RunQuery) -> str:
        """A short text that differs from a page's ``generation`` when that page would be another one now.

        It never asks MLflow; a screen may ask for it every second.
        """
        if self._is_indexed(query):
            self._refresher.watch(query)
            try:
                if self._index.state.complete:
                    return generation_of(self._index.signature(query), stale=self._refresher.stale)
            except IndexLost:
                pass
        return self._store_generation(self._state())

    def columns(self) -> tuple[Column, ...]:
        """Every metric, param and tag that was seen on any run: what rows can be sorted by."""
        try:
            return self._index.known_columns()
        except IndexLost:
            return ()

    def matching(self, query: RunQuery, *, most: int) -> tuple[Run, ...]:
        """The first ``most`` runs of the query in its order, whatever its page."""
        return tuple(islice(self._all(query), most))

    def export(self, query: RunQuery, run_ids: Sequence[str] = ()) -> Iterator[str]:
        """CSV text, line by line: the runs of these ids, or where none is given all that match the query."""
        if run_ids:
            found = runs_by_id(self._connect(), run_ids)
            runs = [found[run_id] for run_id in run_ids if run_id in found]
            return csv_lines(runs, columns_of(runs))
        if self._is_indexed(query) and self._state().complete:
            try:
                return csv_lines(self._index.all(query), [use.column for use in self._index.columns(query)])
            except IndexLost:
                pass
        runs = list(self._all(query))
        return csv_lines(runs, columns_of(runs))

    def detail(self, run_id: str) -> RunDetail:
        """One run with its version, curves, lineage and files. Raises NotFound."""
        return read_detail(self._connect(), run_id)

    def held_out(self, run_id: str) -> HeldOut:
        """What the plots of a run need. Raises NotFound where it logged no predictions."""
        return self._held_out.get(run_id, lambda: read_held_out(self._connect(), run_id))

    def artifact(self, run_id: str, path: str) -> bytes:
        """The content of one of the run's files, as ``RunDetail.files`` lists them. Raises NotFound."""
        return read_file(self._connect(), run_id, path)

    def mlflow_link(self, run_id: str) -> str:
        """The address of the run in MLflow's own UI."""
        store = self._connect()
        remote = store.uri.startswith(("http://", "https://"))
        base = store.uri if remote else self._settings.tracking.ui_url
        return f"{base.rstrip('/')}/#/experiments/{store.experiment_id}/runs/{quote(run_id, safe='')}"

    def note_of(self, run_id: str) -> str:
        """What somebody wrote about a run. Raises NotFound."""
        return get_run(self._connect(), run_id).note

    def tag(self, run_ids: Sequence[str], key: str, value: str, *, actor: Actor) -> None:
        """Set a tag on each of these runs.

        Raises:
            Forbidden: the actor may not.
            RecordsError: the tag cannot be written by hand, or some runs could not be changed; it says which.
        """
        actor.require(Deed.EDIT_RUN)
        key = key.strip()
        check_tag(key, value)
        store = self._connect()
        self._change(
            store,
            run_ids,
            lambda: change_each(store, run_ids, "tagged", lambda run: set_tag(store, run.run_id, key, value)),
        )

    def note(self, run_id: str, text: str, *, actor: Actor) -> None:
        """Write what is to be known about a run. Raises Forbidden, RecordsError, NotFound."""
        actor.require(Deed.EDIT_RUN)
        store = self._connect()
        self._change(store, [run_id], lambda: set_note(store, run_id, text))

    def delete(self, run_ids: Sequence[str], *, actor: Actor) -> None:
        """Delete these runs; they can be restored.

        Raises:
            Forbidden: the actor may not.
            RecordsError: some could not be deleted, as those that serve under an alias; it says which.
        """
        actor.require(Deed.DELETE_RUN)
        store = self._connect()
        self._change(store, run_ids, lambda: delete_each(store, run_ids))

    def restore(self, run_ids: Sequence[str], *, actor: Actor) -> None:
        """Bring deleted runs back. Raises Forbidden, and RecordsError, which says which could not be."""
        actor.require(Deed.DELETE_RUN)
        store = self._connect()
        self._change(
            store,
            run_ids,
            lambda: change_each(store, run_ids, "restored", lambda run: restore_run(store, run.run_id)),
        )

    def close(self) -> None:
        """Stop looking at the store. Pages still come, as the index has them."""
        self._refresher.close()

    def _change(self, store: Store, run_ids: Sequence[str], act: Callable[[], None]) -> None:
        """Change runs, and let the index know at once what they are now, also where some could not be changed."""
        try:
            act()
        finally:
            asked = time.time()
            found = runs_by_id(store, run_ids)
            try:
                self._index.upsert(list(found.values()), looked=asked)
            except IndexLost as error:
                _log.warning("the run index is made anew: %s", error)

    def _all(self, query: RunQuery) -> Iterator[Run]:
        if self._is_indexed(query) and self._state().complete:
            return self._index.all(query)
        return matching_runs(self._connect(), query)

    def _is_indexed(self, query: RunQuery) -> bool:
        """Whether the index holds what the query asks for; MLflow alone knows e.g. a run's datasets."""
        return all(clause.is_indexed for clause in clauses_of(query))

    def _state(self) -> IndexState:
        try:
            return self._index.state
        except IndexLost:
            return _NOTHING

    def _store_generation(self, state: IndexState) -> str:
        """What changes when a page of the store's own may: with the index while it grows, else with the store."""
        if not state.complete:
            return f"store {state.generation}"
        try:
            stamp = stamp_of(self._connect())
        except StoreUnavailable:
            return "away"
        return f"store {stamp or int(time.time() / STORE_SECONDS)}"


def _building(state: IndexState) -> str:
    if state.complete:
        return ""
    read = f": {state.runs:,} so far" if state.runs else ""
    return f"Reading all runs{read}. Until it is done MLflow itself sorts and filters, more slowly."
