"""A house is valued, moved, explained, kept and shared in a real browser on the real server."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core.domain.house import House
from core.domain.settings import Settings
from core.workflows.lab import Lab
from tests.browser.intents import (
    button,
    choose_option,
    click_button,
    fill_number,
    fill_text,
    read_metric,
    read_slider,
    rerun,
    set_slider,
    shown_errors,
    wait_until_idle,
)
from tests.browser.server import RunningApp, running_app
from tests.browser.tables import pick_row, read_column
from tests.browser.visits import Visits

pytestmark = pytest.mark.browser

PRICE = "Estimated median value (1990 $)"
INCOME = "Median income (× $10,000 a year)"


@pytest.fixture(scope="module")
def home(ranged_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The home with two versions and their ranges over again, to save scenarios in."""
    copy = tmp_path_factory.mktemp("what-if") / "home"
    shutil.copytree(ranged_settings.home, copy, ignore=shutil.ignore_patterns("artifacts"))
    return ranged_settings.model_copy(update={"home": copy})


@pytest.fixture(scope="module")
def app(home: Settings) -> Iterator[RunningApp]:
    environment = {**home.as_environment(), "HOUSING_LAB_JOBS__EMBEDDED_WORKER": "false"}
    with running_app(home.home, environment) as server:
        yield server


def open_tab(page: Page, name: str) -> None:
    with rerun(page):
        page.get_by_role("tab", name=name).click()


def chart_of(page: Page, key: str) -> Locator:
    return page.locator(f".st-key-{key} .js-plotly-plot")


def test_a_slider_moves_the_price_its_range_and_its_reasons(app: RunningApp, home: Settings, visits: Visits) -> None:
    page = visits.open(f"{app.url}/what_if")
    click_button(page, "Value this house")
    lab = Lab(home)
    typical = lab.what_if.value(House.typical())
    assert typical.range is not None
    assert read_metric(page, PRICE) == typical.text
    expect(page.get_by_text(f"90 % range {typical.range.outer.text}")).to_be_visible()
    expect(page.get_by_text("On rows the model never saw")).to_be_visible()

    set_slider(page, INCOME, 6.5)
    richer = lab.what_if.value(House.from_mapping({"median_income": 6.5}))
    assert read_metric(page, PRICE) == richer.text != typical.text
    expect(page.get_by_text("the income of $65,000 a household")).to_be_visible()
    expect(chart_of(page, "waterfall")).to_be_visible()


def test_a_click_on_the_map_moves_the_house_and_ocean_proximity_follows(app: RunningApp, visits: Visits) -> None:
    page = visits.open(f"{app.url}/what_if?median_income=4&part=Where")
    chart = chart_of(page, "place_map")
    expect(chart).to_be_visible()
    wait_until_idle(page)
    before = read_metric(page, PRICE), read_slider(page, "Latitude (degrees north)")
    chart.scroll_into_view_if_needed()
    # The middle of the state's north: inland, far from where every house starts.
    place = chart.evaluate(
        """plot => {
          const {xaxis, yaxis} = plot._fullLayout, box = plot.getBoundingClientRect();
          return [box.x + xaxis._offset + xaxis.d2p(-121.5), box.y + yaxis._offset + yaxis.d2p(38.6)];
        }"""
    )
    page.mouse.move(*place)
    page.wait_for_timeout(300)  # plotly looks for the nearest point as the mouse rests
    with rerun(page):
        page.mouse.click(*place)
    expect(page.get_by_text("Ocean proximity follows the place: <1H OCEAN became INLAND")).to_be_visible()
    assert read_metric(page, PRICE) != before[0]
    assert read_slider(page, "Latitude (degrees north)") == pytest.approx(38.6, abs=0.3)
    assert "ocean_proximity=INLAND" in page.url


def test_scenarios_are_saved_compared_and_opened_again(app: RunningApp, home: Settings, visits: Visits) -> None:
    page = visits.open(f"{app.url}/what_if?median_income=3&part=Scenarios")
    for name, income in (("Modest <b>", 3), ("Rich", 9)):
        set_slider(page, INCOME, income)
        page.get_by_role("button", name="Save").first.click()
        fill_text(page, "Name", name)
        click_button(page, "Save scenario")
        page.keyboard.press("Escape")
    page.reload()
    wait_until_idle(page)
    assert read_column(page, "Name") == ["Rich", "Modest <b>"]
    pick_row(page, 0)
    pick_row(page, 1)
    expect(chart_of(page, "scenario_prices")).to_be_visible()
    lab = Lab(home)
    expected = [lab.what_if.value(House.from_mapping({"median_income": income})).text for income in (9, 3)]
    assert [read_column(page, name, 1)[0] for name in ("Rich", "Modest <b>")] == expected

    pick_row(page, 0)  # leaves the modest one alone
    click_button(page, "Open")
    wait_until_idle(page)
    assert read_slider(page, INCOME) == 3


def test_a_shared_link_opens_the_very_same_house_elsewhere(app: RunningApp, visits: Visits) -> None:
    page = visits.open(f"{app.url}/what_if?part=Why")
    click_button(page, "Value this house")
    set_slider(page, INCOME, 7.3)
    choose_option(page, "Ocean proximity", "NEAR OCEAN")
    set_slider(page, "Median house age (years)", 12)
    elsewhere = visits.open(page.url, width=390, color_scheme="dark")
    assert read_metric(elsewhere, PRICE) == read_metric(page, PRICE)
    assert read_slider(elsewhere, "Median house age (years)") == 12
    page.get_by_role("button", name="Share").click()
    link = page.get_by_test_id("stPopoverBody").get_by_test_id("stCode").inner_text().strip()
    by_link = visits.open(f"{app.url}{link}")
    assert read_metric(by_link, PRICE) == read_metric(page, PRICE)


def test_the_page_for_the_client_has_the_price_and_opens_without_a_server(
    app: RunningApp, visits: Visits, tmp_path: Path
) -> None:
    page = visits.open(f"{app.url}/what_if?median_income=5")
    price = read_metric(page, PRICE)
    with page.expect_download() as pending:
        page.get_by_test_id("stDownloadButton").get_by_role("button", name=re.compile("One-pager")).click()
    file = tmp_path / "one.html"
    pending.value.save_as(file)
    text = file.read_text(encoding="utf-8")
    assert price in text
    assert "Comparable areas" in text
    assert "not an appraisal" in text


def test_a_price_is_asked_for_and_a_way_to_it_is_taken(app: RunningApp, visits: Visits) -> None:
    page = visits.open(f"{app.url}/what_if?median_income=4&part=Reach+a+price")
    fill_number(page, "What would make it (1990 $)", 260_000)
    expect(page.get_by_text("not advice on renovation")).to_be_visible()
    with rerun(page):
        page.get_by_role("button", name="Take this house").first.click()
    wait_until_idle(page)
    reached = float(re.sub(r"[^0-9.]", "", read_metric(page, PRICE)))
    assert reached == pytest.approx(260_000, abs=501)


@pytest.mark.parametrize("part", ["Why", "What changes it", "Where", "Comparable areas", "Versions"])
def test_no_part_is_wider_than_a_phone(app: RunningApp, visits: Visits, part: str) -> None:
    page = visits.open(f"{app.url}/what_if?median_income=4&part={part.replace(' ', '+')}", width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not shown_errors(page)
    expect(button(page, "Value this house")).to_be_visible()
