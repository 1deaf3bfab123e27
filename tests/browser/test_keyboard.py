"""The main path without a mouse: a model is trained, found among the runs, and a house is valued by keys alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.intents import button, rerun, wait_until_idle
from tests.browser.looks import tab_to
from tests.browser.server import RunningApp, running_app
from tests.browser.visits import Visits
from tests.conftest import rows_in

pytestmark = [pytest.mark.browser, pytest.mark.long]

TRAINING_SECONDS = 120


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> Iterator[RunningApp]:
    with running_app(tmp_path_factory.mktemp("keys") / "home", rows_in(data_file)) as server:
        yield server


def go_to(page: Page, name: str) -> None:
    """Follow the navigation's link by Tab and Enter."""
    link = page.get_by_test_id("stSidebarNavLink").filter(has=page.get_by_text(name, exact=True))
    tab_to(page, link)
    with rerun(page):
        page.keyboard.press("Enter")


def press(page: Page, name: str) -> None:
    """Find the button by Tab and press it by Enter."""
    tab_to(page, button(page, name))
    with rerun(page):
        page.keyboard.press("Enter")


def test_a_model_is_trained_found_and_asked_for_a_price_by_keys_alone(app: RunningApp, visits: Visits) -> None:
    page = visits.open(app.url)
    go_to(page, "Train")
    trees = page.get_by_test_id("stSlider").locator("input[aria-label='Trees']")
    tab_to(page, trees)
    with rerun(page):
        page.keyboard.press("Home")
    expect(trees).to_have_value("10")
    press(page, "Train")
    expect(page.get_by_text("Registered as version 1")).to_be_visible(timeout=TRAINING_SECONDS * 1000)
    wait_until_idle(page)

    go_to(page, "Runs")
    row = page.locator("table[role=grid] tbody tr").first
    expect(row).to_contain_text("random_forest_10_trees")
    go_to(page, "What-if")
    press(page, "Value this house")
    expect(page.get_by_test_id("stMetric").first).to_contain_text("$")
