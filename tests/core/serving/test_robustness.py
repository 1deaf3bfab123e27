"""Thousands of requests nobody would write by hand, and no answer is the service's own failure."""

from __future__ import annotations

import json
import random
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from core.domain.house import FEATURES, NUMERIC_COLUMNS, RAW_COLUMNS, House
from tests.core.serving.service import JSON, Caller, Service, encoded, request, split_of

FIELDS = ["dataframe_split", "dataframe_records", "instances", "inputs", "params", "columns", "data", "index", "x"]
WORDS = st.sampled_from([*RAW_COLUMNS, *FIELDS, *FEATURES["ocean_proximity"].choices]) | st.text(max_size=8)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | WORDS

DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=10) | st.dictionaries(WORDS, inner, max_size=10), max_leaves=30
)
"""Any JSON, with our own words strewn in."""

TYPICAL = House.typical().as_dict()
RECORDS = st.dictionaries(st.sampled_from(RAW_COLUMNS) | WORDS, LEAVES, max_size=2).map(
    lambda some: {**TYPICAL, **some}
)
HOUSES = st.fixed_dictionaries(
    {
        **{name: st.floats(FEATURES[name].low, FEATURES[name].high) for name in NUMERIC_COLUMNS},
        "total_bedrooms": st.none() | st.floats(1, 10) | st.integers(1, 10),
        "total_rooms": st.floats(10, 100_000),
        "ocean_proximity": st.sampled_from(FEATURES["ocean_proximity"].choices),
    }
)
"""Every house there can be, and houses with a cell or two of anything."""

NEARLY_RIGHT = st.one_of(
    st.sampled_from(["dataframe_records", "instances", "inputs"]).flatmap(
        lambda field: st.fixed_dictionaries({field: st.lists(RECORDS | HOUSES, max_size=3) | HOUSES})
    ),
    st.fixed_dictionaries(
        {
            "dataframe_split": st.fixed_dictionaries(
                {"columns": st.permutations(RAW_COLUMNS), "data": st.lists(st.lists(LEAVES, max_size=10), max_size=3)}
            )
        }
    ),
)

TYPES = st.sampled_from(
    [
        "application/json",
        "text/csv",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-8",
        "text/plain",
    ]
) | st.from_regex(r"[a-z/;=\- ]{0,20}", fullmatch=True)


@contextmanager
def asking(service: Service) -> Iterator[Callable[[str, bytes, dict[str, str]], int]]:
    """Posts bodies on one connection; fails on an answer that is the service's fault or no JSON."""
    caller, seen = Caller(service.port), Counter[int]()

    def ask(path: str, body: bytes, headers: dict[str, str]) -> int:
        answer = caller.send(request("POST", path, body, headers))
        assert answer.status < 500, (answer.status, body[:500])
        assert answer.status in {200, 400, 413, 415, 422}
        document = json.loads(answer.body)
        assert ("predictions" in document or "price" in document or "valuations" in document) == (answer.status == 200)
        assert answer.status == 200 or document["remedy"]
        seen[answer.status] += 1
        return answer.status

    yield ask
    caller.close()
    print(f"\n{sum(seen.values()):,} requests: {dict(seen)}")


def no_answer_fails(service: Service, examples: int) -> None:
    """So many requests of each of three kinds: any JSON, nearly right rows, any bytes."""
    options = settings(max_examples=examples, suppress_health_check=list(HealthCheck), database=None)
    paths = st.sampled_from(["/invocations", "/valuations"])
    with asking(service) as ask:

        @options
        @given(path=paths, document=DOCUMENTS)
        def any_json(path: str, document: object) -> None:
            ask(path, encoded(document), JSON)

        @options
        @given(path=paths, document=NEARLY_RIGHT | RECORDS | HOUSES | st.lists(HOUSES, max_size=3))
        def nearly_right(path: str, document: object) -> None:
            ask(path, encoded(document), JSON)

        @options
        @given(path=paths, body=st.binary(max_size=300) | st.text(max_size=200).map(str.encode), kind=TYPES)
        def any_bytes(path: str, body: bytes, kind: str) -> None:
            ask(path, body, {"Content-Type": kind})

        for part in (any_json, nearly_right, any_bytes):
            part()


def damaged_bodies_never_fail(service: Service, count: int) -> None:
    """Right bodies with a byte changed, doubled or left out."""
    draw = random.Random(5)  # noqa: S311 - damage, not secrets
    right = encoded(split_of([House.typical()]))
    table = (",".join(RAW_COLUMNS) + "\n" + ",".join(map(str, House.typical().as_dict().values()))).encode()
    with asking(service) as ask:
        for _ in range(count):
            body, headers = draw.choice([(right, JSON), (table, {"Content-Type": "text/csv"})])
            at = draw.randrange(len(body))
            change = draw.choice([b"", bytes([draw.randrange(256)]), body[at : at + 1] * 2])
            ask("/invocations", body[:at] + change + body[at + 1 :], headers)


def schema_holds(service: Service, examples: int) -> int:
    """Schemathesis' requests from our own OpenAPI document, good and bad ones; how many there were."""
    schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{service.port}/openapi.json")
    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    asked = 0
    for operation in (found.ok() for found in schema.get_all_operations()):
        # A route without input has no bad requests.
        has_body = len(operation.body) > 0
        for mode in schemathesis.GenerationMode if has_body else [schemathesis.GenerationMode.POSITIVE]:
            strategy = operation.as_strategy(generation_mode=mode)

            @settings(max_examples=examples, suppress_health_check=list(HealthCheck), database=None, deadline=None)
            @given(case=strategy)
            def holds(case: Any) -> None:
                nonlocal asked
                asked += 1
                case.call_and_validate(checks=checks)

            holds()
    return asked


def test_a_thousand_strange_requests_and_no_failure(service: Service) -> None:
    no_answer_fails(service, 200)
    damaged_bodies_never_fail(service, 400)


def test_the_openapi_document_holds(service: Service) -> None:
    assert schema_holds(service, 25) > 100


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_ten_thousand_strange_requests_and_no_failure(service: Service) -> None:
    no_answer_fails(service, 2_000)
    damaged_bodies_never_fail(service, 4_000)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_the_openapi_document_holds_for_thousands(service: Service) -> None:
    asked = schema_holds(service, 1_500)
    print(f"\nschemathesis: {asked:,} requests")
    assert asked > 5_000


def test_a_caller_that_leaves_in_the_middle_harms_nobody(service: Service) -> None:
    message = request("POST", "/invocations", encoded(split_of([House.typical()])), JSON)
    for end in (10, len(message) // 2, len(message) - 1, len(message)):
        with socket.create_connection(("127.0.0.1", service.port)) as leaving:
            leaving.sendall(message[:end])
    assert service.invoke(split_of([House.typical()])).status == 200


def test_what_is_no_http_is_answered_and_forgotten(service: Service) -> None:
    for noise in (b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET\r\n\r\n"):
        assert Caller(service.port).send(noise).status == 400
    assert service.invoke(split_of([House.typical()])).status == 200
