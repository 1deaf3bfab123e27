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

_PASSWORD: Final = re.compile(r"(://[^/@:\s]*:)[^/@\s]*(?=@)|([?&]password=)[^&\s]*")


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


def refuse_unreadable(address: str) -> None:
    """Nothing, unless a server's address cannot be taken apart: then nobody could tell its password from the rest.

    Raises:
        ValueError: it says what is wrong, and repeats no part of the address.
    """
    try:
        parts = urlsplit(address)
        readable = parts.port is None or bool(parts.hostname)
    except ValueError:
        readable = False
    if not readable or (parts.netloc and "@" in parts.path):
        raise ValueError(
            "it is no address: give scheme://user:password@host:port/name, the port as a number, and in a password"
            " %2F for /, %3A for : and %40 for @"
        )


def shown(address: str) -> str:
    """An address as it may be shown and logged: without its password, and without what only a driver reads."""
    return without_passwords(address.partition("?")[0])


def without_passwords(text: str) -> str:
    """A text as it may be shown and logged: each address in it loses its password.

    What a driver or a library says of a failure often repeats the address it was given.
    """
    return _PASSWORD.sub(lambda found: f"{found[1] or found[2]}***", text)
