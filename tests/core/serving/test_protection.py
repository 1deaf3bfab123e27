"""Every answer of the service, refusals included, says what a browser must leave alone."""

from __future__ import annotations

import pytest

from core.domain.house import House
from core.serving.arrival import Limits
from core.serving.protection import REST_HEADERS
from tests.core.serving.service import JSON, Answer, Service, split_of

ROUTES = ("/ping", "/health", "/version", "/metrics", "/docs", "/openapi.json")


def protection(answer: Answer) -> dict[str, str | None]:
    return {name: answer.headers.get(name.lower()) for name in REST_HEADERS}


@pytest.mark.parametrize("route", ROUTES)
def test_what_is_asked_for_is_protected(service: Service, route: str) -> None:
    answer = service.ask("GET", route)
    assert answer.status == 200
    assert protection(answer) == REST_HEADERS


def test_prices_are_protected(service: Service) -> None:
    answer = service.invoke(split_of([House.typical()]))
    assert answer.status == 200
    assert protection(answer) == REST_HEADERS


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("GET", "/nowhere", b"", {}, 404),
        ("GET", "/<script>alert(1)</script>", b"", {}, 404),
        ("DELETE", "/invocations", b"", {}, 405),
        ("POST", "/invocations", b"{}", {}, 415),
        ("POST", "/invocations", b"{", JSON, 400),
        ("POST", "/invocations", b"{}", JSON, 422),
        ("POST", "/valuations", b"[]", JSON, 422),
        ("POST", "/invocations", b" " * (Limits().body_bytes + 1), JSON, 413),
    ],
)
def test_refusals_are_protected(
    service: Service, method: str, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = service.ask(method, path, body, headers)
    assert answer.status == status
    assert protection(answer) == REST_HEADERS


def test_the_page_of_the_docs_stands_in_no_frame_and_loads_nothing_from_elsewhere(service: Service) -> None:
    policy = service.ask("GET", "/docs").headers["content-security-policy"]
    for rule in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"):
        assert rule in policy
