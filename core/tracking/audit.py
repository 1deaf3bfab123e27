"""The audit ledger: who moved which alias when, from where to where, why, and under which verdict. Append-only.

It lies in the job database. An entry is written before the alias moves and settled after MLflow and registry.json
followed, so that what a crash cut off is found and carried out. See :mod:`core.tracking.audit_chain` for the hashes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from core.domain.errors import ChampionChanged
from core.domain.promotion import LedgerEntry
from core.domain.settings import Settings
from core.tracking.audit_chain import GENESIS, HASH, ChainBreak, check_chain
from core.tracking.audit_lines import Move, entry_of, lines_of
from core.tracking.audit_tables import (
    ENTRIES,
    HEAD,
    SCHEMA,
    SETTLED,
    alias_lock,
    database_file,
    ledger_errors,
    open_engine,
)

_PLACE: Final = 1
"""The head's one row."""


def _nothing() -> None:
    """The database is made where it is first written."""


class Ledger:
    """The ledger of these settings. Safe to share between threads.

    Args:
        settings: whose job database.
        make_database: makes the job database whole where there is none yet; called before the first entry alone.

    Raises:
        LedgerUnavailable: by every method, when the database does not answer.
    """

    def __init__(self, settings: Settings, make_database: Callable[[], None] = _nothing) -> None:
        self._settings = settings
        self._make_database = make_database
        self._opening = threading.Lock()
        self._engine: sa.Engine | None = None
        self._has_tables = False

    def lock(self, *, patience: float | None = None) -> AbstractContextManager[None]:
        """Hold this while an alias moves. See ``audit_tables.alias_lock``."""
        engine = self._open()
        return (
            alias_lock(self._settings, engine)
            if patience is None
            else alias_lock(self._settings, engine, patience=patience)
        )

    def entries(self, *, limit: int | None = None, offset: int = 0, newest_first: bool = False) -> list[LedgerEntry]:
        """Entries in their order, or the newest first; all of them unless ``limit`` says otherwise."""
        order = ENTRIES.c.number.desc() if newest_first else ENTRIES.c.number
        wanted = sa.select(ENTRIES).order_by(order).offset(offset)
        return [entry_of(line) for line in self._read(wanted if limit is None else wanted.limit(limit))]

    def count(self) -> int:
        """How many entries there are."""
        found = self._read(sa.select(sa.func.count().label("entries")).select_from(ENTRIES))
        return int(found[0]["entries"]) if found else 0

    def newest(self) -> dict[str, LedgerEntry]:
        """By alias its newest entry; aliases that never moved are left out."""
        last = sa.select(sa.func.max(ENTRIES.c.number)).group_by(ENTRIES.c.alias).scalar_subquery()
        found = self._read(sa.select(ENTRIES).where(ENTRIES.c.number.in_(last)))
        return {line["alias"]: entry_of(line) for line in found}

    def pending(self) -> list[LedgerEntry]:
        """Entries that were not carried out yet, oldest first: under the lock, those that a crash cut off."""
        done = sa.select(SETTLED.c.number)
        return [entry_of(line) for line in self._read(_in_order().where(ENTRIES.c.number.not_in(done)))]

    def append(
        self, moves: Sequence[Move], *, seen: Mapping[str, int], also_settle: Iterable[int] = ()
    ) -> tuple[LedgerEntry, ...]:
        """Write entries, all or none.

        Args:
            seen: by alias the number of its newest entry as the caller knows it, 0 for none.
            also_settle: earlier entries that are carried out by now.

        Raises:
            ChampionChanged: an alias has a newer entry than ``seen`` says; nothing is written then.
        """
        self._prepare()
        with self._writing() as connection:
            head = self._take_head(connection)
            newest = _newest_numbers(connection)
            _compare(seen, newest)
            lines = lines_of(moves, head["entries"], head["hash"], newest, _now(connection))
            done = list(also_settle)
            try:
                if lines:
                    connection.execute(sa.insert(ENTRIES), lines)
                    connection.execute(sa.update(HEAD).values(entries=lines[-1]["number"], hash=lines[-1][HASH]))
                if done:
                    connection.execute(sa.insert(SETTLED), [{"number": one, "moment": _stamp()} for one in done])
            except sa.exc.IntegrityError as error:
                raise _overtaken() from error
        return tuple(entry_of(line) for line in lines)

    def settle(self, numbers: Iterable[int]) -> None:
        """Say of entries that they are carried out."""
        rows = [{"number": number, "moment": _stamp()} for number in numbers]
        if rows:
            with self._writing() as connection:
                connection.execute(sa.insert(SETTLED), rows)

    def verify(self) -> tuple[ChainBreak, ...]:
        """Every line that was edited, is missing or stands elsewhere; none while the ledger is whole."""
        if not self._check():
            return ()
        # Somebody may have been appending: what is still wrong while nobody can is wrong.
        with self.lock():
            return self._check()

    def hashes(self) -> dict[int, str]:
        """By number each entry's hash, as it stands."""
        return {line["number"]: line[HASH] for line in self._read(sa.select(ENTRIES.c.number, ENTRIES.c.hash))}

    def close(self) -> None:
        """Give the connections back; a later question opens them again."""
        with self._opening:
            if self._engine is not None:
                self._engine.dispose()
                self._engine, self._has_tables = None, False

    def _open(self) -> sa.Engine:
        with self._opening:
            if self._engine is None:
                with ledger_errors(self._settings):
                    self._engine = open_engine(self._settings)
            return self._engine

    def _is_there(self) -> bool:
        """Whether there is anything to read. Reading makes no database."""
        if self._has_tables:
            return True
        file = database_file(self._settings)
        if file is not None and not file.exists():
            return False
        with ledger_errors(self._settings):
            self._has_tables = all(sa.inspect(self._open()).has_table(table.name) for table in SCHEMA.sorted_tables)
        return self._has_tables

    def _prepare(self) -> None:
        """Make what an entry needs. The caller holds the lock, so nobody else makes it at once."""
        if self._is_there():
            return
        file = database_file(self._settings)
        if file is None or not file.exists():
            self._make_database()
        with ledger_errors(self._settings):
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
            SCHEMA.create_all(self._open())
        self._has_tables = True

    def _read(self, wanted: sa.Select[Any]) -> list[Mapping[str, Any]]:
        if not self._is_there():
            return []
        with ledger_errors(self._settings), self._open().connect() as connection:
            return [dict(row) for row in connection.execute(wanted).mappings()]

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with ledger_errors(self._settings), self._open().begin() as connection:
            yield connection

    def _check(self) -> tuple[ChainBreak, ...]:
        lines = self._read(_in_order())
        heads = self._read(sa.select(HEAD))
        settled = [row["number"] for row in self._read(sa.select(SETTLED.c.number))]
        entries, last = (heads[0]["entries"], heads[0]["hash"]) if heads else (0, GENESIS)
        return tuple(check_chain(lines, entries=entries, head=last, settled=settled))

    def _take_head(self, connection: sa.Connection) -> Mapping[str, Any]:
        """The head's row, held until the transaction ends: written first, so that nobody reads it in between."""
        if connection.execute(sa.update(HEAD).values(entries=HEAD.c.entries)).rowcount == 0:
            try:
                connection.execute(sa.insert(HEAD).values(place=_PLACE, entries=0, hash=GENESIS))
            except sa.exc.IntegrityError as error:
                raise _overtaken() from error
        return dict(connection.execute(sa.select(HEAD)).mappings().one())


def _in_order() -> sa.Select[Any]:
    return sa.select(ENTRIES).order_by(ENTRIES.c.number)


def _newest_numbers(connection: sa.Connection) -> dict[str, int]:
    newest = sa.select(ENTRIES.c.alias, sa.func.max(ENTRIES.c.number)).group_by(ENTRIES.c.alias)
    return {str(row[0]): int(row[1]) for row in connection.execute(newest)}


def _compare(seen: Mapping[str, int], newest: Mapping[str, int]) -> None:
    for alias, number in seen.items():
        if newest.get(alias, 0) != number:
            raise _overtaken(alias)


def _overtaken(alias: str = "alias") -> ChampionChanged:
    return ChampionChanged(
        f"The {alias} was moved by somebody else meanwhile.",
        remedy="Look at the history, have a new verdict made, and decide again.",
    )


def _now(connection: sa.Connection) -> str:
    """This moment, never before the newest entry's: the clocks of several hosts do not agree."""
    last = connection.execute(sa.select(sa.func.max(ENTRIES.c.moment))).scalar()
    return max(_stamp(), last or "")


def _stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
