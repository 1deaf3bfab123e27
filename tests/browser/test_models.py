"""Promotion through gates in a real browser: one click, a refusal, an override, a rollback, and the ledger of all."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from core.domain.configuration import load_settings
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import TrainingRequest
from core.domain.settings import Settings
from core.tracking.registry import alias_holders
from core.tracking.store import open_store
from core.workflows.training import train_now
from tests.browser.intents import button, click_button, fill_text, read_metric, rerun, shown_errors, wait_until_idle
from tests.browser.server import RunningApp, free_port, running_app
from tests.browser.tables import pick_row, read_column
from tests.browser.visits import Visits
from tests.conftest import rows_in

pytestmark = pytest.mark.browser

SERVED_SECONDS = 3
START_SECONDS = 60


@pytest.fixture(scope="module")
def model_settings(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> Settings:
    """A home with two versions: a small forest, and a ridge that is worse."""
    settings = load_settings(home=tmp_path_factory.mktemp("models") / "home", environment=rows_in(data_file))
    connect = functools.cache(lambda: open_store(settings))
    for family, values in (("random_forest", {"n_estimators": 20, "max_depth": 12}), ("ridge", {})):
        spec = TrainingSpec.create(family, values)
        train_now(settings, TrainingRequest.create(spec, actor="tester"), connect)
    return settings


@pytest.fixture(scope="module")
def app(model_settings: Settings, data_file: Path) -> Iterator[RunningApp]:
    environment = {**rows_in(data_file), "HOUSING_LAB_JOBS__EMBEDDED_WORKER": "false"}
    with running_app(model_settings.home, environment) as server:
        yield server


def test_a_version_is_promoted_a_bad_one_refused_overridden_and_rolled_back_and_the_ledger_says_so(
    app: RunningApp, model_settings: Settings, visits: Visits
) -> None:
    store = open_store(model_settings)
    page = visits.open(f"{app.url}/models")
    assert read_column(page, "Version") == ["2", "1"]
    pick_row(page, 1)
    expect(page.get_by_text("It passes every gate, with no champion to judge it against.")).to_be_visible()
    box = button(page, "Promote").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 900, "the main button needs no scrolling"
    click_button(page, "Promote")
    expect(page.get_by_role("heading", name="Champion: version 1")).to_be_visible()
    assert alias_holders(store) == {"champion": "1"}

    page = visits.open(f"{app.url}/models?version=2")
    (refusal,) = shown_errors(page)
    assert "It does not pass, against version 1" in refusal
    assert button(page, "Promote").count() == 0
    page.get_by_role("button", name="Override the gates").click()
    fill_text(page, "Reason", "to see <b>what</b> happens")
    click_button(page, "Promote against the gates")
    expect(page.get_by_role("heading", name="Champion: version 2")).to_be_visible()
    expect(page.get_by_text("against its gates: to see <b>what</b> happens").first).to_be_visible()
    assert alias_holders(store) == {"champion": "2"}

    back = visits.open(f"{app.url}/models", width=390, color_scheme="dark")
    back.get_by_role("button", name="Roll back").click()
    fill_text(back, "Reason", "the forest was better")
    click_button(back, "Roll back to version 1")
    expect(back.get_by_role("heading", name="Champion: version 1")).to_be_visible()
    assert alias_holders(store) == {"champion": "1"}

    ledger = visits.open(f"{app.url}/models?part=Ledger")
    expect(ledger.get_by_text("The chain is whole")).to_be_visible()
    assert read_column(ledger, "What") == ["rolled back", "promoted", "promoted"]
    assert read_column(ledger, "To") == ["1", "2", "1"]
    assert read_column(ledger, "Override") == ["", "yes", ""]
    assert read_column(ledger, "Reason")[1] == "to see <b>what</b> happens"


@pytest.mark.long
def test_the_service_is_started_followed_and_stopped_on_the_screen(
    app: RunningApp, model_settings: Settings, visits: Visits
) -> None:
    store = open_store(model_settings)
    store.client.set_registered_model_alias(store.model_name, "champion", "1")
    page = visits.open(f"{app.url}/models?part=Service")
    port = free_port()
    field = page.get_by_test_id("stNumberInput").locator("input")
    field.fill(str(port))
    field.press("Tab")
    page.get_by_role("button", name="Start the service").click()
    expect(page.get_by_text(f"http://127.0.0.1:{port}", exact=True)).to_be_visible(timeout=START_SECONDS * 1000)
    assert read_metric(page, "Version served") == "1"
    store.client.set_registered_model_alias(store.model_name, "champion", "2")
    served = page.get_by_test_id("stMetricValue").get_by_text("2", exact=True)
    expect(served.first).to_be_visible(timeout=(SERVED_SECONDS + 5) * 1000)
    page.get_by_role("button", name="Stop the service").click()
    expect(page.get_by_text("No service runs.")).to_be_visible(timeout=START_SECONDS * 1000)


@pytest.mark.long
def test_no_part_of_the_screen_is_wider_than_the_window(app: RunningApp, visits: Visits) -> None:
    page = visits.open(f"{app.url}/models?version=1&part=Versions")
    for part in ("Ledger", "Service", "Versions"):
        with rerun(page):
            page.get_by_role("tab", name=part).click()
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            wait_until_idle(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (part, width)
        page.set_viewport_size({"width": 1440, "height": 900})
