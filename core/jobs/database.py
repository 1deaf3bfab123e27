"""Our own tables beside the engine's: how they are reached, and what is said when they are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa
from filelock import Timeout

from core.domain.errors import QueueUnavailable

SCHEMA: Final = sa.MetaData()
"""Every table of ours: each module adds its own."""


class Tables:
    """What each group of tables shares: transactions, translated errors, the database's clock.

    Raises:
        QueueUnavailable: by every method, when the database does not answer.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A transaction, committed when the block ends well."""
        with database_errors(), self._engine.begin() as connection:
            yield connection

    def upsert(self, table: sa.Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """Overwrite the row of that key, or make it."""
        # Each row has one writer at a time, so update-then-insert needs no dialect of its own.
        condition = sa.and_(*(table.c[name] == value for name, value in key.items()))
        with self.begin() as connection:
            if connection.execute(sa.update(table).where(condition).values(**values)).rowcount == 0:
                connection.execute(sa.insert(table).values(**key, **values))

    @property
    def now(self) -> sa.ColumnElement[float]:
        """Seconds since 1970 by the database's clock: those of several hosts never agree."""
        if self._engine.dialect.name == "sqlite":
            return (sa.func.julianday("now") - 2440587.5) * 86400.0
        return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Float(53))


def create_tables(engine: sa.Engine) -> None:
    """Create our tables where they are missing.

    Raises:
        QueueUnavailable: the database does not answer.
    """
    with database_errors(), engine.begin() as connection:
        SCHEMA.create_all(connection)


@contextmanager
def database_errors() -> Iterator[None]:
    """Translate what the database driver, the disk and the lock raise.

    Raises:
        QueueUnavailable: the job database does not answer.
    """
    try:
        yield
    except (sa.exc.SQLAlchemyError, OSError, Timeout) as error:
        reason = str(getattr(error, "orig", None) or error).split("\n", 1)[0]
        raise QueueUnavailable(
            f"The job database does not answer: {reason}.",
            where="jobs.database_url",
            remedy="Check jobs.database_url and free disk space, and run `python -m core doctor`.",
        ) from error
