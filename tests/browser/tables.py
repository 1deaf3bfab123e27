"""What a visitor does with a table of rows: read it, pick a row, press a name in it.

The table is drawn on a canvas; what is read here is what Streamlit tells screen readers.
"""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Locator, Page, expect

from tests.browser.intents import rerun

ROW_HEIGHT: Final = 35
"""Streamlit's own, which the header has as well."""

_PICK_X: Final = 16
_NAME_X: Final = 80


def table(page: Page, place: int = 0) -> Locator:
    """The table at that place on the screen, from the top."""
    return page.get_by_test_id("stDataFrame").nth(place)


def read_column(page: Page, title: str, place: int = 0) -> list[str]:
    """What stands in a column, in the rows drawn so far."""
    grid = table(page, place).locator("table[role=grid]")
    expect(grid.locator("tbody tr").first).to_be_attached()  # drawn a moment after the table itself
    titles = [text.strip() for text in grid.locator("thead th").all_text_contents()]
    assert title in titles, f"the table has {titles}, not {title}"
    return [row.locator("td").nth(titles.index(title)).inner_text() for row in grid.locator("tbody tr").all()]


def pick_row(page: Page, row: int, place: int = 0) -> None:
    """Tick the box of a row, counted from 0."""
    with rerun(page):
        _press(page, row, _PICK_X, place)


def press_name(page: Page, row: int, place: int = 0) -> None:
    """Press the button in a row's first column."""
    with rerun(page):
        _press(page, row, _NAME_X, place)


def _press(page: Page, row: int, x: int, place: int) -> None:
    grid = table(page, place).locator(".dvn-scroller")
    expect(grid).to_be_visible()
    grid.click(position={"x": x, "y": ROW_HEIGHT * (row + 1) + ROW_HEIGHT / 2})
