"""The three records an alias stands in (ledger, MLflow, registry.json), and making them agree.

An alias moves in this order: an entry in the ledger, the alias in MLflow, stage and history in registry.json, the
entry settled. Whatever process dies in between, the next one that looks finds an entry that is not settled and carries
it out. All of it happens under one lock, so an entry that is not settled belongs to nobody alive.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from core.domain.errors import LedgerUnavailable, NotFound
from core.domain.promotion import SOMEBODY_OUTSIDE, THE_LAB, Act, LedgerEntry
from core.domain.runs import Alias
from core.domain.settings import Settings
from core.domain.stages import histories_of, stages_of
from core.jobs.engine import JobQueue
from core.tracking.audit import Ledger
from core.tracking.audit_lines import Move
from core.tracking.local_registry import ModelRegistry, open_registry
from core.tracking.local_version import mirrored_entry
from core.tracking.registry import alias_holders, set_alias
from core.tracking.store import Store
from core.workflows.training_state import Connect

AT_ONCE: Final = 0.0
"""Patience for the lock of somebody who only looks."""

_OUTSIDE: Final = "Noticed at this moment; MLflow keeps neither when an alias was moved nor by whom."
_TOLD_AFTERWARDS: Final = (Act.RECONCILED, Act.CHANGED_OUTSIDE)
"""Acts that say what has happened: registry.json is all that may still have to follow."""

_log = logging.getLogger(__name__)


class PromotionRecords:
    """Ledger, MLflow's aliases and registry.json of these settings.

    Args:
        settings: whose records. connect: opens MLflow's store.

    Raises:
        StoreUnavailable, LedgerUnavailable, RecordsError: by every method, when one of the three does not answer.
    """

    def __init__(self, settings: Settings, connect: Connect) -> None:
        self.settings = settings
        self.connect = connect
        self.ledger = Ledger(settings, make_database=self._make_database)

    @property
    def registry(self) -> ModelRegistry:
        return open_registry(self.settings, self.connect)

    def reconcile(self, *, patience: float | None = None) -> tuple[LedgerEntry, ...]:
        """Carry out what a crash cut off, and enter what was moved outside the lab; the entries that were added.

        Args:
            patience: seconds to wait for a promotion under way; by default as long as a promotion itself would.
        """
        store = self.connect()
        if not self._is_apart(store):
            return ()
        with self.ledger.lock(patience=patience):
            return self.agree(store)

    def mend(self) -> bool:
        """As :meth:`reconcile`, and write registry.json's stages and histories anew; whether anything changed."""
        store = self.connect()
        with self.ledger.lock():
            added = self.agree(store)
            return self.mirror() or bool(added)

    def apart(self) -> tuple[str, ...]:
        """What ledger, MLflow and registry.json disagree on, a clause each; nothing while they agree."""
        holders = alias_holders(self.connect())
        entries = self.ledger.entries()
        newest = {entry.alias: entry for entry in entries}
        told = [f"entry {entry.number} ({entry.act}) was cut off" for entry in self.ledger.pending()]
        told += [
            f"{alias} is {_named(version)} in MLflow and {_named(_holder(newest, alias))} in the ledger"
            for alias, version in _moved(holders, newest).items()
        ]
        stages, histories = stages_of(entries), histories_of(entries)
        told += [
            f"registry.json has another stage or history of {entry.version}"
            for entry in self.registry.read_file()
            if mirrored_entry(entry, stages, histories) != entry
        ]
        return tuple(told)

    def forgotten(self) -> tuple[str, ...]:
        """Entries that registry.json remembers otherwise than the ledger holds them, or that it holds no more."""
        hashes = self.ledger.hashes()
        remembered = {change.entry: change.hash for one in self.registry.read_file() for change in one.history}
        return tuple(
            f"entry {number} is not the one that registry.json remembers"
            for number, told in sorted(remembered.items())
            if hashes.get(number) != told
        )

    def look(self) -> tuple[LedgerEntry, ...]:
        """As :meth:`reconcile`, for whoever only reads: a promotion under way is waited for by nobody."""
        try:
            return self.reconcile(patience=AT_ONCE)
        except LedgerUnavailable as error:
            _log.info("not reconciled now: %s", error.what)
            return ()

    def agree(self, store: Store) -> tuple[LedgerEntry, ...]:
        """As :meth:`reconcile`, for the holder of the ledger's lock."""
        added = (*self._finish(store), *self._notice(store))
        if added:
            _log.warning("the records were reconciled: %s", "; ".join(entry.sentence for entry in added))
        return added

    def carry_out(self, store: Store, entries: Sequence[LedgerEntry]) -> None:
        """Move the aliases of entries that were just written, mirror them, and settle them."""
        for entry in entries:
            set_alias(store, entry.alias, entry.version_to)
        self._mirror_and_settle(entries)

    def mirror(self) -> bool:
        """Write stages and history into registry.json; whether anything changed."""
        entries = self.ledger.entries()
        return self.registry.mirror(stages_of(entries), histories_of(entries))

    def _is_apart(self, store: Store) -> bool:
        """Whether there is anything to carry out or to notice. Asked without the lock: it may be gone a moment on."""
        return bool(self.ledger.pending()) or bool(_moved(alias_holders(store), self.ledger.newest()))

    def _finish(self, store: Store) -> tuple[LedgerEntry, ...]:
        """Carry out entries that were cut off."""
        pending = self.ledger.pending()
        if not pending:
            return ()
        acts = [entry for entry in pending if entry.act not in _TOLD_AFTERWARDS]
        added = self.ledger.append(
            [_finished(store, entry) for entry in acts], seen={}, also_settle=[entry.number for entry in acts]
        )
        told = [entry for entry in pending if entry not in acts]
        self._mirror_and_settle((*told, *added))
        return added

    def _notice(self, store: Store) -> tuple[LedgerEntry, ...]:
        """Enter aliases that were moved outside the lab."""
        newest = self.ledger.newest()
        moved = _moved(alias_holders(store), newest)
        if not moved:
            return ()
        moves = [
            Move(SOMEBODY_OUTSIDE, Act.CHANGED_OUTSIDE, alias, _holder(newest, alias), version, _OUTSIDE)
            for alias, version in moved.items()
        ]
        seen = {alias: newest[alias].number if alias in newest else 0 for alias in moved}
        added = self.ledger.append(moves, seen=seen)
        self._mirror_and_settle(added)
        return added

    def _mirror_and_settle(self, entries: Sequence[LedgerEntry]) -> None:
        self.mirror()
        self.ledger.settle(entry.number for entry in entries)

    def _make_database(self) -> None:
        # The queue's own tables are made in a draft that takes its place when they are whole: see jobs.connection.
        JobQueue(self.settings).close()


