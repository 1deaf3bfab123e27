"""The REST door with tokens: what it lets in, what it answers to everybody else, and what it writes down of that."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import pytest

from core.domain import access
from core.domain.access import Deed, Role
from core.domain.admission import new_token
from core.domain.house import House
from core.domain.settings import AccessSettings, Settings
from core.serving.admission import Admission, bearer_token
from core.serving.door import ROUTES
from tests.core.cli.terminal import run_here
from tests.core.serving.conftest import ServedHome
from tests.core.serving.service import Answer, Caller, Service, request, running_service, split_of

TOKENS = {role: new_token(f"{role}'s client", role) for role in Role}
ASKING = AccessSettings(rest_tokens=True, tokens=tuple(kept for _, kept in TOKENS.values()))
OPEN = ("/ping", "/health")
GUARDED = [(method, path) for method, path, _ in ROUTES if path not in OPEN]
FORGED: Mapping[str, Mapping[str, str]] = {
    "nothing": {},
    "a forged token": {"Authorization": "Bearer hpl_forged_token_of_mine"},
    "the hash": {"Authorization": f"Bearer {TOKENS[Role.APPROVER][1].sha256}"},
    "another scheme": {"Authorization": f"Basic {TOKENS[Role.APPROVER][0]}"},
    "no scheme": {"Authorization": TOKENS[Role.APPROVER][0]},
    "another header": {"X-Token": TOKENS[Role.APPROVER][0]},
}
HOUSE = House.typical()


@pytest.fixture(scope="module")
def guarded(served_home: ServedHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The real service of a home whose settings ask for tokens."""
    settings = served_home.settings.model_copy(update={"access": ASKING})
    with running_service(settings, tmp_path_factory.mktemp("guarded") / "serve.log") as running:
        yield running


def ask(service: Service, method: str, path: str, headers: Mapping[str, str]) -> Answer:
    body: object = b""
    if path == "/invocations":
        body = split_of([HOUSE])
    elif path == "/valuations":
        body = HOUSE.as_dict()
    kind = {"Content-Type": "application/json"} if body else {}
    return service.ask(method, path, body, {**kind, **headers})


