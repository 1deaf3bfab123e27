"""The run index's SQLite file: opened, checked, thrown away when it is not what it should be."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from core.tracking.run_rows import SCHEMA

VERSION: Final = 1
"""Of the tables; a file of any other version is filled anew."""

_BUSY_SECONDS: Final = 20
_KEPT: Final = 4
_BROKEN: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_IDENTITY: Final = "identity"


class IndexLost(Exception):
    """The run index cannot be used now. No user meets this: whoever asked it asks MLflow itself."""


class IndexFile:
    """Connections to the file, shared by threads. Each transaction sees the file as it was when it began.

    Args:
        identity: whose runs it holds; a file of another one is emptied.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self._path = path
        self._identity = identity
        self._lock = threading.Lock()
        self._idle: list[tuple[int, sqlite3.Connection]] = []

    @contextmanager
    def transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        """A connection within a transaction, opened by the statement ``begin``; committed when the block ends well.

        Raises:
            IndexLost: the file cannot be used. One that is broken is thrown away first.
        """
        try:
            inode, database = self._take()
            is_done = False
            try:
                database.execute(begin)
                yield database
                database.execute("COMMIT")
                is_done = True
            finally:
                if is_done:
                    self._put(inode, database)
                else:
                    database.close()  # its transaction may still be open, or its file broken
        except (sqlite3.Error, OSError, json.JSONDecodeError) as error:
            if _is_broken(error):
                self._throw_away()
            raise IndexLost(str(error)) from error

    def empty(self) -> None:
        """Take everything out of the file, in place: others have it open."""
        with self.transaction("BEGIN IMMEDIATE") as database:
            _create_tables(database, self._identity)

    def close(self) -> None:
        """Close every connection that is not in use."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, database in idle:
            database.close()

    def _take(self) -> tuple[int, sqlite3.Connection]:
        try:
            inode = self._path.stat().st_ino
        except FileNotFoundError:
            inode = -1
        while True:
            with self._lock:
                if not self._idle:
                    break
                known, database = self._idle.pop()
            if known == inode:
                return known, database
            database.close()  # the file was thrown away since, perhaps by another process
        try:
            database = self._open()
        except sqlite3.DatabaseError as error:
            if not _is_broken(error):
                raise
            self._throw_away()
            database = self._open()
        return self._path.stat().st_ino, database

    def _put(self, inode: int, database: sqlite3.Connection) -> None:
        with self._lock:
            if len(self._idle) < _KEPT:
                self._idle.append((inode, database))
                return
        database.close()

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        is_ready = False
        try:
            database.execute("PRAGMA journal_mode = WAL")
            # A crash of the machine may cost the last looks, never the file's order.
            database.execute("PRAGMA synchronous = NORMAL")
            # As MLflow sets it: LIKE minds upper and lower case, ILIKE does not.
            database.execute("PRAGMA case_sensitive_like = ON")
            if not _is_ours(database, self._identity):
                database.execute("BEGIN IMMEDIATE")
                if not _is_ours(database, self._identity):  # another process may have been first
                    _create_tables(database, self._identity)
                database.execute("COMMIT")
            is_ready = True
        finally:
            if not is_ready:
                database.close()
        return database

    def _throw_away(self) -> None:
        self.close()
        with suppress(OSError):  # Windows keeps a file that another process has open
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self._path}{suffix}").unlink(missing_ok=True)


def recall(database: sqlite3.Connection, key: str) -> str | None:
    """What was remembered under that key; None for nothing."""
    row = database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def remember(database: sqlite3.Connection, key: str, value: str | None) -> None:
    """Keep some words beside the runs; None takes them away."""
    if value is None:
        database.execute("DELETE FROM meta WHERE key = ?", (key,))
    else:
        database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def _is_broken(error: Exception) -> bool:
    """Whether the file is beyond repair, rather than busy or out of room."""
    if isinstance(error, json.JSONDecodeError) or getattr(error, "sqlite_errorcode", None) in _BROKEN:
        return True
    return isinstance(error, sqlite3.OperationalError) and str(error).startswith(("no such", "Could not decode"))


def _is_ours(database: sqlite3.Connection, identity: str) -> bool:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    return version == VERSION and recall(database, _IDENTITY) == identity


def _create_tables(database: sqlite3.Connection, identity: str) -> None:
    tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    for (name,) in tables.fetchall():
        quoted = name.replace('"', '""')
        database.execute(f'DROP TABLE "{quoted}"')
    for statement in SCHEMA:
        database.execute(statement)
    remember(database, _IDENTITY, identity)
    # Never the same number twice: who saw the file before must see that it has changed.
    remember(database, "generation", str(int.from_bytes(os.urandom(4)) << 20))
    database.execute(f"PRAGMA user_version = {VERSION}")
