"""What every answer tells a browser not to do: guess its type, show it in a stranger's frame, pass its address on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.serving.asgi import App, Message, Receive, Scope, Send

REST_HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of the REST service: the server puts them on every answer, refusals and failures included."""

SCREEN_HEADERS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Content-Security-Policy": "frame-ancestors 'self'; object-src 'none'; base-uri 'self'",
    "Referrer-Policy": "same-origin",
}
"""Of the app. What a screen shows is in its address, so no other site is told it; frames may be its own alone."""


class Protected:
    """ASGI middleware that adds :data:`SCREEN_HEADERS` to every answer that does not say otherwise."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add to how its answer begins."""

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                said = {bytes(name).lower() for name, _ in given}
                more = [(name.lower().encode(), value.encode()) for name, value in SCREEN_HEADERS.items()]
                message = {**message, "headers": [*given, *(one for one in more if one[0] not in said)]}
            await send(message)

        await self._app(scope, receive, protected)
