"""Whatever people type into the lab is letters on every screen of a real browser: nothing runs, loads or is set."""

from __future__ import annotations

import io
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest

from core.domain.house import House
from core.domain.settings import Settings
from core.domain.sweep_plans import SweepPlan
from core.tracking.runs import list_runs
from core.workflows.lab import Lab
from core.workflows.promotion import promote
from core.workflows.promotion_records import PromotionRecords
from tests.actors import TESTER
from tests.browser.server import RunningApp, running_app
from tests.browser.visits import Visits
from tests.promotions import passed
from tests.scored import HOUSE as CELLS
from tests.scored import csv_text

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror=\"window.__pwned='p'\">**b** $x^2$ :red[r] :material/skull: [l](javascript:window.__pwned=1)"
"""In every field there is: markup, Markdown, a formula, a directive, an icon and a link."""

WHAT_BECAME = """text => ({
  ran: window.__pwned ?? null,
  images: document.querySelectorAll('img[src="x"]').length,
  scripts: [...document.querySelectorAll('script')].filter(one => one.textContent.includes('__pwned')).length,
  formulas: document.querySelectorAll('.katex').length,
  links: document.querySelectorAll('a[href^="javascript"]').length,
  icons: document.querySelectorAll('[aria-label="skull icon"]').length
    + [...document.querySelectorAll('[data-testid="stIconMaterial"]')].filter(one => one.textContent == 'skull').length,
  // Cells of a table are no painted text, and the sign that takes no room keeps a picture's name from being drawn.
  whole: document.body.textContent.replaceAll('\u2060', '').includes(text),
})"""
HARMLESS = {"ran": None, "images": 0, "scripts": 0, "formulas": 0, "links": 0, "icons": 0}


@dataclass(frozen=True, slots=True)
class Planted:
    """A running lab in which the text stands in every field, and the addresses of what holds it."""

    app: RunningApp
    shows_it: tuple[str, ...]


@pytest.fixture(scope="module")
def planted(trained_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    home = tmp_path_factory.mktemp("hostile") / "home"
    shutil.copytree(trained_settings.home, home)
    settings = trained_settings.model_copy(update={"home": home})
    settings = settings.model_copy(update={"jobs": settings.jobs.model_copy(update={"embedded_worker": False})})
    with closing(sqlite3.connect(settings.paths.mlflow_db)) as database, database:
        database.execute("UPDATE experiments SET artifact_location = ?", (settings.paths.mlflow_artifacts.as_uri(),))
    lab = Lab(settings)
    store = lab.connect()
    (run,) = list_runs(store)
    store.client.set_tag(run.run_id, "mlflow.runName", EVIL)
    lab.runs.note(run.run_id, EVIL, actor=TESTER)
    lab.runs.tag([run.run_id], "said", EVIL, actor=TESTER)
    other = store.client.create_run(store.experiment_id, run_name=EVIL, tags={EVIL[5:11]: EVIL}).info.run_id
    store.client.log_param(other, "said", EVIL)
    store.client.log_metric(other, "rmse", 50_000.0)
    store.client.set_terminated(other, "FAILED")
    lab.scenarios.save(EVIL, EVIL, House.typical(), actor=TESTER)
    records = PromotionRecords(settings, lab.connect)
    promote(records, passed(records, "1"), actor=TESTER, reason=EVIL)
    job = lab.submit(settings.default_spec("ridge"), actor=TESTER, run_name=EVIL)
    scoring = lab.scoring.start(io.BytesIO(csv_text([CELLS]).encode()), f"{EVIL}.csv", {}, actor=TESTER)
    sweep = lab.tuning.start(SweepPlan.search(settings.default_spec("ridge"), trials=2), actor=TESTER, name=EVIL)
    addresses = (
        "/",
        f"/runs?run={run.run_id}",
        f"/runs?run={other}",
        f"/runs?run={run.run_id}&show=Lineage",
        f"/compare?runs={run.run_id},{other}",
        f"/train?job={job}",
        f"/tune?sweep={sweep}",
        "/models?version=1",
        "/what_if",
        f"/score?job={scoring}",
    )
    with running_app(home, settings.as_environment()) as app:
        yield Planted(app, addresses)


def test_no_field_runs_anything_on_any_screen(planted: Planted, visits: Visits) -> None:
    for address in planted.shows_it:
        page = visits.open(planted.app.url + address)
        became = page.evaluate(WHAT_BECAME, EVIL)
        assert {name: became[name] for name in HARMLESS} == HARMLESS, address
        # Every screen's sidebar names the training under way, whatever the screen itself holds.
        shown = page.evaluate("document.body.textContent.replace(/\\s+/g, ' ')")
        assert became["whole"], f"{address} does not show the text letter by letter:\n{shown[-3_000:]}"
        page.close()
    print(f"\n{len(planted.shows_it)} screens hold hostile text, and none ran it")


@pytest.mark.parametrize(
    ("screen", "keys"),
    [
        ("train", ("job", "family", "preset")),
        ("tune", ("sweep", "question")),
        ("runs", ("run", "filter_text", "order", "name", "columns", "picked")),
        ("compare", ("runs", "beside")),
        ("models", ("version",)),
        ("what_if", ("version", "ocean_proximity", "median_income", "beside")),
        ("score", ("job",)),
    ],
)
def test_no_address_runs_anything(planted: Planted, visits: Visits, screen: str, keys: tuple[str, ...]) -> None:
    page = visits.open(f"{planted.app.url}/{screen}?{urlencode(dict.fromkeys(keys, EVIL))}")
    became = page.evaluate(WHAT_BECAME, EVIL)
    assert {name: became[name] for name in HARMLESS} == HARMLESS


def test_a_report_that_was_downloaded_runs_nothing(planted: Planted, visits: Visits, tmp_path: Path) -> None:
    page = visits.open(f"{planted.app.url}/what_if?median_income=4")
    with page.expect_download() as download:
        page.get_by_test_id("stDownloadButton").get_by_role("button", name="One-pager").first.click()
    file = tmp_path / "report.html"
    download.value.save_as(file)
    page.goto(file.as_uri())
    became = page.evaluate(WHAT_BECAME, EVIL)
    assert {name: became[name] for name in HARMLESS} == HARMLESS
