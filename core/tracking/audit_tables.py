"""Where the ledger lies: tables in the job database, SQLite or PostgreSQL, and the lock under which an alias moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from filelock import FileLock, Timeout

from core.domain.addresses import patient
from core.domain.errors import LedgerUnavailable
from core.domain.settings import SQLITE, Settings

SCHEMA: Final = sa.MetaData()

ENTRIES: Final = sa.Table(
    "lab_ledger",
    SCHEMA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("moment", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("alias", sa.Text, nullable=False),
    sa.Column("version_from", sa.Text),
    sa.Column("version_to", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("override", sa.Integer, nullable=False),
    sa.Column("gates", sa.Text, nullable=False),
    sa.Column("predecessor", sa.Integer, nullable=False),
    sa.Column("previous_hash", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    # Compare-and-swap by the database itself: what two saw as the newest entry is followed once.
    sa.UniqueConstraint("alias", "predecessor"),
)
"""The ledger. Nothing here ever updates or deletes a row of it."""

HEAD: Final = sa.Table(
    "lab_ledger_head",
    SCHEMA,
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("entries", sa.Integer, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)
"""One row: how many entries there are and the last one's hash, so that an end that was cut off shows."""

SETTLED: Final = sa.Table(
    "lab_ledger_settled",
    SCHEMA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("moment", sa.Text, nullable=False),
)
"""Which entries were carried out in MLflow and registry.json. The others were cut off by a crash."""

_BUSY_SECONDS: Final = 30
_LOCK_SECONDS: Final = 60
_LOCK_POLL_SECONDS: Final = 0.01
_LOCK_KEY: Final = 0x70726F6D
"""``prom``: PostgreSQL's advisory locks are numbers."""


def open_engine(settings: Settings) -> sa.Engine:
    """Connections to the job database; nothing is read or written yet."""
    url = patient(settings.database_url)
    busy = {"timeout": _BUSY_SECONDS} if url.startswith(SQLITE) else {}
    return sa.create_engine(url, pool_pre_ping=True, connect_args=busy)


def database_file(settings: Settings) -> Path | None:
    """The SQLite file of the job database; None where it is a server."""
    url = settings.database_url
    return Path(url.removeprefix(SQLITE).partition("?")[0]) if url.startswith(SQLITE) else None


@contextmanager
def alias_lock(settings: Settings, engine: sa.Engine, *, patience: float = _LOCK_SECONDS) -> Iterator[None]:
    """One process at a time moves aliases: on a SQLite home by a file, on PostgreSQL between hosts as well.

    It ends with its process. It is not to be taken twice by one.

    Args:
        patience: seconds others are waited for.

    Raises:
        LedgerUnavailable: somebody else holds it for longer, or the database does not answer.
    """
    with ledger_errors(settings):
        if engine.dialect.name != "postgresql":
            settings.paths.locks.mkdir(parents=True, exist_ok=True)
            lock: Any = FileLock(
                settings.paths.locks / "promotion.lock", timeout=patience, poll_interval=_LOCK_POLL_SECONDS
            )
        else:
            lock = _advisory_lock(engine, patience)
        lock.__enter__()
    try:
        yield
    finally:
        with ledger_errors(settings):
            lock.__exit__(None, None, None)


@contextmanager
def ledger_errors(settings: Settings) -> Iterator[None]:
    """Translate what the database driver, the disk and the lock raise.

    Raises:
        LedgerUnavailable: the ledger cannot be read or written.
    """
    try:
        yield
    except Timeout as error:
        raise LedgerUnavailable(
            "Another promotion or rollback is under way.",
            where=str(settings.paths.locks),
            remedy="Wait for it, then look at the history and try again.",
        ) from error
    except (sa.exc.SQLAlchemyError, OSError) as error:
        reason = str(getattr(error, "orig", None) or error).split("\n", 1)[0]
        raise LedgerUnavailable(
            f"The audit ledger does not answer: {reason}.",
            where="jobs.database_url",
            remedy="Check jobs.database_url and free disk space, and run `python -m core doctor`.",
        ) from error


@contextmanager
def _advisory_lock(engine: sa.Engine, patience: float) -> Iterator[None]:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # The lock ends with its session. In the pool that would outlive a failure, and shut everybody out.
        connection.detach()
        connection.exec_driver_sql(f"SET lock_timeout = '{max(1, round(1000 * patience))}ms'")
        connection.execute(sa.select(sa.func.pg_advisory_lock(_LOCK_KEY)))
        yield
