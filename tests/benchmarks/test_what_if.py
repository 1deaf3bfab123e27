"""What-if's speed: from the released slider to the painted price in a real browser, and what one valuation costs."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import plotly.graph_objects as go
import pytest
from playwright.sync_api import Page

from core.charts.curves import curves
from core.charts.range_bar import range_bar
from core.charts.waterfall import waterfall
from core.data.ingest import DataIngestor
from core.data.split import split_rows
from core.domain.configuration import load_settings
from core.domain.house import FEATURES, NUMERIC_COLUMNS, House
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import TrainingRequest
from core.domain.settings import PROJECT_ROOT, Settings
from core.features.direct import HouseRows
from core.features.engineer import BedroomImputer
from core.features.location import LocationFeatures
from core.tracking.store import open_store
from core.workflows.lab import Lab
from core.workflows.training import train_now
from tests.benchmarks.claims import Claim, claim, load_now
from tests.browser.conftest import browser, profiles, visits  # noqa: F401 - fixtures of the browser tests
from tests.browser.intents import wait_until_idle
from tests.browser.server import running_app
from tests.browser.visits import Visits
from tests.conftest import DATA_VARIABLE, rows_in

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

MOVES = 40
WARMING_MOVES = 4
MEDIAN_MS, P95_MS = 250.0, 500.0
"""From the released slider to the painted price."""

PRICE_SHARE = 0.25
EXPLAINED_TIMES = 5.0
"""Of one plain ``pipeline.predict`` of the 150-tree forest: price and range, and with reasons and eight curves."""

LOCATION_MS = 2.0
REPEATS = 60
WAIT_SECONDS = 20

FOREST, BOOSTED = "1", "2"
INCOME = FEATURES["median_income"]
LABEL = f"{INCOME.label} ({INCOME.unit})"

EMPTY_PAGE = f"""
import streamlit as st

