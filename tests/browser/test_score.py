"""A file with bad rows is sent, priced and taken home again, in a real browser on the real server."""

from __future__ import annotations

import functools
import io
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from core.domain.configuration import load_settings
from core.domain.house import RAW_COLUMNS
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import TrainingRequest
from core.domain.scoring import PRICE_COLUMNS
from core.domain.settings import Settings
from core.tracking.store import open_store
from core.workflows.training import train_now
from tests.browser.intents import button, choose_option, click_button, read_metric, rerun, shown_errors, wait_until_idle
from tests.browser.server import RunningApp, running_app
from tests.browser.tables import read_column
from tests.browser.visits import Visits
from tests.conftest import rows_in
from tests.scored import raw_rows, read_csv, served

pytestmark = pytest.mark.browser

SCORING_SECONDS = 90
GOOD = 400
LARGE = 200_000


@pytest.fixture(scope="module")
def score_settings(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> Settings:
    """A home with one small forest, whose server starts its own worker."""
    home = tmp_path_factory.mktemp("score") / "home"
    environment = {**rows_in(data_file), "HOUSING_LAB_SCORING__CHUNK_ROWS": "1000"}
    settings = load_settings(home=home, environment=environment)
    spec = TrainingSpec.create("random_forest", {"n_estimators": 20, "max_depth": 12})
    train_now(settings, TrainingRequest.create(spec, actor="tester"), functools.cache(lambda: open_store(settings)))
    return settings


@pytest.fixture(scope="module")
def app(score_settings: Settings) -> Iterator[RunningApp]:
    with running_app(score_settings.home, score_settings.as_environment()) as server:
        yield server


def upload(page: Page, content: bytes, name: str) -> None:
    with rerun(page):
        page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
            {"name": name, "mimeType": "text/csv", "buffer": content}
        )


def download(page: Page, label: str, folder: Path) -> Path:
    """The file behind a download button, kept under the name the browser was told."""
    with page.expect_download() as pending:
        page.get_by_test_id("stDownloadButton").get_by_role("button", name=re.compile(re.escape(label))).click()
    file = folder / pending.value.suggested_filename
    pending.value.save_as(file)
    return file


def test_a_file_with_bad_rows_is_sent_priced_and_both_parts_come_home(
    app: RunningApp, score_settings: Settings, visits: Visits, real_rows: pd.DataFrame, tmp_path: Path
) -> None:
    rows = raw_rows(real_rows, GOOD)
    sent = rows.astype(object).rename(columns={"longitude": "lng", "median_income": "earned"})
    sent["note"] = "=1+1"
    sent.loc[10, "earned"] = 83252
    sent.loc[20, "ocean_proximity"] = "LAKE"
    sent.loc[30, "latitude"] = ""
    page = visits.open(f"{app.url}/score")
    upload(page, sent.to_csv(index=False).encode(), "my houses.csv")
    assert button(page, "Score this file").is_disabled()
    expect(page.get_by_text("Choose the column of: Median income.")).to_be_visible()
    assert read_column(page, "earned")[0] == str(rows["median_income"][0])
    choose_option(page, "Median income (× $10,000 a year)", "earned")
    box = button(page, "Score this file").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 900, "the main button needs no scrolling"
    button(page, "Score this file").click()

    expect(page.get_by_text("Rejected rows").first).to_be_visible(timeout=SCORING_SECONDS * 1000)
    wait_until_idle(page)
    expect(page).to_have_url(re.compile(r"job=score-[0-9a-f]{12}"))
    assert (read_metric(page, "Priced"), read_metric(page, "Rejected")) == (str(GOOD - 3), "3")
    with rerun(page):
        page.get_by_role("tab", name="Rejected rows").click()
    assert read_column(page, "Row", 1) == ["12", "22", "32"]
    reasons = read_column(page, "Why", 1)
    assert reasons[0] == "median_income is 83252, outside 0 to 20"
    assert reasons[1].startswith("ocean_proximity is 'LAKE'")
    assert reasons[2] == "latitude is missing"

    priced = download(page, "Priced rows, CSV", tmp_path)
    rejected = download(page, "Rejected rows, CSV", tmp_path)
    assert (priced.name, rejected.name) == ("my houses.priced.csv", "my houses.priced.rejected.csv")
    found = pd.read_csv(priced)
    assert list(found.columns) == [*sent.columns, *PRICE_COLUMNS]
    good = rows.drop(index=[10, 20, 30])
    assert list(found["id"]) == list(good["id"])
    expected = served(score_settings).pipeline.predict(good[list(RAW_COLUMNS)])
    assert found["price"].tolist() == pytest.approx(expected.tolist(), abs=0.006)
    assert set(found["note"]) == {"'=1+1"}
    assert [(row["row"], row["id"], row["note"]) for row in read_csv(rejected)] == [
        ("12", "H-0010", "'=1+1"),
        ("22", "H-0020", "'=1+1"),
        ("32", "H-0030", "'=1+1"),
    ]

    # The link shows another visitor the same, and the file stands among the past ones.
    other = visits.open(page.url, width=390, color_scheme="dark")
    assert read_column(other, "Row", 1) == ["12", "22", "32"]
    assert other.evaluate("document.documentElement.scrollWidth") <= 390
    assert read_column(visits.open(f"{app.url}/score"), "File")[0] == "my houses.csv"


@pytest.mark.long
def test_a_large_file_is_watched_from_two_sessions_and_cancelled(
    app: RunningApp, score_settings: Settings, visits: Visits, real_rows: pd.DataFrame
) -> None:
    page = visits.open(f"{app.url}/score")
    rows = pd.concat([raw_rows(real_rows, 20_000)] * (LARGE // 20_000))
    text = io.StringIO()
    rows.to_csv(text, index=False)
    upload(page, text.getvalue().encode(), "all of them.csv")
    button(page, "Score this file").click()
    expect(page.get_by_text(re.compile(r"^Pricing: [1-9][\d,]* of 200,000 rows"))).to_be_visible(
        timeout=SCORING_SECONDS * 1000
    )
    page.reload()
    expect(page.get_by_text(re.compile(r"^Pricing: [1-9][\d,]* of 200,000 rows"))).to_be_visible()
    job_id = re.search(r"job=(score-\w+)", page.url)
    assert job_id is not None
    other = visits.open(page.url)
    click_button(other, "Cancel")
    for session in (other, page):
        expect(session.get_by_text("This scoring was cancelled. Nothing of it is kept.")).to_be_visible()
    folder = score_settings.paths.scored / job_id[1]
    deadline = time.monotonic() + SCORING_SECONDS
    while folder.exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_what_is_no_table_is_refused_where_it_was_dropped(app: RunningApp, visits: Visits) -> None:
    page = visits.open(f"{app.url}/score")
    upload(page, b"%PDF-1.7 no table at all", "houses.csv")
    (error,) = shown_errors(page)
    assert "a PDF document" in error
    assert button(page, "Score this file").count() == 0
