"""Finding runs among many and comparing them, in a real browser, on the real server and a real store."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.domain.configuration import load_settings
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import TrainingRequest
from core.domain.money import dollars
from core.domain.settings import Settings
from core.tracking.runs import list_runs
from core.tracking.store import Store, open_store
from core.workflows.lab import Lab
from core.workflows.training import train_now
from tests.browser.intents import choose_option, click_button, fill_text, rerun, shown_errors, wait_until_idle
from tests.browser.server import RunningApp, running_app
from tests.browser.tables import pick_row, press_name, read_column, table
from tests.browser.visits import Visits
from tests.conftest import rows_in

pytestmark = pytest.mark.browser

LOGGED = 60
SHOWN_SECONDS = 10
"""What another program changed is on the screen within these."""

TRAINED = (
    ("baseline ridge", "ridge", {}, 42),
    ("forest", "random_forest", {"n_estimators": 20, "max_depth": 10}, 1),
    ("forest", "random_forest", {"n_estimators": 20, "max_depth": 10}, 2),
)


@pytest.fixture(scope="module")
def run_settings(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> Settings:
    """A home with three trained models and sixty runs another program logged."""
    home = tmp_path_factory.mktemp("runs") / "home"
    settings = load_settings(home=home, environment=rows_in(data_file))
    connect = functools.cache(lambda: open_store(settings))
    for name, family, values, seed in TRAINED:
        spec = TrainingSpec.create(family, values, seed=seed)
        train_now(settings, TrainingRequest.create(spec, actor="tester", run_name=name), connect)
    for number in range(LOGGED):
        log_run(connect(), f"logged {number:02}", rmse=80_000.0 + number, max_depth=number % 7)
    return settings


@pytest.fixture(scope="module")
def app(run_settings: Settings, data_file: Path) -> Iterator[RunningApp]:
    environment = {**rows_in(data_file), "HOUSING_LAB_JOBS__EMBEDDED_WORKER": "false"}
    with running_app(run_settings.home, environment) as server:
        yield server


def log_run(store: Store, name: str, *, rmse: float, max_depth: int) -> str:
    """A run as any program logs it through a plain client."""
    from mlflow.entities import Metric, Param

    run = store.client.create_run(store.experiment_id, run_name=name)
    params = [Param("family", "lightgbm"), Param("max_depth", str(max_depth))]
    store.client.log_batch(run.info.run_id, metrics=[Metric("rmse", rmse, 0, 0)], params=params)
    store.client.set_terminated(run.info.run_id)
    return str(run.info.run_id)


def test_three_runs_are_found_picked_compared_and_the_link_shows_another_visitor_the_same(
    app: RunningApp, run_settings: Settings, visits: Visits
) -> None:
    page = visits.open(f"{app.url}/runs?size=25")
    expect(page.get_by_text("63 runs")).to_be_visible()

    # Sorted by a metric, over all pages, whoever logged it.
    choose_option(page, "Sort by", "RMSE")
    assert read_column(page, "Run")[:3] == ["logged 59", "logged 58", "logged 57"]
    go_to_page(page, 3)
    assert read_column(page, "Run")[-1].startswith("forest")
    expect(page).to_have_url(re.compile(r"page=3"))

    # Filtered by a part of the name; any other filter starts at the first page again.
    fill_text(page, "Name contains", "FOREST")
    assert read_column(page, "Run") == ["forest", "forest"]
    expect(page).not_to_have_url(re.compile(r"page="))
    pick_row(page, 0)
    pick_row(page, 1)
    fill_text(page, "Name contains", "ridge")
    assert read_column(page, "Run") == ["baseline ridge"]
    pick_row(page, 0)
    expect(page.get_by_text("3 picked, 2 of them not on this page")).to_be_visible()
    left = page.url

    click_button(page, "Compare")
    expect(page.get_by_role("heading", name="Compare")).to_be_visible()
    words = dict(zip(read_column(page, "Run"), read_column(page, "Verdict"), strict=True))
    ids = tuple(re.search(r"runs=([^&]+)", page.url)[1].replace("%2C", ",").split(","))  # type: ignore[index]
    expected = Lab(run_settings).comparing.compare(ids)
    assert words["baseline ridge"] == "worse"
    assert words[expected.baseline.label] == "baseline"
    differences = read_column(page, "RMSE difference")
    assert differences[0] == "—"
    assert differences[2].removeprefix("+") == dollars(expected.runs[2].differences["rmse"].delta)

    # A window behind another draws its tables late on a busy machine, so the first one is read while it is in front.
    titles = ("Run", "Verdict", "RMSE", "RMSE difference", "RMSE 95 % interval")
    shown = [read_column(page, title) for title in titles]
    copied = visits.open(page.url)
    assert [read_column(copied, title) for title in titles] == shown

    page.go_back()
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    wait_until_idle(page)
    expect(page).to_have_url(left)
    assert read_column(page, "Run") == ["baseline ridge"]


def test_the_address_holds_the_whole_view(app: RunningApp, visits: Visits) -> None:
    page = visits.open(f"{app.url}/runs?size=25&order=metrics.rmse+ASC&filter_text=params.max_depth+%3D+%273%27")
    expect(page.get_by_text("params.max_depth = '3'")).to_be_visible()
    assert read_column(page, "Run")[:2] == ["logged 03", "logged 10"]
    again = visits.open(page.url, width=390, color_scheme="dark")
    assert read_column(again, "Run")[:2] == ["logged 03", "logged 10"]
    bad = visits.open(f"{app.url}/runs?filter_text=metrics.rmse+%3C%3C+5")
    (error,) = shown_errors(bad)
    assert "Invalid comparator '<<'" in error
    click_button(bad, "Show all runs")
    expect(bad.get_by_text("63 runs")).to_be_visible()


@pytest.mark.long
def test_the_pictures_are_in_the_address_too(app: RunningApp, run_settings: Settings, visits: Visits) -> None:
    page = visits.open(f"{app.url}/runs?name=forest")
    with rerun(page):
        page.get_by_test_id("stCheckbox").get_by_text("Charts").click()
    with rerun(page):
        page.get_by_role("tab", name="Boxes").click()
    choose_option(page, "Upwards", "MAE")
    again = visits.open(page.url)
    expect(again.get_by_text("MAE by Family")).to_be_visible()

    ids = ",".join(run.run_id for run in list_runs(open_store(run_settings), limit=200) if run.scores)
    compared = visits.open(f"{app.url}/compare?runs={ids}")
    with rerun(compared):
        compared.get_by_role("tab", name="Score profile").click()
    expect(visits.open(compared.url).get_by_text("Score profile").last).to_be_visible()
    expect(visits.open(compared.url).get_by_text("all held-out rows")).to_be_visible()


@pytest.mark.long
def test_what_another_program_changes_is_on_the_screen_within_ten_seconds(
    app: RunningApp, run_settings: Settings, visits: Visits
) -> None:
    store = open_store(run_settings)
    page = visits.open(f"{app.url}/runs?size=25&filter_text=tags.team+%3D+%27north%27")
    expect(page.get_by_text("No run is like that.")).to_be_visible()
    (chosen,) = list_runs(store, limit=1, filter_text="attributes.run_name = 'logged 05'")
    store.client.set_tag(chosen.run_id, "team", "north")
    expect(page.get_by_text("1 run.")).to_be_visible(timeout=SHOWN_SECONDS * 1000)
    assert read_column(page, "Run") == ["logged 05"]

    everything = visits.open(f"{app.url}/runs?size=25")
    run = store.client.create_run(store.experiment_id, run_name="from elsewhere")
    expect(everything.get_by_text("64 runs")).to_be_visible(timeout=SHOWN_SECONDS * 1000)
    assert (read_column(everything, "Run")[0], read_column(everything, "Status")[0]) == ("from elsewhere", "running")
    store.client.set_terminated(run.info.run_id, "FAILED")
    shows(everything, "failed")
    store.client.delete_run(run.info.run_id)
    expect(everything.get_by_text("63 runs")).to_be_visible(timeout=SHOWN_SECONDS * 1000)


def test_a_run_is_tagged_noted_deleted_and_restored_on_the_screen(
    app: RunningApp, run_settings: Settings, visits: Visits
) -> None:
    store = open_store(run_settings)
    run_id = log_run(store, "to be deleted", rmse=70_000.0, max_depth=4)
    page = visits.open(f"{app.url}/runs?name=to+be+deleted")
    expect(table(page)).to_be_visible(timeout=SHOWN_SECONDS * 1000)
    pick_row(page, 0)
    page.get_by_role("button", name="Tag").click()
    page.get_by_label("Tag", exact=True).last.fill("team")
    page.get_by_label("Value", exact=True).fill("<b>south</b>")
    click_button(page, "Tag now")
    assert store.client.get_run(run_id).data.tags["team"] == "<b>south</b>"
    page.get_by_role("button", name="Delete").click()
    click_button(page, "Delete now")
    expect(page.get_by_text("No run is like that.")).to_be_visible()
    assert store.client.get_run(run_id).info.lifecycle_stage == "deleted"

    deleted = visits.open(f"{app.url}/runs?name=to+be+deleted&lifecycle=deleted")
    assert read_column(deleted, "Status") == ["deleted"]
    pick_row(deleted, 0)
    click_button(deleted, "Restore")
    expect(deleted.get_by_text("No run is like that.")).to_be_visible()
    assert store.client.get_run(run_id).info.lifecycle_stage == "active"
    store.client.delete_run(run_id)


def test_a_run_s_own_view_opens_by_its_name_and_gives_its_files(
    app: RunningApp, run_settings: Settings, visits: Visits
) -> None:
    page = visits.open(f"{app.url}/runs?name=ridge")
    press_name(page, 0)
    expect(page.get_by_role("heading", name="baseline ridge")).to_be_visible()
    for name in ("Error map", "Importance", "Curves", "Params and metrics", "Lineage"):
        with rerun(page):
            page.get_by_role("tab", name=name).click()
        assert not shown_errors(page), name
    with rerun(page):
        page.get_by_role("tab", name="Files").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").click()
    run_id = re.search(r"run=(\w+)", page.url)[1]  # type: ignore[index]
    logged = Lab(run_settings).runs.artifact(run_id, waiting.value.suggested_filename)
    assert Path(waiting.value.path()).read_bytes() == logged
    with rerun(page):
        page.get_by_role("button", name="All runs").click()
    assert read_column(page, "Run") == ["baseline ridge"]


def test_a_comparison_is_taken_away_as_one_file(app: RunningApp, run_settings: Settings, visits: Visits) -> None:
    store = open_store(run_settings)
    ids = [run.run_id for run in list_runs(store, filter_text="attributes.run_name != 'x'", limit=200) if run.scores]
    page = visits.open(f"{app.url}/compare?runs={','.join(ids)}")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save as report").click()
    report = Path(waiting.value.path()).read_text(encoding="utf-8")
    for difference in read_column(page, "RMSE difference")[1:]:
        assert difference in report
    assert "baseline ridge" in report


def go_to_page(page: Page, number: int) -> None:
    with rerun(page):
        page.get_by_test_id("stPagination").get_by_role("button", name=f"Page {number}", exact=True).click()


def shows(page: Page, status: str) -> None:
    """Wait until the first row has that status: what is read is only what was drawn by then."""
    first = table(page).locator("table[role=grid] tbody tr").first
    expect(first).to_contain_text(status, timeout=SHOWN_SECONDS * 1000)
