"""The intents do what a visitor would do, shown on a throwaway screen in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as TookTooLong

from tests.browser import intents
from tests.browser.server import RunningApp, running_app
from tests.browser.visits import Visits

pytestmark = pytest.mark.browser

SCREENS = """
import time

import streamlit as st


def controls():
    st.title("Controls")
    trees = st.slider("Trees", 10, 500, 150, step=10)
    rate = st.slider("Learning rate", 0.005, 0.5, 0.04, step=0.005, format="%.3f")
    penalty = st.select_slider("Penalty", options=[0.01, 0.1, 1.0, 10.0], value=1.0)
    income = st.number_input("Median income", 0.0, 20.0, 3.5, step=0.1, format="%.4f")
    family = st.selectbox("Family", ["Random forest", "LightGBM", "Ridge"])
    name = st.text_input("Run name")
    if st.button("Train", icon=":material/play_arrow:"):
        time.sleep(0.5)
        st.metric("Trained trees", trees)
    st.button("Out of order", disabled=True)
    st.metric("RMSE", "—")
    st.code(f"{trees} {rate:g} {penalty:g} {income:g} {family} {name}")
    with st.form("house"):
        age = st.number_input("Age", 0.0, 100.0, 29.0)
        rooms = st.slider("Rooms", 1, 9, 5)
        if st.form_submit_button("Value this house"):
            st.metric("Price", f"{age * rooms:g}")


@st.fragment(run_every=1.0)
def clock():
    st.caption(f"It is {time.time():.3f}")


def ticking():
    st.title("Ticking")
    clock()
    st.button("Press")


def failing():
    st.error("There is no model yet.")
    raise RuntimeError("nobody foresaw this")


screens = controls, ticking, failing
st.navigation([st.Page(one, title=one.__name__.title(), default=one is controls) for one in screens]).run()
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    folder = tmp_path_factory.mktemp("trial")
    script = folder / "screens.py"
    script.write_text(SCREENS, encoding="utf-8")
    quiet = {"STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false"}
    with running_app(folder / "home", quiet, script=script, tracebacks_allowed=True) as running:
        yield running


@pytest.fixture
def page(app: RunningApp, visits: Visits) -> Page:
    return visits.open(app.url)


def state(page: Page) -> str:
    return page.get_by_test_id("stCode").inner_text().strip()


def test_a_slider_is_set_to_a_value_on_either_side(page):
    intents.set_slider(page, "Trees", 180)
    intents.set_slider(page, "Learning rate", 0.015)
    assert state(page).startswith("180 0.015 1 ")

    intents.set_slider(page, "Trees", 20)
    assert state(page).startswith("20 0.015 1 ")
    assert intents.read_slider(page, "Trees") == 20


def test_a_slider_refuses_a_value_between_two_steps(page):
    with pytest.raises(AssertionError, match="Trees stands at 160, not at 163"):
        intents.set_slider(page, "Trees", 163)


def test_a_slider_of_options_is_set_by_its_text(page):
    intents.set_slider(page, "Penalty", "0.1")
    assert state(page).startswith("150 0.04 0.1 ")


def test_fields_are_filled_and_chosen(page):
    intents.fill_number(page, "Median income", 8.3252)
    intents.choose_option(page, "Family", "LightGBM")
    intents.fill_text(page, "Run name", "evening run")

    assert state(page) == "150 0.04 1 8.3252 LightGBM evening run"
    assert intents.read_number(page, "Median income") == 8.3252


def test_a_press_returns_when_the_screen_has_answered(page):
    intents.set_slider(page, "Trees", 160)
    intents.click_button(page, "Train")
    assert intents.read_metric(page, "Trained trees") == "160"


def test_a_missing_figure_reads_as_its_dash(page):
    assert intents.read_metric(page, "RMSE") == "—"


def test_a_form_waits_for_its_submit_button(page):
    intents.fill_number(page, "Age", 30)
    intents.set_slider(page, "Rooms", 7)
    assert page.get_by_text("Price").count() == 0

    intents.click_button(page, "Value this house")
    assert intents.read_metric(page, "Price") == "210"


def test_a_part_that_redraws_itself_is_no_answer(app, visits, monkeypatch):
    page = visits.open(f"{app.url}/ticking")
    monkeypatch.setattr(intents, "ANSWER_SECONDS", 3.0)
    before = page.evaluate("window.lab.started")
    with pytest.raises(TookTooLong), intents.rerun(page):
        page.get_by_role("heading", name="Ticking").click()
    assert page.evaluate("window.lab.started") > before, "it went on redrawing itself"
    meant = page.evaluate("window.lab.meant")
    intents.button(page, "Press").click()
    page.wait_for_function("meant => window.lab.meant === meant + 1", arg=meant)


def test_a_press_that_nothing_answers_fails(page, monkeypatch):
    monkeypatch.setattr(intents, "ANSWER_SECONDS", 0.5)
    with pytest.raises(TookTooLong), intents.rerun(page):
        page.get_by_role("heading", name="Controls").click()


def test_a_button_out_of_order_is_seen_as_such(page):
    assert intents.button(page, "Out of order").is_disabled()
    assert intents.button(page, "Train").is_enabled()


def test_navigation_leads_to_the_other_screen_and_its_errors_are_read(page):
    intents.follow_navigation(page, "Failing")

    refusal, crash = intents.shown_errors(page)
    assert refusal == "There is no model yet."
    assert "nobody foresaw this" in crash


def test_two_visitors_do_not_share_their_sliders(app, visits):
    first, second = visits.open(app.url), visits.open(app.url, width=390, color_scheme="dark")
    intents.set_slider(first, "Trees", 170)

    assert state(first).startswith("170 ")
    assert state(second).startswith("150 ")
    assert second.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")


def test_a_fetch_from_outside_is_stopped_and_written_down(page, visits):
    page.evaluate("fetch('http://192.0.2.1/font.woff').catch(() => null)")
    page.evaluate("fetch('https://fonts.example/font.woff').catch(() => null)")

    assert visits.fetched_outside == ["http://192.0.2.1/font.woff", "https://fonts.example/font.woff"]
    visits.fetched_outside.clear()
    visits.console_errors.clear()


def test_script_and_console_errors_are_written_down(page, visits):
    page.evaluate("console.error('a widget complains')")
    page.evaluate("setTimeout(() => { throw new Error('a script breaks') }, 0)")
    page.wait_for_timeout(100)

    assert visits.console_errors == ["a widget complains"]
    assert len(visits.page_errors) == 1
    assert "a script breaks" in visits.page_errors[0]
    assert len(visits.complaints()) == 2
    visits.console_errors.clear()
    visits.page_errors.clear()


def test_a_failure_leaves_a_picture_of_every_page(page, app, visits, tmp_path):
    visits.open(app.url)

    pictures = visits.screenshots(tmp_path / "pictures", "test_it[light]")

    assert [file.name for file in pictures] == ["test_it_light_1.png", "test_it_light_2.png"]
    assert all(Path(file).read_bytes().startswith(b"\x89PNG") for file in pictures)
