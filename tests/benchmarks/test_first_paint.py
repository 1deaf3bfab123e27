"""The first paint of the app against an empty Streamlit page, from the same kind of server, by turns.

Painted is a screen when its own heading stands there, not when Streamlit's frame does.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median

import pytest
from playwright.sync_api import Browser

from core.domain.settings import PROJECT_ROOT
from tests.benchmarks.claims import Claim, claim, load_now
from tests.browser.conftest import browser  # noqa: F401 - a fixture of the browser tests
from tests.browser.server import running_app

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

REPEATS = 15
WARMING = 3
WAIT_SECONDS = 60
MOST_TIMES = 1.5
EMPTY_PAGE = """
import streamlit as st

st.title("Empty")
"""
WATCH = """
window.headed = 0;
new MutationObserver(() => {
  if (window.headed || !document.querySelector("[data-testid=stMain] h1")) return;
  window.headed = -1;
  // A frame is on the screen once the task after its callbacks runs.
  requestAnimationFrame(() => setTimeout(() => { window.headed = performance.now(); }));
}).observe(document, {subtree: true, childList: true});
"""


def milliseconds_to_the_heading(chromium: Browser, url: str) -> float:
    """From the address to the painted heading, for a visitor who was never there."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto(url)
    page.wait_for_function("() => window.headed > 0", timeout=WAIT_SECONDS * 1000)
    painted = page.evaluate("window.headed")
    context.close()
    return float(painted)


def test_the_first_paint_comes_as_soon_as_that_of_an_empty_page(tmp_path: Path, browser: Browser) -> None:  # noqa: F811
    script = tmp_path / "empty_page.py"
    script.write_text(EMPTY_PAGE, encoding="utf-8")
    empty, ours = [], []
    with (
        running_app(tmp_path / "empty", script=script, cwd=PROJECT_ROOT) as floor,
        running_app(tmp_path / "home") as app,
    ):
        for _ in range(WARMING + REPEATS):
            empty.append(milliseconds_to_the_heading(browser, floor.url))
            ours.append(milliseconds_to_the_heading(browser, app.url))
    bare, whole = median(empty[WARMING:]), median(ours[WARMING:])
    detail = (
        f"{whole:.0f} and {bare:.0f} ms, medians of {REPEATS}; the first visit of all {ours[0]:.0f} ms; {load_now()}"
    )
    claim(Claim("first paint of the app, against an empty Streamlit page", whole / bare, MOST_TIMES, detail=detail))
