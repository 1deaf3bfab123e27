"""The ASGI application: routes, errors, counting, and the follower that runs beside them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import Response

from core.domain.settings import AccessSettings
from core.serving import contract
from core.serving.admission import Admission
from core.serving.arrival import Disconnected, Limits
from core.serving.asgi import App, Message, Receive, Scope, Send
from core.serving.door import ROUTES, Door
from core.serving.following import LOOK_SECONDS, Follower
from core.serving.refusals import Refused, json_text
from core.serving.request_sketch import RequestSketch
from core.serving.traffic import Traffic

_CLIENT_LEFT: Final = 499
"""Not in the standard; nginx's word for a caller that left before the answer."""

_OTHER: Final = "other"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PATHS: Final = frozenset({path for _, path, _ in ROUTES} | {"/openapi.json"})
_log = logging.getLogger(__name__)


def create_app(
    follower: Follower,
    *,
    limits: Limits | None = None,
    traffic: Traffic | None = None,
    access: AccessSettings | None = None,
    sketch: RequestSketch | None = None,
) -> FastAPI:
    """The service around a follower, which begins to look when the application starts and ends with it.

    Args:
        access: who may ask; by default whoever reaches it.
        sketch: counts what the priced houses are like, from the start of the application to its end; None counts none.
    """
    limits, traffic = limits or Limits(), traffic or Traffic()
    batches = ThreadPoolExecutor(1, thread_name_prefix="batches")
    door = Door(follower, traffic, limits, batches, sketch)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with ThreadPoolExecutor(1, thread_name_prefix="following") as looking:
            await _look(follower, looking)
            watch = asyncio.create_task(_watch(follower, looking))
            if sketch is not None:
                sketch.start()
            try:
                yield
            finally:
                watch.cancel()
                if sketch is not None:
                    sketch.close()
                batches.shutdown(wait=False, cancel_futures=True)

    app = FastAPI(
        title="Housing Price Lab",
        description="House prices in 1990 dollars, from the champion of the model registry.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    _add_routes(app, door)
    _add_errors(app)
    if access is not None and access.rest_tokens:
        app.add_middleware(Admission, access=access, routes=_PATHS)
    app.add_middleware(Counted, traffic=traffic)  # outermost: what is refused is counted as well
    return app


class Counted:
    """ASGI middleware that times every request and counts it by route and status."""

    def __init__(self, app: App, traffic: Traffic) -> None:
        self._app = app
        self._traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how it ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status: int | None = None

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        unsaid: int = HTTPStatus.INTERNAL_SERVER_ERROR  # which the server around this one answers to a failure
        try:
            await self._app(scope, receive, noted)
            unsaid = _CLIENT_LEFT
        except asyncio.CancelledError:
            unsaid = _CLIENT_LEFT
            raise
        finally:
            # Only known words become labels, or a stranger could make as many as memory holds.
            route = scope["path"] if scope["path"] in _PATHS else _OTHER
            method = scope["method"] if scope["method"] in _METHODS else _OTHER
            self._traffic.note(method, route, status or unsaid, time.perf_counter() - began)


def _add_routes(app: FastAPI, door: Door) -> None:
    plain: Mapping[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}
    waiting: Mapping[int | str, dict[str, Any]] = {503: {"description": "No model is served yet."}}
    options: Mapping[str, dict[str, Any]] = {
        "/invocations": {
            "responses": contract.priced(contract.PREDICTIONS, "One price a row."),
            "openapi_extra": {"requestBody": contract.scoring_body()},
        },
        "/valuations": {
            "responses": contract.priced(contract.VALUATIONS, "The valuation, or the list of them."),
            "openapi_extra": {"requestBody": contract.valuation_body()},
        },
        "/ping": {"responses": {**plain, **waiting}, "response_class": Response},
        "/health": {"responses": {**waiting}},
        "/version": {"responses": {**waiting}},
        "/metrics": {"responses": {**plain}, "response_class": Response},
        "/docs": {"include_in_schema": False},
    }
    for method, path, told in ROUTES:
        endpoint = getattr(door, path.removeprefix("/"))
        app.add_api_route(path, endpoint, methods=[method], summary=told, response_model=None, **options[path])


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> Response:
        return _answer(error)

    @app.exception_handler(Disconnected)
    async def left(request: Request, error: Disconnected) -> Response:
        return Response(status_code=_CLIENT_LEFT)

    @app.exception_handler(HTTPStatus.NOT_FOUND)
    async def not_found(request: Request, error: object) -> Response:
        paths = ", ".join(path for _, path, _ in ROUTES)
        return _answer(Refused(HTTPStatus.NOT_FOUND, "There is no such route.", remedy=f"There are {paths}."))

    @app.exception_handler(HTTPStatus.METHOD_NOT_ALLOWED)
    async def wrong_method(request: Request, error: Any) -> Response:
        what = f"{request.url.path} does not answer {request.method}."
        allowed = error.headers or {}
        remedy = f"Use {allowed.get('Allow', 'another method')}."
        return _answer(Refused(HTTPStatus.METHOD_NOT_ALLOWED, what, remedy=remedy, headers=allowed))

    @app.exception_handler(HTTPStatus.INTERNAL_SERVER_ERROR)
    async def broken(request: Request, error: object) -> Response:
        # What happened stands in the log, where the server writes it; a caller learns nothing from a stack trace.
        what = "The service failed on this request."
        return _answer(Refused(HTTPStatus.INTERNAL_SERVER_ERROR, what, remedy="Look into the service's log."))


def _answer(error: Refused) -> Response:
    return Response(json_text(error.as_report()), error.status, headers=error.headers, media_type="application/json")


async def _watch(follower: Follower, looking: ThreadPoolExecutor) -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        await _look(follower, looking)


async def _look(follower: Follower, looking: ThreadPoolExecutor) -> None:
    """One look on its own thread. Whatever ends it, the next one comes: the service outlives a broken registry."""
    look = asyncio.get_running_loop().run_in_executor(looking, follower.look)
    await asyncio.wait([look])
    error = look.exception()
    if error is not None:
        follower.note_failure(error)
