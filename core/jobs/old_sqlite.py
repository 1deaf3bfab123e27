"""The job engine on an old SQLite.

From Python 3.12 on the engine takes ``unixepoch('subsec')`` for granted, which SQLite has since 3.42; Debian 12
and Ubuntu 22.04 bring older ones, and there it is NULL and no worker starts.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any, Final

import sqlalchemy as sa

KNOWS_SUBSECONDS: Final = (3, 42)


def teach_subseconds() -> None:
    """Give every SQLite connection of this process the function its library is too old to have.

    It concerns connections the engine opens itself, so it cannot be handed to one of ours alone.
    """
    if sqlite3.sqlite_version_info < KNOWS_SUBSECONDS and not sa.event.contains(sa.Engine, "connect", _teach):
        sa.event.listen(sa.Engine, "connect", _teach)


def _teach(connection: Any, _record: Any) -> None:
    driver = getattr(connection, "driver_connection", connection)
    if isinstance(driver, sqlite3.Connection):
        driver.create_function("unixepoch", 1, _unixepoch)


def _unixepoch(modifier: str) -> float | None:
    """Seconds since 1970 with their fraction for ``subsec``, the one use there is; NULL as before for others."""
    return time.time() if modifier in ("subsec", "subsecond") else None
