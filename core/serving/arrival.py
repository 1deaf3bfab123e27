"""Taking in a request's body: whole, in time, and no larger than allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from core.serving.refusals import Refused

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
"""The next message of a request, as ASGI hands it out."""

_DRAINED: Final = 16
"""A body of up to so many times the allowed size is read to its end and thrown away, so that its sender, who
listens only after the last byte, learns why. A larger one is cut off."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take. The body of 10,000 rows as JSON records is 2.5 MB."""

    body_bytes: int = 4 * 1024 * 1024
    rows: int = 10_000
    body_seconds: float = 10.0
    answer_seconds: float = 30.0
    waiting: int = 32
    """Larger requests are worked on one at a time; more than this many in a row are refused."""

    at_once_bytes: int = 8 * 1024
    """A body up to this size, about 30 rows, is answered where it arrives: a thread would cost more than the work."""

    explained: int = 50
    """Houses of one request to ``/valuations`` that are told their reasons; a deep forest takes 50 ms for each."""


class Disconnected(ConnectionError):
    """The caller left before the body was whole."""


async def whole_body(receive: Receive, declared: str | None, limits: Limits) -> bytes:
    """The body's bytes.

    Args:
        declared: the Content-Length header.

    Raises:
        Refused: 408 when it does not arrive in time, 413 when it is too large.
        Disconnected: nobody is there to be answered.
    """
    expected = int(declared) if declared is not None and declared.isdecimal() and len(declared) < 19 else 0
    if expected > _DRAINED * limits.body_bytes:
        raise _too_large(limits)
    try:
        async with asyncio.timeout(limits.body_seconds):
            return await _read(receive, limits)
    except TimeoutError:
        raise Refused(
            HTTPStatus.REQUEST_TIMEOUT,
            f"The body was not whole after {limits.body_seconds:g} s.",
            remedy="Send it again, at once.",
            headers={"Connection": "close"},
        ) from None


async def _read(receive: Receive, limits: Limits) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part = message.get("body", b"")
        size += len(part)
        if size <= limits.body_bytes:
            parts.append(part)
        elif size > _DRAINED * limits.body_bytes:
            raise _too_large(limits)
        if not message.get("more_body", False):
            break
    if size > limits.body_bytes:
        raise _too_large(limits)
    return b"".join(parts)


def _too_large(limits: Limits) -> Refused:
    return Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The body is larger than {limits.body_bytes / 1024**2:g} MB.",
        remedy=f"Send fewer rows at a time, at most {limits.rows:,}.",
        headers={"Connection": "close"},
    )
