"""Opening the job database: SQLite beside the app, or PostgreSQL by one setting. The same tables in both."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from filelock import FileLock

from core.domain.addresses import patient
from core.domain.files import draft_of
from core.domain.settings import SQLITE, Settings
from core.jobs.database import create_tables, database_errors
from core.jobs.old_sqlite import teach_subseconds

if TYPE_CHECKING:
    from dbos import DBOSClient

APPLICATION: Final = "housing-price-lab"
JOB_VERSION: Final = "1"
"""The version of what crosses the queue. Fixed: by default it is a hash of the code, which strands old jobs."""

_LOCK_SECONDS: Final = 120
_BUSY_SECONDS: Final = 30
_LOCK_KEY: Final = 0x686F7573
"""``hous``: PostgreSQL's advisory locks are numbers."""


def open_database(settings: Settings) -> tuple[sa.Engine, DBOSClient]:
    """Connections for our own tables and for the engine's, all tables created where they are missing.

    Raises:
        QueueUnavailable: the database does not answer.
    """
    teach_subseconds()
    url = patient(settings.database_url)
    with database_errors():
        engine = sa.create_engine(url, pool_pre_ping=True, connect_args=_connect_args(url))
        settings.paths.locks.mkdir(parents=True, exist_ok=True)
        with FileLock(settings.paths.locks / "jobs.lock", timeout=_LOCK_SECONDS), _lock_between_hosts(engine):
            _migrate(url)
            create_tables(engine)
        return engine, _client(url)


@contextmanager
def _lock_between_hosts(engine: sa.Engine) -> Iterator[None]:
    """Two hosts must not create one database's tables at once; a SQLite file has one host alone."""
    if engine.dialect.name != "postgresql":
        yield
        return
    # Each statement for itself: the engine's migrations wait for every open transaction.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # The lock ends with its session. In the pool that would outlive a failure, and shut everybody out.
        connection.detach()
        connection.exec_driver_sql(f"SET lock_timeout = '{_LOCK_SECONDS}s'")
        connection.execute(sa.select(sa.func.pg_advisory_lock(_LOCK_KEY)))
        yield


def _migrate(url: str) -> None:
    """Create the engine's tables. A new SQLite file is made aside: a process may be killed in the middle of it."""
    from dbos import DBOS

    if not url.startswith(SQLITE):
        DBOS.migrate(url)
        return
    file = Path(url.removeprefix(SQLITE).partition("?")[0])
    if file.exists():
        DBOS.migrate(url)
    else:
        with draft_of(file) as draft:
            DBOS.migrate(f"{SQLITE}{draft}")
    # Readers then never wait for the worker's writes. The mode stays with the file.
    with closing(sqlite3.connect(file, timeout=_BUSY_SECONDS)) as database:
        database.execute("PRAGMA journal_mode=WAL")


def _connect_args(url: str) -> dict[str, Any]:
    return {"timeout": _BUSY_SECONDS} if url.startswith(SQLITE) else {}


def _client(url: str) -> DBOSClient:
    from dbos import DBOSClient, DBOSPortableJSONSerializer

    # JSON, not pickles: a row of the job database must not be able to run code in the app.
    return DBOSClient(
        system_database_url=url,
        serializer=DBOSPortableJSONSerializer(),
        application_name=APPLICATION,
        retry_connection_errors=False,
    )