def _finished(store: Store, entry: LedgerEntry) -> Move:
    """Carry out one entry, and what is to be said of it."""
    holder = alias_holders(store).get(entry.alias)
    if holder == entry.version_to:
        came = "nothing of it was missing but this mark or registry.json."
    elif holder != entry.version_from:
        came = "meanwhile the alias was moved outside the lab, and it was left there."
    else:
        try:
            set_alias(store, entry.alias, entry.version_to)
            holder, came = entry.version_to, "it was carried out now."
        except NotFound:
            came = f"it cannot be carried out: version {entry.version_to} is gone."
    told = f"Entry {entry.number} ({entry.act}) was cut off; {came}"
    return Move(THE_LAB, Act.RECONCILED, entry.alias, entry.version_from, holder, told)


def _moved(holders: Mapping[str, str], newest: Mapping[str, LedgerEntry]) -> dict[str, str | None]:
    """By alias who holds it, where the ledger says otherwise."""
    return {alias: holders.get(alias) for alias in map(str, Alias) if holders.get(alias) != _holder(newest, alias)}


def _named(version: str | None) -> str:
    return f"version {version}" if version else "nobody"


def _holder(newest: Mapping[str, LedgerEntry], alias: str) -> str | None:
    return newest[alias].version_to if alias in newest else None
