"""What-if in a real browser: a price that follows the hand, and everything that is asked about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.domain.configuration import load_settings
from core.domain.house import House
from core.domain.settings import Settings
from core.workflows.lab import Lab
from tests.browser.intents import (
    button,
    choose_option,
    click_button,
    fill_number,
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
from tests.conftest import rows_in

pytestmark = pytest.mark.browser

PRICE = "Estimated median value (1990 $)"
INCOME = "Median income (× $10,000 a year)"
AGE = "Median house age (years)"
LONGITUDE, LATITUDE = "Longitude (degrees east)", "Latitude (degrees north)"
PARTS = ("Why", "What changes it", "Where", "Comparable areas", "Reach a price", "Versions", "Scenarios")
FRESNO = (-119.78, 36.74)
PIXEL_DEGREES = 0.1
PHONE = 390

AT_PLACE = """(plot, [east, north]) => {
  plot.scrollIntoView({block: "center"});
  const {xaxis, yaxis} = plot._fullLayout, box = plot.getBoundingClientRect();
  return [box.x + xaxis._offset + xaxis.d2p(east), box.y + yaxis._offset + yaxis.d2p(north)];
}"""
"""Where on the screen a place of the map is."""


@pytest.fixture(scope="module")
def app(ranged_settings: Settings, data_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """A server over two versions that have ranges; what is saved here is kept apart from them."""
    jobs = tmp_path_factory.mktemp("what-if") / "jobs.db"
    environment = {
        **rows_in(data_file),
        "HOUSING_LAB_JOBS__EMBEDDED_WORKER": "false",
        "HOUSING_LAB_JOBS__DATABASE_URL": f"sqlite:///{jobs}",
    }
    with running_app(ranged_settings.home, environment) as server:
        yield server


@pytest.fixture(scope="module")
def lab(ranged_settings: Settings, data_file: Path) -> Lab:
    """What the screen should say."""
    return Lab(load_settings(home=ranged_settings.home, environment=rows_in(data_file)))


def open_part(page: Page, name: str) -> None:
    tab = page.get_by_role("tab", name=name, exact=True)
    if tab.get_attribute("aria-selected") != "true":
        with rerun(page):
            tab.click()


def popover(page: Page, name: str) -> None:
    page.get_by_test_id("stPopover").get_by_role("button", name=re.compile(rf"\b{name}$|{name}\s*\w*$")).first.click()


def save(page: Page, name: str) -> None:
    popover(page, "Save")
    form = page.get_by_test_id("stPopoverBody")
    form.get_by_label("Name").fill(name)
    with rerun(page):
        form.get_by_role("button", name="Save scenario").click()
    expect(form).to_be_hidden()  # it is saved, and nothing of it covers the house


def ocean_proximity(page: Page) -> str:
    return page.get_by_test_id("stSelectbox").locator("input[aria-label='Ocean proximity']").input_value()


def test_a_moved_slider_is_priced_and_the_copied_address_and_the_shared_link_show_the_same(
    app: RunningApp, lab: Lab, visits: Visits
) -> None:
    page = visits.open(f"{app.url}/what_if")
    assert page.get_by_test_id("stMetric").count() == 0
    click_button(page, "Value this house")
    assert read_metric(page, PRICE) == lab.value(House.typical()).text
    set_slider(page, INCOME, 4.1)
    set_slider(page, AGE, 40)
    valuation = lab.value(House.from_mapping({"median_income": 4.1, "housing_median_age": 40}))
    assert read_metric(page, PRICE) == valuation.text
    assert valuation.range is not None
    expect(page.get_by_text(valuation.range.outer.text)).to_be_visible()
    expect(page.get_by_text(re.compile("^From \\$.* the location"))).to_be_visible()

    popover(page, "Share")
    shared = page.get_by_test_id("stPopoverBody").get_by_test_id("stCode").inner_text().strip()
    assert shared.startswith(f"{app.url}/what_if?")
    for address in (page.url, shared):
        fresh = visits.open(address)
        assert read_metric(fresh, PRICE) == valuation.text
        assert (read_slider(fresh, INCOME), read_slider(fresh, AGE)) == (4.1, 40)


def test_a_click_on_the_map_moves_the_house_and_its_ocean_proximity_follows(
    app: RunningApp, lab: Lab, visits: Visits
) -> None:
    page = visits.open(f"{app.url}/what_if?part=Where")
    before = read_metric(page, PRICE)
    map_of_california = page.locator(".st-key-place_map .js-plotly-plot")
    expect(map_of_california).to_be_visible()
    there = map_of_california.evaluate(AT_PLACE, list(FRESNO))
    page.mouse.move(*there)
    page.wait_for_timeout(300)  # plotly looks for the nearest point as the mouse rests
    with rerun(page):
        page.mouse.click(*there)
    # The click's own run asks for the one that moves the house; a busy browser draws its sliders a moment after it.
    expect(page.get_by_text("Ocean proximity follows the place: <1H OCEAN became INLAND")).to_be_visible()
    wait_until_idle(page)
    longitude, latitude = read_slider(page, LONGITUDE), read_slider(page, LATITUDE)
    assert abs(longitude - FRESNO[0]) < PIXEL_DEGREES
    assert abs(latitude - FRESNO[1]) < PIXEL_DEGREES
    assert ocean_proximity(page) == "INLAND"
    expect(page.get_by_text(re.compile("near Fresno"), exact=False).first).to_be_visible()
    moved = lab.what_if.move(House.typical(), longitude, latitude).house
    assert read_metric(page, PRICE) == lab.value(moved).text != before

    with rerun(page):
        page.get_by_role("radio", name="30 km").or_(page.get_by_role("button", name="30 km")).first.click()
    fresh = visits.open(page.url)
    assert (read_slider(fresh, LONGITUDE), ocean_proximity(fresh)) == (longitude, "INLAND")
    shown = fresh.locator(".st-key-place_map .js-plotly-plot")
    expect(shown).to_be_visible()
    low, high = shown.evaluate("plot => plot._fullLayout.yaxis.range")
    assert high - low < 2, "the window of 30 km, not the whole state"

    with rerun(fresh):
        fresh.get_by_role("button", name="Start from it").click()
    expect(fresh.get_by_text("Started from Block group").first).to_be_visible()


def test_two_scenarios_are_saved_compared_opened_copied_and_deleted(
    app: RunningApp, lab: Lab, visits: Visits, tmp_path: Path
) -> None:
    page = visits.open(f"{app.url}/what_if?median_income=4&part=Scenarios")
    save(page, "as it is")
    set_slider(page, INCOME, 4.5)
    save(page, "with <b>more</b> $1 and $2")
    prices = [lab.value(House.from_mapping({"median_income": income})).text for income in (4.5, 4)]
    assert read_column(page, "Name") == ["with <b>more</b> $1 and $2", "as it is"]
    pick_row(page, 0)
    pick_row(page, 1)
    assert read_column(page, "with <b>more</b> $1 and $2", place=1)[0] == prices[0]
    assert read_column(page, "as it is", place=1)[0] == prices[1]
    expect(page.locator(".js-plotly-plot").filter(has_text="as it is")).to_be_visible()

    again = visits.open(f"{app.url}/what_if")
    pick_row(again, 1)
    click_button(again, "Open")
    assert read_metric(again, PRICE) == prices[1]
    assert read_slider(again, INCOME) == 4
    open_part(again, "Scenarios")
    pick_row(again, 1)
    click_button(again, "Duplicate")
    assert read_column(again, "Name")[0] == "as it is (copy)"
    pick_row(again, 0)
    popover(again, "Delete")
    with rerun(again):
        again.get_by_role("button", name="Delete now").click()
    assert read_column(again, "Name") == ["with <b>more</b> $1 and $2", "as it is"]

    pick_row(again, 0)
    with again.expect_download() as found:
        again.get_by_test_id("stDownloadButton").get_by_role("button", name="One-pager").last.click()
    file = tmp_path / "scenario.html"
    found.value.save_as(file)
    sheet = again.context.new_page()
    sheet.goto(file.as_uri())
    expect(sheet.get_by_text(prices[0]).first).to_be_visible()
    expect(sheet.get_by_role("heading", name="with <b>more</b> $1 and $2")).to_be_visible()
    sheet.close()


def test_a_price_is_reached_by_a_house_that_can_be_taken(app: RunningApp, visits: Visits) -> None:
    page = visits.open(f"{app.url}/what_if?median_income=4&part=Reach%20a%20price")
    fill_number(page, "What would make it (1990 $)", 300_000)
    expect(page.get_by_text("not advice on renovation")).to_be_visible()
    fresh = visits.open(page.url)
    expect(fresh.get_by_text("not advice on renovation")).to_be_visible()
    with rerun(page):
        page.get_by_role("button", name="Take this house").first.click()
    reached = int(re.sub(r"\D", "", read_metric(page, PRICE)))
    assert abs(reached - 300_000) < 2_000


@pytest.mark.long
def test_version_part_and_chosen_areas_come_back_from_the_copied_address(
    app: RunningApp, lab: Lab, visits: Visits
) -> None:
    page = visits.open(f"{app.url}/what_if?median_income=4&part=Comparable%20areas")
    choose_option(page, "Priced by", "version 1, Random forest")
    price = lab.value(House.from_mapping({"median_income": 4}), "1").text
    assert read_metric(page, PRICE) == price
    rows = read_column(page, "Row")
    pick_row(page, 0)
    click_button(page, "Leave out")
    assert rows[0] not in read_column(page, "Row")
    fill_number(page, "Add by row", 11)
    click_button(page, "Add")
    assert "11" in read_column(page, "Row")
    fresh = visits.open(page.url)
    assert read_metric(fresh, PRICE) == price
    assert read_column(fresh, "Row") == read_column(page, "Row")
    click_button(fresh, "As found")
    assert read_column(fresh, "Row")[:3] == [row for row in rows if row in read_column(fresh, "Row")][:3]
    assert "put_in" not in fresh.url
    assert not shown_errors(fresh)


def test_on_a_phone_the_price_stands_first_and_no_part_is_wider_than_the_window(
    app: RunningApp, visits: Visits
) -> None:
    page = visits.open(f"{app.url}/what_if?median_income=4&goal=300000", width=PHONE)
    price = page.get_by_test_id("stMetricValue").bounding_box()
    form = page.get_by_test_id("stSlider").filter(has_text="Median income").bounding_box()
    assert price is not None
    assert form is not None
    assert price["y"] < form["y"]
    for part in PARTS:
        open_part(page, part)
        wait_until_idle(page)
        assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= PHONE, part
        assert not shown_errors(page), part
    assert button(page, "Value this house").count() == 1
