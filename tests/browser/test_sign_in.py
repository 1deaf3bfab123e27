"""Signing in with a real browser at a real OpenID Connect provider, and out again; and addresses the app refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.domain.settings import HOME_VARIABLE, PROJECT_ROOT
from tests.browser.intents import button, wait_until_idle
from tests.browser.oidc import Provider, running_provider
from tests.browser.server import RunningApp, free_port, running_app
from tests.browser.visits import Visits

pytestmark = [pytest.mark.browser, pytest.mark.long]

ROLES = '{"trainer": ["tom@lab.org"], "approver": ["ann@lab.org"]}'


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with running_provider() as running:
        yield running


@pytest.fixture(scope="module")
def guarded(provider: Provider, tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> Iterator[RunningApp]:
    """The real app that asks who comes."""
    folder = tmp_path_factory.mktemp("guarded")
    environment = {
        "HOUSING_LAB_ACCESS__SIGN_IN": "true",
        "HOUSING_LAB_ACCESS__ROLES": ROLES,
        "HOUSING_LAB_DATA__PATH": str(data_file),
        "HOUSING_LAB_JOBS__EMBEDDED_WORKER": "false",
        "STREAMLIT_SECRETS_FILES": str(provider.secrets_file(folder)),
    }
    with running_app(folder / "home", environment) as app:
        yield app


def sign_in(page: Page) -> None:
    button(page, "Sign in").click()
    expect(button(page, "Sign out")).to_be_visible()
    wait_until_idle(page)


def test_a_visitor_signs_in_is_named_with_the_role_of_the_settings_and_signs_out(
    provider: Provider, guarded: RunningApp, visits: Visits
) -> None:
    provider.claims = {"email": "tom@lab.org", "email_verified": True, "name": "Tom"}
    page = visits.open(f"{guarded.url}/train")
    expect(button(page, "Sign in")).to_be_visible()
    expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(0)
    expect(button(page, "Train")).to_have_count(0)
    sign_in(page)
    expect(page.get_by_text("tom@lab.org, trainer")).to_be_visible()
    page.goto(f"{guarded.url}/train")
    wait_until_idle(page)
    expect(button(page, "Train")).to_be_enabled()

    button(page, "Sign out").click()
    expect(button(page, "Sign in")).to_be_visible()
    assert provider.signed_out == 1
    page.goto(f"{guarded.url}/train")
    wait_until_idle(page)
    expect(button(page, "Sign in")).to_be_visible()


def test_whoever_the_settings_do_not_name_looks_and_does_nothing(
    provider: Provider, guarded: RunningApp, visits: Visits
) -> None:
    provider.claims = {"email": "stranger@lab.org"}
    page = visits.open(guarded.url)
    sign_in(page)
    expect(page.get_by_text("stranger@lab.org, viewer")).to_be_visible()
    page.goto(f"{guarded.url}/train")
    wait_until_idle(page)
    # A button that says why it is barred stands twice: for a pointer, and for a finger.
    for one in button(page, "Train").all():
        expect(one).to_be_disabled()
    assert button(page, "Train").count()


def test_a_forged_cookie_is_nobody_s(provider: Provider, guarded: RunningApp, visits: Visits) -> None:
    provider.claims = {"email": "ann@lab.org"}
    page = visits.open(guarded.url)
    sign_in(page)
    (cookie,) = [one for one in page.context.cookies() if one["name"] == "_streamlit_user"]
    value = str(cookie["value"])
    middle = len(value) // 2
    forged = value[:middle] + ("A" if value[middle] != "A" else "B") + value[middle + 1 :]
    page.context.add_cookies([{**cookie, "value": forged}])  # type: ignore[typeddict-item]
    page.goto(guarded.url)
    wait_until_idle(page)
    expect(button(page, "Sign in")).to_be_visible()
    expect(page.get_by_text("ann@lab.org")).to_have_count(0)


def test_an_address_the_provider_has_not_verified_is_told_so(
    provider: Provider, guarded: RunningApp, visits: Visits
) -> None:
    provider.claims = {"email": "ann@lab.org", "email_verified": False}
    page = visits.open(guarded.url)
    button(page, "Sign in").click()
    expect(page.get_by_text("has not verified the address ann@lab.org")).to_be_visible()
    expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(0)


@pytest.mark.parametrize(("variable", "starts"), [(None, False), ("SIGN_IN", True), ("ALLOW_PUBLIC", True)])
def test_the_app_listens_beyond_this_computer_only_where_it_asks_or_was_told_to(
    variable: str | None, starts: bool, tmp_path: Path
) -> None:
    environment = {**os.environ, HOME_VARIABLE: str(tmp_path), "HOUSING_LAB_JOBS__EMBEDDED_WORKER": "false"}
    if variable is not None:
        environment[f"HOUSING_LAB_ACCESS__{variable}"] = "true"
    words = ["--server.address", "0.0.0.0", "--server.port", str(free_port()), "--server.headless", "true"]  # noqa: S104
    with subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", *words],
        cwd=PROJECT_ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        try:
            printed, _ = server.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            server.terminate()
            printed, _ = server.communicate(timeout=15)
            assert starts, printed
            return
    assert not starts, printed
    assert server.returncode != 0
    assert "The app would listen on 0.0.0.0" in printed
    assert "access.sign_in" in printed
    assert "Traceback" not in printed
