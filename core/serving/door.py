"""The routes: from a request to its answer. What is refused leaves as JSON with a remedy, never as a stack trace."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from http import HTTPStatus
from typing import Final, TypeVar

from fastapi import Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from core.features.direct import HouseRows
from core.serving.arrival import Limits, whole_body
from core.serving.docs_page import POLICY, docs_page
from core.serving.documents import Media, media_of
from core.serving.following import Condition, Follower, ServedVersion
from core.serving.refusals import Refused, json_text
from core.serving.request_sketch import RequestSketch
from core.serving.scoring import scoring_rows, valuation_houses
from core.serving.traffic import Traffic
from core.workflows.valuation import Scope, value_all

VERSION_HEADER: Final = "X-Model-Version"
_JSON: Final = "application/json"
_PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"

ROUTES: Final = (
    ("POST", "/invocations", "Prices of rows, in MLflow's scoring protocol."),
    ("POST", "/valuations", "A house's price with all that is said beside it; a list of houses gives a list."),
    ("GET", "/ping", "200 while a model is served."),
    ("GET", "/health", "ok, degraded or waiting, and why; what is served; the last minute's requests."),
    ("GET", "/version", "Which model version answers, since when, and on what ground."),
    ("GET", "/metrics", "Counters in Prometheus' text format."),
    ("GET", "/docs", "This page."),
)
"""Method, path and what it does: the docs page's table, and the OpenAPI document's summaries."""

Answer = TypeVar("Answer")


class Door:
    """What every route needs, and the routes.

    Args:
        batches: the one thread larger requests are worked on.
        sketch: told the rows that were priced; None where nobody counts them.
    """

    def __init__(
        self,
        follower: Follower,
        traffic: Traffic,
        limits: Limits,
        batches: ThreadPoolExecutor,
        sketch: RequestSketch | None = None,
    ) -> None:
        self._sketch = sketch
        self._follower = follower
        self._traffic = traffic
        self._limits = limits
        self._batches = batches
        self._waiting = 0

    async def invocations(self, request: Request) -> Response:
        """Rows in, ``{"predictions": [...]}`` out."""
        media = media_of(request.headers.get("content-type"), request.headers.get("content-encoding"))
        body = await self._body(request)
        served = self._served()
        prices = await self._worked(body, served, lambda: _predictions(served, body, media, self._limits, self._sketch))
        return Response(prices, media_type=_JSON, headers={VERSION_HEADER: served.source.version})

    async def valuations(self, request: Request) -> Response:
        """One house or a list in; the object ``python -m core value --json`` prints, or a list of them, out."""
        media = media_of(request.headers.get("content-type"), request.headers.get("content-encoding"))
        if media is not Media.JSON:
            raise Refused(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "/valuations reads JSON alone.", remedy="Send CSV to /invocations."
            )
        body = await self._body(request)
        served = self._served()
        valued = await self._in_turn(lambda: _valuations(served, body, self._limits, self._sketch))
        return Response(valued, media_type=_JSON, headers={VERSION_HEADER: served.source.version})

    async def ping(self) -> Response:
        """As MLflow's own: an empty line while a model is served."""
        self._served()
        return PlainTextResponse("\n")

    async def health(self) -> Response:
        """How the service stands, as the Models screen and ``service_control`` read it."""
        standing = self._follower.standing
        document = {
            "status": standing.condition.value,
            "reason": standing.reason,
            "served": None if standing.served is None else _identity(standing.served),
            "requests": asdict(self._traffic.recent()),
            "pid": os.getpid(),
        }
        is_waiting = standing.condition is Condition.WAITING
        status = HTTPStatus.SERVICE_UNAVAILABLE if is_waiting else HTTPStatus.OK
        return Response(json_text(document), status, media_type=_JSON)

    async def version(self) -> Response:
        """The version that answers."""
        return Response(json_text(_identity(self._served())), media_type=_JSON)

    async def metrics(self) -> Response:
        """Prometheus' text."""
        standing = self._follower.standing
        served = standing.served
        text = self._traffic.prometheus(
            version=None if served is None else served.source.version,
            family=None if served is None else served.source.family,
            healthy=standing.condition is Condition.OK,
            since=None if served is None else served.since.timestamp(),
        )
        return Response(text, media_type=_PROMETHEUS)

    async def docs(self, request: Request) -> Response:
        """The page for people."""
        page = docs_page(ROUTES, f"http://{request.url.netloc}")
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})

    async def _body(self, request: Request) -> bytes:
        return await whole_body(request.receive, request.headers.get("content-length"), self._limits)

    def _served(self) -> ServedVersion:
        standing = self._follower.standing
        if standing.served is None:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, standing.reason, remedy="Ask again in a moment.")
        return standing.served

    async def _worked(self, body: bytes, served: ServedVersion, work: Callable[[], Answer]) -> Answer:
        """Small work where it arrives; larger work in its turn on a thread, so that nobody else waits for it."""
        if len(body) <= self._limits.at_once_bytes and served.route.is_quick:
            return work()
        return await self._in_turn(work)

    async def _in_turn(self, work: Callable[[], Answer]) -> Answer:
        if self._waiting >= self._limits.waiting:
            raise Refused(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{self._waiting} requests wait already.",
                remedy="Ask again in a second.",
                headers={"Retry-After": "1"},
            )
        self._waiting += 1
        try:
            async with asyncio.timeout(self._limits.answer_seconds):
                return await asyncio.get_running_loop().run_in_executor(self._batches, work)
        except TimeoutError:
            raise Refused(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"The answer was not ready after {self._limits.answer_seconds:g} s.",
                remedy="Send fewer rows at a time.",
                headers={"Retry-After": "1"},
            ) from None
        finally:
            self._waiting -= 1


def _predictions(
    served: ServedVersion, body: bytes, media: Media, limits: Limits, sketch: RequestSketch | None
) -> bytes:
    rows = scoring_rows(body, media, most_rows=limits.rows)
    prices = served.route.prices(rows).tolist()
    if sketch is not None:
        sketch.note(served.model.around, rows)
    return json_text({"predictions": prices}).encode()


def _valuations(served: ServedVersion, body: bytes, limits: Limits, sketch: RequestSketch | None) -> bytes:
    houses, is_list = valuation_houses(body, most_rows=limits.rows)
    scope = Scope.REASONS if len(houses) <= limits.explained else Scope.PRICE
    valued = [valuation.as_report() for valuation in value_all(served.model, houses, scope)]
    if sketch is not None:
        sketch.note(served.model.around, HouseRows.from_houses(houses))
    return json_text({"valuations": valued} if is_list else valued[0]).encode()


def _identity(served: ServedVersion) -> dict[str, object]:
    return {
        "version": served.source.version,
        "alias": served.alias,
        "ground": served.source.ground.value,
        "since": served.since.isoformat(),
        "run_id": served.source.run_id,
        "family": served.source.family,
        "is_demo": served.source.is_demo,
    }
