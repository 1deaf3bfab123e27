"""Addresses of servers: how long a database is waited for, and how an address is shown."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

POSTGRESQL: Final = "postgresql"

_PATIENCE: Final = {
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "options": "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
    " -c tcp_user_timeout=10000 -c idle_in_transaction_session_timeout=60000",
}
"""Seconds, and milliseconds for the last ones: libpq's own names (PostgreSQL manual, 34.1.2), and under ``options``
what the server is told of its end of the connection (20.3.2): it would keep the locks of a host that is cut off."""


def patient(address: str) -> str:
    """A database's address with an end to every wait: a host that swallows all packets is given up after ten seconds.

    By default it is waited for as long as the kernel likes: two minutes for a new connection, a quarter of an hour
    for an answer, and two hours where nothing is sent; so does the database for whoever holds a lock. What the address
    says itself is kept, an empty ``options=`` too, for poolers that take none. Addresses other than PostgreSQL's are
    returned as they are.
    """
    if not address.startswith(POSTGRESQL):
        return address
    parts = urlsplit(address)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    missing = {name: value for name, value in _PATIENCE.items() if name not in given}
    query = "&".join(part for part in (parts.query, urlencode(missing, quote_via=quote)) if part)
    return f"{address.partition('?')[0]}?{query}"


def shown(address: str) -> str:
    """An address as it may be shown and logged: without its password, and without what only a driver reads."""
    return re.sub(r"(://[^/@:]*):[^/@]*@", r"\1:***@", address.partition("?")[0])