def with_token(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def refusals(service: Service) -> list[str]:
    return re.findall(r"refused \d+: .*", service.printed())


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_every_route_answers_a_token_whose_role_is_enough(guarded: Service, method: str, path: str, role: Role) -> None:
    deed = Deed.VALUE if path in ("/invocations", "/valuations") else Deed.SEE
    assert access.LEAST_ROLE[deed] is Role.VIEWER, "and so every role"
    assert ask(guarded, method, path, with_token(TOKENS[role][0])).status == 200


@pytest.mark.parametrize("shown", FORGED)
@pytest.mark.parametrize(("method", "path"), [*GUARDED, ("GET", "/openapi.json"), ("GET", "/nowhere")])
def test_without_a_token_of_the_lab_s_every_route_answers_401_and_leaves_a_line(
    guarded: Service, method: str, path: str, shown: str
) -> None:
    before = len(refusals(guarded))
    answer = ask(guarded, method, path, FORGED[shown])
    assert answer.status == HTTPStatus.UNAUTHORIZED
    assert answer.headers["www-authenticate"] == 'Bearer realm="Housing Price Lab"'
    assert answer.json["error_code"] == "UNAUTHENTICATED"
    assert "Authorization: Bearer" in answer.json["remedy"]
    (line,) = refusals(guarded)[before:]
    route = path if path != "/nowhere" else "another path"
    assert line.startswith(f"refused 401: {method} on {route} from 127.0.0.1. ")
    for value in FORGED[shown].values():
        assert value.rpartition(" ")[2] not in guarded.printed()


@pytest.mark.parametrize("path", OPEN)
def test_a_load_balancer_needs_no_token(guarded: Service, path: str) -> None:
    assert guarded.ask("GET", path).status == 200


def test_two_tokens_at_once_are_none(guarded: Service) -> None:
    good = f"Bearer {TOKENS[Role.APPROVER][0]}"
    message = request("GET", "/version", b"", {"Authorization": good})
    doubled = message.replace(b"Authorization", f"Authorization: {good}\r\nAuthorization".encode(), 1)
    caller = Caller(guarded.port)
    assert caller.send(doubled).status == HTTPStatus.UNAUTHORIZED


def test_no_token_is_ever_written_down_whatever_is_done_with_it(guarded: Service) -> None:
    token = TOKENS[Role.APPROVER][0]
    for path in (f"/{token}", f"/version?token={token}", f"/docs/{token}"):
        assert guarded.ask("GET", path).status == HTTPStatus.UNAUTHORIZED
        guarded.ask("GET", path, headers=with_token(token))
    guarded.ask("POST", "/invocations", b"{", {"Content-Type": "application/json", **with_token(token)})
    printed = guarded.printed()
    assert not [kept for kept, _ in TOKENS.values() if kept in printed]
    assert token not in ask(guarded, "GET", "/metrics", with_token(token)).body.decode()


def test_what_is_refused_is_counted(guarded: Service) -> None:
    ask(guarded, "GET", "/version", {})
    metrics = ask(guarded, "GET", "/metrics", with_token(TOKENS[Role.VIEWER][0])).body.decode()
    assert re.search(r'route="/version".*status="401"|status="401".*route="/version"', metrics)


def test_a_body_nobody_will_read_does_not_hold_the_door(guarded: Service) -> None:
    answer = Caller(guarded.port).send(request("POST", "/invocations", b"x" * 300_000, {}))
    assert (answer.status, answer.headers["connection"]) == (HTTPStatus.UNAUTHORIZED, "close")


def test_without_the_setting_nobody_is_asked(service: Service) -> None:
    assert service.ask("GET", "/version").status == 200
    assert service.ask("GET", "/version", headers=FORGED["a forged token"]).status == 200


def asgi(path: str, token: str) -> tuple[int, dict[str, str], list[str]]:
    """What the middleware sends for one request, and which paths it let through."""
    passed: list[str] = []
    sent: list[dict[str, Any]] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        passed.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "headers": [(b"authorization", f"Bearer {token}".encode())],
        "client": ("192.0.2.7", 1),
    }
    asyncio.run(Admission(inner, ASKING, frozenset({"/invocations"}))(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, passed


@pytest.mark.parametrize("role", Role)
def test_a_role_below_the_table_s_gets_403_and_a_line(
    role: Role, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(access.LEAST_ROLE, Deed.VALUE, Role.TRAINER)  # type: ignore[arg-type]
    token, kept = TOKENS[role]
    status, headers, passed = asgi("/invocations", token)
    if role.reaches(Role.TRAINER):
        assert (status, passed, caplog.messages) == (200, ["/invocations"], [])
        return
    assert (status, passed) == (HTTPStatus.FORBIDDEN, [])
    assert "www-authenticate" not in headers
    (line,) = caplog.messages
    assert line.startswith(f"refused 403: POST on /invocations from 192.0.2.7. {kept.name} is a viewer here")
    assert token not in line


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ([(b"authorization", b"Bearer abc")], "abc"),
        ([(b"Authorization", b"  bEaReR   abc  ")], "abc"),
        ([(b"authorization", b"Bearer")], ""),
        ([(b"authorization", b"Bearer \xff")], "\xff"),
        ([(b"authorization", b"Token abc")], ""),
        ([], ""),
    ],
)
def test_a_header_is_read_as_the_standard_has_it(headers: list[tuple[bytes, bytes]], token: str) -> None:
    assert bearer_token(headers) == token


@pytest.mark.parametrize("words", [("serve", "--host", "0.0.0.0"), ("ui", "--host", "0.0.0.0")])  # noqa: S104
def test_a_public_address_is_refused_before_anything_listens(
    words: tuple[str, ...], lab_home: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in lab_home.as_environment().items():
        monkeypatch.setenv(name, value)
    code, out, err = run_here(monkeypatch, capsys, *words)
    assert (code, out) == (1, "")
    assert "would listen on 0.0.0.0" in err
    assert "access.allow_public" in err
