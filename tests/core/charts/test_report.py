"""The saved report: one file, true to the comparison, opened where there is no internet."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from core.charts.report import comparison_report
from core.evaluation.significance import Verdict
from core.workflows.comparison_views import ComparedRun
from tests.browser.chromium import ensure_chromium
from tests.browser.visits import LAUNCH_ARGUMENTS
from tests.core.charts.compared import HOSTILE, REASON, compared, judged, run

MADE = datetime(2025, 3, 2, 9, 5, tzinfo=UTC)


class Reader(HTMLParser):
    """What a browser would take from the file: its elements, and the text outside scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._inside: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self._inside):
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def page() -> str:
    return comparison_report(compared(), made=MADE, title=f"March {HOSTILE}")


@pytest.fixture(scope="module")
def read(page: str) -> Reader:
    return Reader(page)


def test_nothing_in_it_is_fetched_from_anywhere(read: Reader) -> None:
    fetching = {"src", "href", "srcset", "data", "action", "poster", "background"}
    assert [
        (tag, attrs) for tag, attrs in read.elements if fetching & set(attrs) or tag in ("link", "iframe", "base")
    ] == []
    policy = next(attrs["content"] for tag, attrs in read.elements if attrs.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy


def test_plotly_is_in_it_once(page: str) -> None:
    assert page.count("plotly.js v") == 1
    assert 4e6 < len(page) < 8e6


def test_a_hostile_name_is_text_in_every_place(page: str, read: Reader) -> None:
    assert "<script>alert(1)" not in page
    assert "<b>&amp; %{x}" not in page
    assert read.words.count("</script><script>alert(1)</script>") >= 5


def test_it_says_when_of_what_and_how(read: Reader) -> None:
    for said in (
        "Made on 02 March 2025 09:05 UTC",
        "1990 US dollars",
        "census block group",
        "a1b2c3d4e5f6" + "0" * 52,
        "random, test size 0.2, seed 42; scored on 60 held-out rows",
        "2,000 resamples",
        "1.0 % of the baseline's figure",
    ):
        assert said in read.words


def test_every_run_is_named_with_its_id(read: Reader) -> None:
    assert all(f" {run_id} " in read.words for run_id in ("id0", "id1", "id2", "id3"))


def test_figures_stand_with_their_difference_interval_and_word(read: Reader) -> None:
    assert "$44,100 −$4,577 −$5,477 to −$3,677 better" in read.words
    assert "$48,558 −$119 −$212 to −$26 no real difference" in read.words
    assert REASON in read.words


def test_a_missing_figure_is_a_dash_and_never_zero(read: Reader) -> None:
    assert "NaN" not in read.words
    assert "nan" not in read.words
    assert "None" not in read.words
    assert "$68,900 — — — —" in read.words


def test_what_differs_is_apart_from_what_does_not(read: Reader) -> None:
    assert "The same in all runs: Seed 42." in read.words
    assert "LightGBM 900 —" in read.words


def test_the_rows_they_disagree_on_are_told(read: Reader) -> None:
    assert "4,861 $350,000 $180,000 $320,000 $182,000 $140,000" in read.words
    assert "Bedrooms —" in read.words


def test_of_many_runs_a_row_tells_the_lowest_and_the_highest_estimate_and_whose() -> None:
    others = [
        ComparedRun(run(number), f"other {number}", {"rmse": judged(0.0, 1.0, Verdict.NO_REAL_DIFFERENCE)})
        for number in range(10, 14)
    ]
    page = comparison_report(compared(others=others), made=MADE)
    assert "4,861 $350,000 $180,000 forest 150 $320,000 boosted $140,000" in Reader(page).words
    assert "size: landscape" in page


def test_every_table_has_a_caption_and_heads_with_a_scope(read: Reader) -> None:
    tags = [tag for tag, _ in read.elements]
    assert tags.count("table") == tags.count("caption") == 8
    assert {attrs.get("scope") for tag, attrs in read.elements if tag == "th"} == {"col", "row"}
    assert tags.count("h1") == 1
    assert dict(read.elements)["html"] == {"lang": "en"}


def test_a_comparison_without_any_difference_is_a_report_too() -> None:
    bare = replace(
        compared(),
        runs=(compared().runs[0], compared().runs[3]),
        params=(),
        groups=(),
        segments=(),
        cells=None,
        disagreements=(),
        profiles=(),
        shared=None,
        where_missing="The data file of these runs is not here.",
    )
    words = Reader(comparison_report(bare, made=MADE)).words
    assert "No run has a difference to the baseline." in words
    assert "The data file of these runs is not here." in words


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Ends with this module: Playwright's event loop would hinder later ones."""
    with sync_playwright() as playwright:
        path = ensure_chromium(os.environ, Path(playwright.chromium.executable_path))
        chromium = playwright.chromium.launch(executable_path=path, args=list(LAUNCH_ARGUMENTS))
        yield chromium
        chromium.close()


@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "ink"), [("light", "rgb(20, 24, 27)"), ("dark", "rgb(232, 229, 222)")])
def test_it_opens_offline_in_either_scheme(browser: Browser, page: str, tmp_path: Path, scheme: str, ink: str) -> None:
    file = tmp_path / "report.html"
    file.write_text(page, encoding="utf-8")
    context = browser.new_context(color_scheme=scheme, offline=True, viewport={"width": 390, "height": 844})
    visit = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    visit.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    visit.on("pageerror", lambda error: complaints.append(str(error)))
    visit.on("dialog", lambda dialog: complaints.append(dialog.message))
    visit.on("request", lambda request: asked.append(request.url))
    visit.goto(file.as_uri())
    visit.wait_for_function("document.querySelectorAll('.js-plotly-plot .main-svg').length >= 8")
    assert complaints == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    fills = visit.evaluate(
        "[...document.querySelectorAll('.js-plotly-plot text')].map(one => getComputedStyle(one).fill)"
    )
    assert len(fills) > 50
    assert set(fills) == {ink}
    assert visit.evaluate("getComputedStyle(document.body).color") == ink
    assert visit.evaluate("document.documentElement.scrollWidth") == 390
    context.close()
