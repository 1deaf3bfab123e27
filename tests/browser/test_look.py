"""How every screen looks to everybody: to axe-core in both schemes, at 390 px, and before anybody scrolls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pandas as pd
import pytest
from playwright.sync_api import Locator, Page, expect

from core.domain.settings import Settings
from tests.browser import looks
from tests.browser.intents import RUN_SECONDS, click_button, wait_until_idle
from tests.browser.server import RunningApp, running_app
from tests.browser.visits import Profiles, Visits
from tests.conftest import rows_in
from tests.furnished import Furnished, furnish

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(900)]

HOUSE: Final = "median_income=6.2&ocean_proximity=NEAR+BAY&longitude=-122.23&latitude=37.84"
PHONE: Final = {"width": 390, "height": 844}
DESK: Final = {"width": 1440, "height": 900}
DARK_RULES: Final = ("color-contrast", "link-in-text-block")
"""What may differ between light and dark."""

MOST_SHIFT: Final = 0.1
"""Web Vitals' bound of a good Cumulative Layout Shift."""

_NO_SKELETON: Final = "document.querySelectorAll('[data-testid=stSkeleton]').length === 0"


@pytest.fixture(scope="module")
def furnished(
    ranged_settings: Settings, real_rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> Furnished:
    return furnish(ranged_settings, tmp_path_factory.mktemp("look") / "home", real_rows)


@pytest.fixture(scope="module")
def app(furnished: Furnished, data_file: Path) -> Iterator[RunningApp]:
    """One server over a home in which something stands on every screen."""
    with running_app(furnished.settings.home, rows_in(data_file)) as server:
        furnished.wait_until_done()
        yield server


def filled(furnished: Furnished) -> Mapping[str, str]:
    """By the path of a screen, the address at which it is fullest; a screen that is not here is full as it is."""
    runs = ",".join(furnished.runs)
    return {
        "/train": f"?job={furnished.training}",
        "/tune": f"?sweep={furnished.sweep}",
        "/runs": f"?charts=true&picked={runs}",
        "/compare": f"?runs={runs}",
        "/models": "?version=1",
        "/what_if": f"?{HOUSE}",
        "/score": f"?job={furnished.scoring}",
    }


MAIN_BUTTONS: Final = {
    "/": "Value a house",
    "/train": "Train",
    "/tune": "Start the sweep",
    "/runs": "Compare",
    "/compare": "Save as report",
    "/models": "Override the gates",
    "/what_if": "Value this house",
}
"""What a visitor most likely came for; of a screen that is not here, the first button of the main colour.

On Models it is the way on of a version that is refused; ``test_models`` holds the one of a version that passes.
"""

PRIMARY: Final = "[data-testid=stBaseButton-primary], [data-testid=stBaseButton-primaryFormSubmit]"


@dataclass(frozen=True, slots=True)
class Look:
    """What was found on one screen."""

    light: tuple[looks.Finding, ...]
    dark: tuple[looks.Finding, ...]
    shift: float
    shift_on_a_phone: float
    tabs_to_main: int | None
    unexplained: list[str]
    figures_at_the_left: list[str]
    tiles: int
    columns: int
    main_ends_at: float | None
    width_on_a_desk: int
    width_on_a_phone: int
    cut_off_on_a_phone: list[str]


@pytest.fixture(scope="module")
def seen(app: RunningApp, furnished: Furnished, profiles: Profiles) -> Iterator[Mapping[str, Look]]:
    """Every screen of the navigation, looked at once: loading them is what takes the time."""
    visits = Visits(profiles, keeps_messages=True)
    addresses = filled(furnished)
    yield {path: look_at(visits, app, path, addresses.get(path, "")) for path in screens(visits, app)}
    visits.close()
    assert not visits.complaints(), "\n".join(visits.complaints())


def screens(visits: Visits, app: RunningApp) -> list[str]:
    """The paths of all screens, as the navigation has them."""
    page = visits.open(app.url)
    links = page.get_by_test_id("stSidebarNavLink")
    expect(links.first).to_be_visible()
    return [urlsplit(link.get_attribute("href") or "").path for link in links.all()]


def look_at(visits: Visits, app: RunningApp, path: str, query: str) -> Look:
    url = f"{app.url}{path}{query}"
    page = visits.open(url)
    settle(page)
    shift = looks.layout_shift(page)
    button = main_button(page, path)
    main = button and ends_at(button)
    tabs = button and looks.tab_to(page, button)
    desk = width(page)
    light = looks.findings(page)
    looks.show_scheme(page, "dark")
    dark = looks.findings(page, only=DARK_RULES)
    page.set_viewport_size({**PHONE})
    page.wait_for_timeout(500)
    elements = list(looks.elements_of(visits.messages(page)))
    tiles, columns = looks.tiles_and_columns(elements)
    look = Look(
        light=light,
        dark=dark,
        shift=shift,
        shift_on_a_phone=shift_on_a_phone(visits, url),
        tabs_to_main=tabs,
        unexplained=looks.unexplained(elements),
        figures_at_the_left=looks.figures_at_the_left(elements),
        tiles=tiles,
        columns=columns,
        main_ends_at=main,
        width_on_a_desk=desk,
        width_on_a_phone=width(page),
        cut_off_on_a_phone=looks.cut_off(page),
    )
    page.close()
    return look


def shift_on_a_phone(visits: Visits, url: str) -> float:
    """Of a load there: what is narrowed later has loaded already."""
    page = visits.open(url, **PHONE)
    settle(page)
    shift = looks.layout_shift(page)
    page.close()
    return shift


def width(page: Page) -> int:
    """Pixels of the whole screen, what a sideways scroll would show included."""
    return int(page.evaluate("document.documentElement.scrollWidth"))


def settle(page: Page) -> None:
    """Until nothing is a skeleton any more and charts have faded in."""
    page.wait_for_function(_NO_SKELETON, timeout=RUN_SECONDS * 1000)
    page.wait_for_timeout(300)


def main_button(page: Page, path: str) -> Locator | None:
    """The named one, else the first of the main colour."""
    main = page.get_by_test_id("stMain")
    name = MAIN_BUTTONS.get(path)
    found = main.get_by_role("button", name=name, exact=True) if name else main.locator(PRIMARY)
    if not found.count():
        assert name is None, f"{path} has no button {name}"
        return None
    return found.first


def ends_at(button: Locator) -> float:
    """Pixels from the top of the window."""
    box = button.bounding_box()
    assert box is not None
    return box["y"] + box["height"]


def test_axe_finds_nothing_serious_on_any_screen_in_light_or_dark(seen: Mapping[str, Look]) -> None:
    for path, look in seen.items():
        print(f"{path}: {len(looks.grave(look.light))} serious in light, {len(looks.grave(look.dark))} in dark")
    print("lesser findings:", sorted({f"{one.rule} ({one.impact})" for look in seen.values() for one in look.light}))
    found = [f"{path} {words}" for path, look in seen.items() for words in looks.grave((*look.light, *look.dark))]
    assert not found, "\n".join(found)


def test_every_tile_and_every_column_with_a_known_word_explains_itself(seen: Mapping[str, Look]) -> None:
    print(f"{sum(look.tiles for look in seen.values())} tiles, {sum(look.columns for look in seen.values())} columns")
    assert sum(look.tiles for look in seen.values()) > 10
    assert not {path: look.unexplained for path, look in seen.items() if look.unexplained}


def test_figures_stand_at_the_right_of_their_columns(seen: Mapping[str, Look]) -> None:
    assert not {path: look.figures_at_the_left for path, look in seen.items() if look.figures_at_the_left}


def test_no_screen_needs_scrolling_to_its_main_button_on_a_desk(seen: Mapping[str, Look]) -> None:
    ends = {path: look.main_ends_at for path, look in seen.items()}
    print({path: end and round(end) for path, end in ends.items()})
    assert not {path: end for path, end in ends.items() if end is not None and end > DESK["height"]}


def test_no_screen_jumps_while_it_loads_on_a_desk_or_on_a_phone(seen: Mapping[str, Look]) -> None:
    shifts = {path: (look.shift, look.shift_on_a_phone) for path, look in seen.items()}
    print({path: tuple(round(one, 3) for one in both) for path, both in shifts.items()})
    assert not {path: both for path, both in shifts.items() if max(both) > MOST_SHIFT}


def test_tab_alone_reaches_every_main_button_and_shows_where_it_is(seen: Mapping[str, Look]) -> None:
    presses = {path: look.tabs_to_main for path, look in seen.items()}
    print(presses)
    assert sum(number is not None for number in presses.values()) >= len(MAIN_BUTTONS)


def test_nothing_is_cut_off_on_a_phone_and_no_screen_scrolls_sideways_anywhere(seen: Mapping[str, Look]) -> None:
    assert {look.width_on_a_desk for look in seen.values()} == {DESK["width"]}
    assert {look.width_on_a_phone for look in seen.values()} == {PHONE["width"]}
    assert not {path: look.cut_off_on_a_phone for path, look in seen.items() if look.cut_off_on_a_phone}


def test_the_tour_is_dismissed_once_and_stays_away_from_that_browser_alone(app: RunningApp, visits: Visits) -> None:
    page = visits.open(app.url)
    heading = "First time here?"
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    click_button(page, "Got it")
    expect(page.get_by_role("heading", name=heading)).to_have_count(0)
    page.wait_for_function("document.cookie.includes('housing_lab_tour=seen')")
    page.reload()
    wait_until_idle(page)
    expect(page.get_by_role("heading", name="Latest runs")).to_be_visible()
    expect(page.get_by_role("heading", name=heading)).to_have_count(0)
    expect(visits.open(app.url, apart=True).get_by_role("heading", name=heading)).to_be_visible()
