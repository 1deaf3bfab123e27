"""Many analysts on What-if at once: how long each waits for a price, and that nobody is turned away."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles

import pytest

from core.domain.configuration import load_settings
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import TrainingRequest
from core.domain.settings import Settings
from core.tracking.store import open_store
from core.workflows.training import train_now
from tests.benchmarks.claims import Claim, Growth, claim, grown, load_now
from tests.benchmarks.visitors import Plan, Visited, visit
from tests.browser.server import running_app
from tests.conftest import DATA_VARIABLE

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

SIZES_VARIABLE = "SESSIONS"
"""How many visitors, e.g. ``1,10,50,100``."""

SIZES = (1, 10, 50, 100)
JUDGED_AT = 50
MOST_MS = 1_000.0
MOVES = 12
THINK_SECONDS = 3.0

PLAN = Plan(
    screen="what_if",
    address={"median_income": "4", "part": "Why"},
    slider="median_income",
    values=tuple(1 + 0.1 * step for step in range(80)),
    moves=MOVES,
    think=THINK_SECONDS,
)


@pytest.fixture(scope="module")
def priced_home(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> Settings:
    """A home with one LightGBM whose range was measured."""
    home = tmp_path_factory.mktemp("visited") / "home"
    settings = load_settings(home=home, environment={DATA_VARIABLE: str(data_file)})
    request = TrainingRequest.create(TrainingSpec.create("lightgbm"), actor="benchmark")
    train_now(settings, request, functools.cache(lambda: open_store(settings)))
    return settings


def p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20)[-1]


def line_of(visitors: int, met: Visited) -> Growth:
    milliseconds = [1_000 * seconds for seconds in met.priced]
    costs = {
        "opening p95, ms": 1_000 * p95(met.opened) if visitors > 1 else 1_000 * met.opened[0],
        "price p50, ms": median(milliseconds),
        "price p95, ms": p95(milliseconds),
        "whole screen p95, ms": 1_000 * p95(met.done),
        "prices": float(len(milliseconds)),
        "errors": float(len(met.errors)),
    }
    return Growth("visitors at once", visitors, costs)


def test_fifty_analysts_have_their_prices_within_a_second(priced_home: Settings, data_file: Path) -> None:
    sizes = [int(size) for size in os.environ.get(SIZES_VARIABLE, "").split(",") if size] or list(SIZES)
    found: dict[int, Visited] = {}
    environment = {DATA_VARIABLE: str(data_file), "HOUSING_LAB_JOBS__EMBEDDED_WORKER": "false"}
    with running_app(priced_home.home, environment) as app:
        visit(app.url, PLAN, 2)  # the first visit loads the model
        for size in sizes:
            found[size] = visit(app.url, PLAN, size)
            assert found[size].priced, found[size].errors[:3]
            grown(line_of(size, found[size]))
    for size, met in found.items():
        assert not met.errors, f"{size} visitors: {met.errors[:3]}"
        assert len(met.priced) == size * MOVES
    if JUDGED_AT in found:
        waited = [1_000 * seconds for seconds in found[JUDGED_AT].priced]
        detail = f"p50 {median(waited):,.0f} ms, {len(waited)} prices, no error; {load_now()}"
        what = f"What-if, {JUDGED_AT} visitors with {THINK_SECONDS:g} s of thought: moved slider to answered price, p95"
        claim(Claim(what, p95(waited), MOST_MS, "ms", detail=detail))
