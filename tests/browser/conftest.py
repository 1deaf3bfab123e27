"""One Chromium for the browser tests; every test gets visitors of its own and answers for what they saw."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.chromium import MissingChromiumError, ensure_chromium
from tests.browser.intents import ANSWER_SECONDS
from tests.browser.visits import LAUNCH_ARGUMENTS, Profiles, Visits

_visits = pytest.StashKey[Visits]()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A headless Chromium. It ends with the browser tests: Playwright's event loop would hinder later ones."""
    with sync_playwright() as playwright:
        try:
            path, why = ensure_chromium(os.environ, Path(playwright.chromium.executable_path)), ""
        except MissingChromiumError as missing:
            path, why = None, str(missing)
        if path is None:
            pytest.fail(why, pytrace=False)
        # Five seconds, the default, is a busy machine's bad moment and says nothing about the screen.
        expect.set_options(timeout=ANSWER_SECONDS * 1000)
        chromium = playwright.chromium.launch(executable_path=path, args=list(LAUNCH_ARGUMENTS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def profiles(browser: Browser) -> Iterator[Profiles]:
    """Shared by the tests of a file, which have a server in common."""
    profiles = Profiles(browser)
    yield profiles
    profiles.close()


@pytest.fixture
def visits(profiles: Profiles, request: pytest.FixtureRequest) -> Iterator[Visits]:
    """Opens pages; at the end nothing may have been fetched from outside and no error written."""
    visits = Visits(profiles)
    request.node.stash[_visits] = visits
    yield visits
    visits.close()
    assert not visits.complaints(), "\n".join(visits.complaints())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    visits = item.stash.get(_visits, None)
    if report.when == "call" and report.failed and visits is not None:
        folder = Path(tempfile.gettempdir()) / "housing-lab-screenshots"
        pictures = visits.screenshots(folder, item.name)
        report.sections.append(("Screenshots", "\n".join(map(str, pictures))))
        report.sections.append(("What the pages complained of", "\n".join(visits.complaints())))
    return report
