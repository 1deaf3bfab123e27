"""The main job in a real browser, on the real server and the real rows."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import psutil
import pytest
from playwright.sync_api import Page, expect

from core.data.ingest import DataIngestor
from core.domain.configuration import load_settings
from core.domain.house import House
from core.domain.settings import Settings
from core.tracking.registry import all_versions, get_version, load_version
from core.tracking.runs import get_run
from core.tracking.store import open_store
from core.workflows.lab import Lab
from core.workflows.scenarios import house_from_query
from tests.browser.intents import (
    button,
    choose_option,
    click_button,
    fill_text,
    follow_navigation,
    read_metric,
    read_slider_text,
    set_slider,
    shown_errors,
    wait_until_idle,
)
from tests.browser.server import RunningApp, running_app
from tests.browser.visits import Visits
from tests.conftest import DATA_VARIABLE, rows_in

pytestmark = pytest.mark.browser

TRAINING_SECONDS = 120
SCREENS = ("/", "/train", "/tune", "/what_if")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> Iterator[RunningApp]:
    """One server over an empty home, shared by the tests of this file in their order."""
    with running_app(tmp_path_factory.mktemp("home"), rows_in(data_file)) as server:
        yield server


@pytest.fixture
def app_settings(app: RunningApp, data_file: Path) -> Settings:
    return load_settings(home=app.home, environment=rows_in(data_file))


def test_the_first_visit_of_a_fresh_server_may_be_a_deep_link(app: RunningApp, visits: Visits) -> None:
    """Frame, theme and a living screen, before anybody opened the front page."""
    page = visits.open(f"{app.url}/what_if")
    expect(page.get_by_role("heading", name="What-if")).to_be_visible()
    for screen in ("Home", "Train", "What-if"):
        expect(page.get_by_test_id("stSidebarNavLink").filter(has_text=screen)).to_be_visible()
    assert _background(page) == "rgb(251, 250, 247)"
    set_slider(page, "Median house age (years)", 35)
    expect(page).to_have_url(re.compile(r"housing_median_age=35"))
    assert _background(visits.open(f"{app.url}/what_if", color_scheme="dark")) == "rgb(18, 22, 26)"


def test_an_empty_store_says_what_to_do_next(app: RunningApp, visits: Visits) -> None:
    home = visits.open(app.url)
    expect(button(home, "Train a starter model")).to_be_visible()
    what_if = visits.open(f"{app.url}/what_if")
    click_button(what_if, "Value this house")
    expect(what_if.get_by_text("No model has been trained yet, so there is no price.")).to_be_visible()
    expect(what_if.get_by_test_id("stPageLink").filter(has_text="Train one")).to_be_visible()


def test_a_forest_is_trained_with_the_sliders_watched_scored_and_asked_for_a_price(
    app: RunningApp, app_settings: Settings, visits: Visits
) -> None:
    page = visits.open(f"{app.url}/train")
    choose_option(page, "Model family", "Random forest")
    set_slider(page, "Trees", 60)
    set_slider(page, "Depth", 14)
    fill_text(page, "Run name", "from the browser")
    button(page, "Train").click()

    # It is seen live here, after a refresh, and by a second visitor who was told nothing.
    expect(page.get_by_text(re.compile(r"^Fitting: .* of 60 trees"))).to_be_visible(timeout=TRAINING_SECONDS * 1000)
    page.reload()
    other = visits.open(f"{app.url}/train", width=390, color_scheme="dark")
    for visitor in (page, other):
        expect(visitor.get_by_role("heading", name="from the browser")).to_be_visible()

    for visitor in (page, other):
        done = visitor.get_by_text("Registered as version 1 of the price model.")
        expect(done).to_be_visible(timeout=TRAINING_SECONDS * 1000)
        wait_until_idle(visitor)

    store = open_store(app_settings)
    version = get_version(store, "1")
    run = get_run(store, version.run_id)
    assert run.name == "from the browser"
    assert (run.params["family"], run.params["n_estimators"], run.params["max_depth"]) == ("random_forest", "60", "14")
    assert run.scores is not None
    assert run.scores.rmse < 52_000
    assert read_metric(page, "RMSE") == f"${run.scores.rmse:,.0f}"

    follow_navigation(page, "What-if")
    click_button(page, "Value this house")
    first = read_metric(page, "Estimated median value (1990 $)")
    set_slider(page, "Median income (× $10,000 a year)", 6.0)
    dearer = read_metric(page, "Estimated median value (1990 $)")
    assert dearer != first
    assert dearer == Lab(app_settings).value(_house_at(page)).text
    assert load_version(store, version) is not None

    copied = visits.open(page.url)
    assert read_metric(copied, "Estimated median value (1990 $)") == dearer


def test_home_shows_the_version_that_prices_houses(app: RunningApp, visits: Visits) -> None:
    page = visits.open(app.url)
    expect(page.get_by_role("heading", name="In use: version 1")).to_be_visible()
    assert read_metric(page, "RMSE").startswith("$")
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()


def test_a_training_is_cancelled_by_another_visitor_and_leaves_no_version(
    app: RunningApp, app_settings: Settings, visits: Visits
) -> None:
    store = open_store(app_settings)
    before = len(all_versions(store))
    page = visits.open(f"{app.url}/train")
    set_slider(page, "Trees", 500)
    set_slider(page, "Depth", 30)
    button(page, "Train").click()
    expect(page.get_by_text(re.compile(r"^Fitting: .* of 500 trees"))).to_be_visible(timeout=TRAINING_SECONDS * 1000)
    page.reload()
    other = visits.open(f"{app.url}/train")
    for visitor in (page, other):
        expect(visitor.get_by_text(re.compile(r"^Fitting: .* of 500 trees"))).to_be_visible()
        expect(visitor.get_by_text("What happened last")).to_be_visible()
    (worker,) = Lab(app_settings).queue.live_workers()
    busy = psutil.Process(worker.pid)
    assert any(_cpu_share(busy) > 0.5 for _ in range(6)), "the worker is fitting"
    button(other, "Cancel").click()
    for visitor in (page, other):
        expect(visitor.get_by_text("This training was cancelled.")).to_be_visible(timeout=20_000)
    job = Lab(app_settings).latest_job()
    assert job is not None
    assert job.run_id is not None
    assert any(_cpu_share(busy) < 0.25 for _ in range(6)), "the worker has stopped fitting"
    assert get_run(store, job.run_id).status == "KILLED"
    assert len(all_versions(store)) == before


def test_a_sweep_is_started_watched_paused_and_its_best_trained_in_full(
    app: RunningApp, app_settings: Settings, visits: Visits
) -> None:
    page = visits.open(f"{app.url}/tune?family=Ridge+regression&trials=3")
    click_button(page, "Start the sweep")
    button(page, "Pause").click()
    other = visits.open(f"{app.url}/tune")
    expect(button(other, "Resume")).to_be_visible()
    expect(other.get_by_text(re.compile(r"^Paused: \d of 3 trials ended"))).to_be_visible()
    button(other, "Resume").click()
    for visitor in (page, other):
        expect(visitor.get_by_text("Finished: 3 of 3 trials ended")).to_be_visible(timeout=TRAINING_SECONDS * 1000)
    expect(page.get_by_text(re.compile("within noise|beyond noise"))).to_be_visible()
    for tab in ("Settings", "What matters", "Knob by knob"):
        page.get_by_role("tab", name=tab).click()
        expect(page.locator(".js-plotly-plot:visible")).to_be_visible()
    button(page, "Train the best in full").click()
    expect(page.get_by_text(re.compile("Registered as version"))).to_be_visible(timeout=TRAINING_SECONDS * 1000)
    job = Lab(app_settings).latest_job()
    best = Lab(app_settings).tuning.newest()[0].best
    assert job is not None
    assert best is not None
    assert job.request.spec == best.spec

    click_button(page, "Train again")
    assert read_slider_text(page, "Penalty") == f"{best.spec.values['alpha']:g}"
    button(page, "Train").click()
    expect(page.get_by_text("both predict the very same price for all 4,128")).to_be_visible(
        timeout=TRAINING_SECONDS * 1000
    )


def test_an_address_that_names_no_job_gets_a_clear_word_and_keeps_the_frame(app: RunningApp, visits: Visits) -> None:
    page = visits.open(f"{app.url}/train?job=<b>none</b>")
    assert "There is no job '<b>none</b>'." in _only_error(page)
    expect(page.get_by_text("What to do:")).to_be_visible()
    expect(button(page, "Train")).to_be_visible()


@pytest.mark.long
def test_demo_data_is_never_passed_off(tmp_path: Path, visits: Visits) -> None:
    """Without file and network: a banner on every screen, a tag on every run, a warning beside every price."""
    offline = {"HOUSING_LAB_DATA__URL": "http://127.0.0.1:9/housing.csv", DATA_VARIABLE: "data/raw/housing.csv"}
    home = tmp_path / "home"
    settings = load_settings(home=home, environment=offline)
    assert DataIngestor(settings).ingest().is_demo
    with running_app(home, offline) as server:
        for screen in SCREENS:
            expect(visits.open(server.url + screen).get_by_text("Demo data.")).to_be_visible()
        page = visits.open(server.url)
        button(page, "Train a starter model").click()
        expect(page.get_by_text("Registered as version 1")).to_be_visible(timeout=TRAINING_SECONDS * 1000)
        follow_navigation(page, "What-if")
        click_button(page, "Value this house")
        expect(page.get_by_text("trained on invented demo data")).to_be_visible()
        visits.close()
    store = open_store(settings)
    assert get_run(store, get_version(store, "1").run_id).tags["data.source"] == "demo"


def _only_error(page: Page) -> str:
    (error,) = shown_errors(page)
    return error


def _background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"))


def _house_at(page: Page) -> House:
    return house_from_query(dict(parse_qsl(urlsplit(page.url).query)))


def _cpu_share(process: psutil.Process, seconds: float = 1.5) -> float:
    """Cores a process would keep busy if it had the machine to itself: what it got, and what it waited for."""
    ran, waited, began = sum(process.cpu_times()[:2]), _in_line(process), time.monotonic()
    time.sleep(seconds)
    more = sum(process.cpu_times()[:2]) - ran
    more += sum(spent - waited.get(thread, 0.0) for thread, spent in _in_line(process).items())
    return more / (time.monotonic() - began)


def _in_line(process: psutil.Process) -> dict[str, float]:
    """Seconds each living thread has waited for a core (Linux, Documentation/scheduler/sched-stats); else nothing."""
    waited = {}
    for thread in Path("/proc", str(process.pid), "task").glob("*"):
        with suppress(OSError):  # it ended a moment ago
            waited[thread.name] = int((thread / "schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    return waited
