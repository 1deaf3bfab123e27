"""What the app tells a browser to leave alone, and what it refuses that another site's page sends."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from core.domain.settings import PROJECT_ROOT, Settings
from core.serving.protection import SCREEN_HEADERS
from tests.browser.server import RunningApp, running_app

pytestmark = pytest.mark.browser

UPLOAD = "/_stcore/upload_file/some-session/some-file"


@pytest.fixture(scope="module")
def app(trained_settings: Settings) -> Iterator[RunningApp]:
    environment = {**trained_settings.as_environment(), "HOUSING_LAB_JOBS__EMBEDDED_WORKER": "false"}
    with running_app(trained_settings.home, environment) as running:
        yield running


def ask(app: RunningApp, method: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str]]:
    """Status and headers of one answer of the app."""
    connection = HTTPConnection(urlsplit(app.url).netloc, timeout=30)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/", "/what_if", "/nowhere", "/_stcore/health", "/_stcore/host-config", UPLOAD])
def test_every_answer_of_the_app_is_protected(app: RunningApp, path: str) -> None:
    _, headers = ask(app, "GET", path)
    said = {name: headers.get(name.lower()) for name in SCREEN_HEADERS}
    assert said == SCREEN_HEADERS


def test_an_upload_without_the_visitor_s_token_is_refused(app: RunningApp) -> None:
    with (PROJECT_ROOT / ".streamlit" / "config.toml").open("rb") as file:
        assert tomllib.load(file)["server"]["enableXsrfProtection"] is True
    _, headers = ask(app, "GET", "/_stcore/health")
    cookie = headers["set-cookie"].split(";")[0]
    token = cookie.partition("=")[2].strip('"')
    for given in ({}, {"Cookie": cookie}, {"X-Xsrftoken": token}, {"Cookie": cookie, "X-Xsrftoken": "2|0|0|0"}):
        for method in ("PUT", "DELETE"):
            assert ask(app, method, UPLOAD, given)[0] == 403, (method, given)
    # With both, the door opens, and it is the session that nobody knows.
    assert ask(app, "PUT", UPLOAD, {"Cookie": cookie, "X-Xsrftoken": token})[0] != 403
