"""The one-pager: true to the valuation, safe with any text, one printed page, nothing fetched and nothing run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, sync_playwright

from core.charts.report_drawings import range_drawing, waterfall_drawing
from core.charts.valuation_report import ModelOrigin, coverage_sentence, valuation_report
from core.domain.house import FEATURES, House
from core.domain.money import price_text
from tests.browser.chromium import ensure_chromium
from tests.browser.visits import LAUNCH_ARGUMENTS
from tests.core.charts.test_report import Reader
from tests.core.charts.valued import COMPARABLES, HOSTILE, HOUSE, PRICE, REASONS, parts, price_range

MADE = datetime(2026, 3, 2, 9, 5, tzinfo=UTC)
ORIGIN = ModelOrigin("3", "LightGBM", "Priced by version 3, the champion.", "0123456789abcdef" * 2, "a1b2c3d4" * 8)
ODD = "longitude and latitude lie 41 km from any block group."


def report(**changes: Any) -> str:
    told: dict[str, Any] = {
        "made": MADE,
        "origin": ORIGIN,
        "price_range": price_range(),
        "reasons": REASONS,
        "comparables": COMPARABLES,
        "is_compared": True,
    }
    return valuation_report(HOUSE, PRICE, price_text(PRICE), **{**told, **changes})


def words(**changes: Any) -> str:
    return Reader(report(**changes)).words


def test_it_says_the_price_both_ranges_and_how_often_such_ranges_held() -> None:
    said = words()
    for part in (
        "$250,000",
        "$200,000 to $325,000",
        "$175,000 to $362,500",
        "91.1 % in <1H OCEAN (1,795 rows), 90.0 % in $200,000 to $300,000 (911 rows), 90.2 % of all 4,128",
    ):
        assert part in said
    assert "times as wide" not in said
    assert "Here it is 1.4 times as wide" in coverage_sentence(price_range(widened=1.4))


def test_it_says_of_what_when_and_that_it_is_no_appraisal() -> None:
    said = words()
    assert "Made on 02 March 2026 09:05 UTC" in said
    assert "1990 US dollars for a census block group of California" in said
    assert "not an appraisal" in said
    for part in (ORIGIN.sentence, ORIGIN.run_id, ORIGIN.data_sha256, "LightGBM"):
        assert part in said


def test_every_feature_of_the_house_is_told_with_its_unit() -> None:
    said = words()
    for feature in FEATURES.values():
        assert f"{feature.label} ({feature.unit})" in said
    assert "−118.35" in said
    unknown = valuation_report(
        House.from_mapping({"total_bedrooms": None}),
        PRICE,
        "$250,000",
        made=MADE,
        origin=ORIGIN,
        price_range=None,
        reasons=None,
    )
    assert "Bedrooms (block group total) — (estimated)" in Reader(unknown).words


def test_the_reasons_add_up_and_name_their_method_and_caveat() -> None:
    said = words()
    for part in ("Starting point $206,000", "+$60,000", "−$10,000", "Price $250,000", "Shapley values."):
        assert part in said
    assert REASONS.caveat in said


def test_comparables_are_told_with_their_gap_unless_the_survey_capped_them() -> None:
    said = words()
    assert "1 4,861 5.1 km $220,000 $230,000 +$30,000 no" in said
    assert "2 12 10.0 km $500,000 or more $260,000 — yes" in said


def test_warnings_stand_before_the_comparables_each_of_them_once() -> None:
    said = words(warnings=["This model was trained on invented demo data.", ODD])
    assert said.index("invented demo data") < said.index("41 km from any") < said.index("Comparable areas")
    assert said.count(ODD) == 1
    assert "unlike the data" not in said


def test_a_house_is_called_like_the_data_only_where_somebody_looked() -> None:
    assert "Nothing about this house is unlike the data." in words()
    assert "unlike the data" not in words(is_compared=False)


def test_what_is_missing_is_said_and_never_zero() -> None:
    said = words(price_range=None, reasons=None, comparables=(), is_compared=False, origin=replace(ORIGIN, run_id=None))
    assert "has no range" in said
    assert "not taken apart" in said
    assert "Comparable areas" not in said
    assert "Run —" in said
    assert not re.search(r"\b(None|nan|NaN)\b", said)


def test_hostile_text_is_text_in_every_place() -> None:
    page = report(
        title=HOSTILE,
        note=HOSTILE,
        warnings=[HOSTILE],
        reasons=replace(REASONS, method=HOSTILE, base_text=HOSTILE, caveat=HOSTILE),
        origin=ModelOrigin(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        price_range=replace(price_range(), region=replace(price_range().overall, name=HOSTILE)),
    )
    read = Reader(page)
    assert "script" not in {tag for tag, _ in read.elements}
    assert {tag for tag, _ in read.elements} == {tag for tag, _ in Reader(report(note="x")).elements}
    assert read.words.count("<script>alert(1)</script>") >= 10


def test_nothing_is_fetched_and_nothing_runs() -> None:
    read = Reader(report())
    fetching = {"src", "href", "srcset", "data", "action", "onload", "onclick"}
    assert [tag for tag, attrs in read.elements if fetching & set(attrs) or tag in ("script", "link", "iframe")] == []
    policy = next(attrs["content"] for _, attrs in read.elements if attrs.get("http-equiv"))
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    assert len(report()) < 40_000


AMOUNTS = st.floats(-300_000, 300_000)


@given(st.floats(0, 700_000), st.lists(AMOUNTS, min_size=5, max_size=5))
def test_whatever_the_figures_the_drawings_are_whole_and_keep_within_their_frame(
    price: float, amounts: list[float]
) -> None:
    reasons = replace(REASONS, base=price - sum(amounts), parts=parts(*amounts))
    for drawing in (range_drawing(price, price_range(price)), waterfall_drawing(reasons)):
        root = ET.fromstring(drawing)  # noqa: S314 - our own
        width, height = (float(one) for one in root.attrib["viewBox"].split()[2:])
        for one in root.iter():
            for name, end in (("x", width), ("x1", width), ("y", height), ("y2", height)):
                if name in one.attrib:
                    assert 0 <= float(one.attrib[name]) <= end
        assert root.attrib["aria-label"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Ends with this module: Playwright's event loop would hinder later ones."""
    with sync_playwright() as playwright:
        path = ensure_chromium(os.environ, Path(playwright.chromium.executable_path))
        chromium = playwright.chromium.launch(executable_path=path, args=list(LAUNCH_ARGUMENTS))
        yield chromium
        chromium.close()


@pytest.mark.browser
def test_it_prints_on_one_page_and_is_light_on_a_dark_screen(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "valuation.html"
    page = report(comparables=COMPARABLES * 4, warnings=[ODD], note="Asked for by phone.\nSend on Monday.")
    file.write_text(page, encoding="utf-8")
    context = browser.new_context(color_scheme="dark", offline=True, viewport={"width": 390, "height": 844})
    visit = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    visit.on("request", lambda request: asked.append(request.url))
    visit.on("console", lambda message: complaints.append(message.text))
    visit.goto(file.as_uri())
    assert visit.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert visit.evaluate("document.documentElement.scrollWidth") == 390
    printed = visit.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    assert asked == [file.as_uri()]
    assert complaints == []
    context.close()