value = st.slider({LABEL!r}, {INCOME.usual_low}, {INCOME.usual_high}, {INCOME.default}, {INCOME.step})
st.metric("Income", f"{{value:.1f}}")
"""
"""The floor: nothing but a slider and a figure."""

WATCH = """
() => {
  const waits = window.waits = {released: 0, sent: 0, painted: 0, text: ""};
  const text = () => document.querySelector("[data-testid=stMetricValue]")?.textContent ?? "";
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (waits.released && !waits.sent) waits.sent = performance.now();
    return send.call(this, data);
  };
  window.addEventListener("pointerup", () => {
    Object.assign(waits, {released: performance.now(), sent: 0, painted: 0, text: text()});
  }, true);
  new MutationObserver(() => {
    if (waits.painted || !waits.released || text() === waits.text || !text()) return;
    waits.painted = -1;
    // A frame is on the screen once the task after its callbacks runs.
    requestAnimationFrame(() => setTimeout(() => { waits.painted = performance.now(); }));
  }).observe(document.body, {subtree: true, childList: true, characterData: true});
}
"""


@dataclass(frozen=True)
class Waits:
    """Milliseconds of each move: from the release of the slider, and from what it sent, to the painted price."""

    released: Sequence[float]
    sent: Sequence[float]
    all_done: Sequence[float]

    def line(self, name: str) -> str:
        return (
            f"{name:>22} | {median(self.released):>5.0f} / {p95(self.released):>5.0f} ms |"
            f" {median(self.sent):>5.0f} / {p95(self.sent):>5.0f} ms | {median(self.all_done):>6.0f} ms"
        )


def p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20)[-1]


def move(page: Page, share: float) -> tuple[float, float, float]:
    """Drag the slider to a share of its length; milliseconds from release and from sending to the painted price,
    and from the release until the last of the screen has come."""
    slider = page.get_by_test_id("stSlider").filter(has=page.get_by_text(LABEL, exact=True))
    thumb, whole = slider.get_by_role("slider").locator("..").bounding_box(), slider.bounding_box()
    assert thumb is not None
    assert whole is not None
    height = thumb["y"] + thumb["height"] / 2
    page.mouse.move(thumb["x"] + thumb["width"] / 2, height)
    page.mouse.down()
    page.mouse.move(whole["x"] + share * whole["width"], height, steps=3)
    page.mouse.up()
    page.wait_for_function("() => window.waits.painted > 0", timeout=WAIT_SECONDS * 1000)
    waits = page.evaluate("window.waits")
    wait_until_idle(page)
    done = page.evaluate("window.lab.changed")
    return waits["painted"] - waits["released"], waits["painted"] - waits["sent"], done - waits["released"]


def waits_of(page: Page, moves: int = MOVES) -> Waits:
    page.evaluate(f"({WATCH})()")
    shares = [0.15 + 0.5 * ((7 * number) % 23) / 23 for number in range(WARMING_MOVES + moves)]
    found = [move(page, share) for share in shares][WARMING_MOVES:]
    released, sent, done = zip(*found, strict=True)
    return Waits(released, sent, done)


@pytest.fixture(scope="module")
def priced_home(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> Settings:
    """A home with the forest of 150 trees, and LightGBM with a measured range as the newest version."""
    home = tmp_path_factory.mktemp("priced") / "home"
    settings = load_settings(home=home, environment={DATA_VARIABLE: str(data_file)})
    without_range = load_settings(home=home, environment=rows_in(data_file))
    connect = functools.cache(lambda: open_store(settings))
    forest = TrainingSpec.create("random_forest", {"n_estimators": 150, "max_depth": 20})
    train_now(without_range, TrainingRequest.create(forest, actor="benchmark"), connect)
    train_now(settings, TrainingRequest.create(TrainingSpec.create("lightgbm"), actor="benchmark"), connect)
    return settings


def test_a_moved_slider_has_its_price_within_a_quarter_of_a_second(
    priced_home: Settings,
    data_file: Path,
    tmp_path: Path,
    visits: Visits,  # noqa: F811
) -> None:
    script = tmp_path / "empty_page.py"
    script.write_text(EMPTY_PAGE, encoding="utf-8")
    found: dict[str, Waits] = {}
    with running_app(tmp_path / "empty", script=script, cwd=PROJECT_ROOT) as app:
        found["an empty page"] = waits_of(visits.open(app.url))
        visits.close()
    environment = {DATA_VARIABLE: str(data_file), "HOUSING_LAB_JOBS__EMBEDDED_WORKER": "false"}
    with running_app(priced_home.home, environment) as app:
        for part in ("Why", "What changes it", "Where"):
            found[part] = waits_of(visits.open(f"{app.url}/what_if?median_income=4&part={part.replace(' ', '%20')}"))
            visits.close()
    print(f"\n{'What-if, LightGBM':>22} | released to painted | sent to painted | all of it")
    print("\n".join(waits.line(name) for name, waits in found.items()))
    print(f"{MOVES} moves each, p50 / p95; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for part in ("Why", "What changes it"):
        what, waited = f"What-if, “{part}”: slider released to new price painted", found[part].released
        claim(Claim(f"{what}, p50", median(waited), MEDIAN_MS, "ms", detail=load_now()))
        claim(Claim(f"{what}, p95", p95(waited), P95_MS, "ms", detail=load_now()))


@pytest.fixture(scope="module")
def desk(priced_home: Settings) -> Lab:
    return Lab(priced_home)


def milliseconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return 1_000 * (time.perf_counter() - began)


def test_a_price_costs_a_quarter_of_one_plain_prediction_and_its_reasons_and_curves_five(desk: Lab) -> None:
    pipeline = desk.models.served(FOREST).pipeline
    row = HouseRows.from_houses([House.typical()]).frame()
    houses = iter([House.from_mapping({"median_income": 2 + 0.01 * number}) for number in range(4 * REPEATS)])
    plain, price, explained = [], [], []

    def everything(house: House) -> None:
        desk.what_if.value(house, BOOSTED)
        desk.what_if.explained(house, BOOSTED)
        desk.what_if.curves(house, BOOSTED)

    everything(House.typical())  # the first one loads, and makes what explains
    for _ in range(REPEATS):  # by turns, so that whatever else runs here slows all three alike
        plain.append(milliseconds(lambda: pipeline.predict(row)))
        price.append(milliseconds(lambda: desk.what_if.value(next(houses), BOOSTED)))
        explained.append(milliseconds(lambda: everything(next(houses))))
    one = median(plain)
    plainly = f"a plain predict of the 150-tree forest takes {one:.1f} ms; {load_now()}"
    what, cost = "price and range of one house, LightGBM, against one plain predict of the forest", median(price)
    claim(Claim(what, cost / one, PRICE_SHARE, detail=f"{cost:.2f} ms; {plainly}"))
    what, cost = "the same with reasons and eight curves", median(explained)
    claim(Claim(what, cost / one, EXPLAINED_TIMES, detail=f"{cost:.1f} ms; {plainly}"))


def test_what_a_move_draws_takes_less_time_than_plotly_s_checks_of_it_would(desk: Lab) -> None:
    house = House.from_mapping({"median_income": 4.0})
    valuation, found = desk.what_if.explained(house, BOOSTED), desk.what_if.curves(house, BOOSTED)
    assert valuation.reasons is not None
    reasons = valuation.reasons
    drawn: dict[str, Callable[[], go.Figure]] = {
        "range": lambda: range_bar(valuation.price, valuation.range),
        "reasons": lambda: waterfall(reasons),
        "eight curves": lambda: curves(found),
    }
    for name, draw in drawn.items():
        figure = draw().to_dict()
        drawing = median(milliseconds(draw) for _ in range(REPEATS))
        checking = median(milliseconds(lambda figure=figure: go.Figure(figure)) for _ in range(REPEATS))
        what = f"drawing the picture of “{name}”, against Plotly's check of it"
        claim(Claim(what, drawing / checking, 1.0, detail=f"{drawing:.2f} of {checking:.2f} ms; {load_now()}"))


def test_the_location_features_of_one_house_take_two_milliseconds(data_file: Path) -> None:
    split = split_rows(DataIngestor(load_settings(environment=rows_in(data_file))).ingest().rows)
    rows = BedroomImputer().fit_transform(split.X_train)
    fitted = LocationFeatures().fit(rows, split.y_train)
    houses = rows.loc[:, list(NUMERIC_COLUMNS)].to_numpy(dtype=float)
    fitted.matrix(houses[:1])  # the first one plants its trees
    found = [milliseconds(lambda at=at: fitted.matrix(houses[at : at + 1])) for at in range(10 * REPEATS)]
    detail = f"p95 {p95(found):.2f} ms; {load_now()}"
    claim(Claim("location features of one house, median", median(found), LOCATION_MS, "ms", detail=detail))
