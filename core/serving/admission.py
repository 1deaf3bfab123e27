"""Who may ask: a bearer token on every route that tells anything, looked at before a request is read."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from fastapi.responses import Response

from core.domain.access import Deed
from core.domain.admission import token_holder
from core.domain.errors import Forbidden, NotSignedIn
from core.domain.settings import AccessSettings
from core.serving.asgi import App, Receive, Scope, Send
from core.serving.refusals import Refused, json_text

OPEN_ROUTES: Final = frozenset({"/ping", "/health"})
"""A load balancer asks these, and has no token."""

_DEEDS: Final[Mapping[str, Deed]] = {"/invocations": Deed.VALUE, "/valuations": Deed.VALUE}
"""What a route is, as a deed; whatever stands not here is looked at."""

_HEADER: Final = b"authorization"
_SCHEME: Final = "bearer"
_REMEDY: Final = "Send the header Authorization: Bearer and your token."
_UNKNOWN: Final = "another path"
_log = logging.getLogger(__name__)


class Admission:
    """ASGI middleware that lets nobody in without a token of ``access.tokens`` whose role is enough.

    What is refused leaves one line in the log: when, from where, which route and why. The token is never in it.

    Args:
        routes: the paths that are named in the log; any other may hold whatever its sender typed.
    """

    def __init__(self, app: App, access: AccessSettings, routes: frozenset[str]) -> None:
        self._app = app
        self._access = access
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401 or 403."""
        if scope["type"] != "http" or scope["path"] in OPEN_ROUTES:
            await self._app(scope, receive, send)
            return
        try:
            actor = token_holder(self._access, bearer_token(scope["headers"]), remedy=_REMEDY)
            actor.require(_DEEDS.get(scope["path"], Deed.SEE))
        except Forbidden as error:
            await self._refused(scope, error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refused(self, scope: Scope, error: Forbidden) -> Response:
        status = HTTPStatus.UNAUTHORIZED if isinstance(error, NotSignedIn) else HTTPStatus.FORBIDDEN
        client = scope.get("client")
        route = scope["path"] if scope["path"] in self._routes else _UNKNOWN
        _log.warning(
            "refused %d: %s on %s from %s. %s",
            status,
            scope["method"] if scope["method"].isalpha() else "a method",
            route,
            client[0] if client else "somewhere",
            error.what,
        )
        # The body was not read, so the connection has no next request.
        headers = {"Connection": "close"}
        if status is HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = 'Bearer realm="Housing Price Lab"'
        refusal = Refused(status, error.what, remedy=error.remedy, headers=headers)
        return Response(json_text(refusal.as_report()), status, headers=refusal.headers, media_type="application/json")


def bearer_token(headers: list[tuple[bytes, bytes]]) -> str:
    """The token of the one Authorization header; empty where there is none, another scheme, or several."""
    given = [value.decode("latin-1") for name, value in headers if name.lower() == _HEADER]
    if len(given) != 1:
        return ""
    scheme, _, token = given[0].strip().partition(" ")
    return token.strip() if scheme.lower() == _SCHEME else ""
