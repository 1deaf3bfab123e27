"""The rows on a map that needs no internet, and data of one's own from the upload to a run that is not compared."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import expect

from core.domain.configuration import load_settings
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import TrainingRequest
from core.domain.provenance import DATA_SHA256_TAG
from core.domain.settings import Settings
from core.tracking.runs import list_runs
from core.tracking.store import open_store
from core.workflows.lab import Lab
from core.workflows.training import train_now
from tests.browser.intents import button, click_button, read_metric, rerun, shown_errors, wait_until_idle
from tests.browser.server import RunningApp, running_app
from tests.browser.visits import Visits
from tests.conftest import rows_in

pytestmark = pytest.mark.browser

TRAINING_SECONDS = 180
DRAWN = "canvas => canvas.width > 0 && canvas.height > 0"


@pytest.fixture(scope="module")
def data_home(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> Settings:
    """A home with one run on the configured file, whose server starts its own worker."""
    settings = load_settings(home=tmp_path_factory.mktemp("data") / "home", environment=rows_in(data_file))
    request = TrainingRequest.create(TrainingSpec.create("ridge"), actor="tester", run_name="on the census")
    train_now(settings, request, functools.cache(lambda: open_store(settings)))
    return settings


@pytest.fixture(scope="module")
def app(data_home: Settings) -> Iterator[RunningApp]:
    with running_app(data_home.home, data_home.as_environment()) as server:
        yield server


def test_the_map_of_all_rows_is_drawn_with_nothing_fetched_from_outside(app: RunningApp, visits: Visits) -> None:
    page = visits.open(f"{app.url}/data?part=Map")
    canvas = page.locator(".js-plotly-plot .gl-canvas-focus, .js-plotly-plot .gl-canvas-context").first
    canvas.wait_for(state="attached")
    assert canvas.evaluate(DRAWN)
    assert read_metric(page, "Rows") == "20,640"
    with rerun(page):
        page.get_by_text("Random split", exact=True).click()
    expect(page).to_have_url(re.compile(r"map=Random\+split"))
    expect(page.get_by_text("held out: 4,128").first).to_be_visible()
    phone = visits.open(page.url, width=390, color_scheme="dark")
    expect(phone.get_by_text("held out: 4,128").first).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    # Visits itself fails the test if anything was fetched from outside.
    assert visits.fetched_outside == []


def test_own_data_are_uploaded_trained_on_and_their_run_is_not_compared_with_the_others(
    app: RunningApp, data_home: Settings, visits: Visits, real_rows: pd.DataFrame
) -> None:
    page = visits.open(f"{app.url}/data?part=Your+data")
    bad = real_rows.head(200).copy()
    bad.loc[4, "ocean_proximity"] = "LAKE"
    for rows in (bad, real_rows.sample(900, random_state=5)):
        with rerun(page):
            page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
                {"name": "north coast.csv", "mimeType": "text/csv", "buffer": rows.to_csv(index=False).encode()}
            )
        click_button(page, "Add this data")
        if rows is bad:
            (error,) = shown_errors(page)
            assert "line 6: ocean_proximity is 'LAKE'" in error
    expect(page.get_by_text("north coast: 900 rows were added.")).to_be_visible()
    assert read_metric(page, "Rows") == "900"
    expect(page).to_have_url(re.compile(r"data=north\+coast"))

    page.get_by_role("link", name="Train on it").click()
    expect(page).to_have_url(re.compile(r"/train\?.*data=north\+coast"))
    wait_until_idle(page)
    # Ridge is fitted in a moment; which family it is does not matter here.
    page.goto(f"{app.url}/train?data=north+coast&family=Ridge+regression")
    wait_until_idle(page)
    button(page, "Train").click()
    expect(page.get_by_text("Registered as version 2")).to_be_visible(timeout=TRAINING_SECONDS * 1000)
    expect(page.get_by_text("Version 1 was trained on other data, so the scores are not compared.")).to_be_visible()

    own, census = list_runs(open_store(data_home))
    (dataset,) = Lab(data_home).data.versions()
    assert own.tags[DATA_SHA256_TAG] == dataset.sha256 != census.tags[DATA_SHA256_TAG]
    assert own.metrics["held_out_rows"] == 180
    compare = visits.open(f"{app.url}/compare?runs={census.run_id},{own.run_id}")
    expect(
        compare.get_by_text(re.compile("was trained on other data than .*, so the two are not compared"))
    ).to_be_visible()
