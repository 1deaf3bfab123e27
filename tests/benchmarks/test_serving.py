"""One row over HTTP: our service against ``mlflow models serve``, the same forest in the same run."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pandas as pd
import pytest

from core.domain.configuration import load_settings
from core.domain.house import House
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import TrainingRequest
from core.domain.settings import Settings
from core.features.direct import HouseRows
from core.models.fast_predict import price_route
from core.models.steps import one_openmp_thread
from core.tracking.registry import get_version, load_version
from core.tracking.store import Store, open_store
from core.workflows.training import train_now
from tests.benchmarks.claims import Claim, claim, load_now
from tests.conftest import rows_in
from tests.core.serving.conftest import ServedHome
from tests.core.serving.service import JSON, Load, encoded, load_on, request, running_service, split_of
from tests.core.serving.test_side_by_side import mlflow_serving

pytestmark = pytest.mark.long

LEAST_TIMES = 10
MOST_OF_PLAIN = 0.25
"""Our requests a second over MLflow's, at least; our price of one house over a plain ``pipeline.predict``, at most."""

CLIENTS = (1, 4, 8)
SECONDS = 5.0
FOLLOWS_WITHIN = 3.0
FOLLOW_TIMEOUT = 30.0
FAMILIES = ("random_forest", "extra_trees", "hist_gradient_boosting", "lightgbm", "ridge")


@dataclass(frozen=True, slots=True)
class Figures:
    """What one server did under so many clients."""

    per_second: float
    p50_ms: float
    p95_ms: float

    @classmethod
    def of(cls, load: Load) -> Figures:
        assert load.errors == []
        assert {status for status, _, _ in load.answers} == {200}
        return cls(len(load.answers) / SECONDS, load.quantile_ms(0.5), load.quantile_ms(0.95))

    def __str__(self) -> str:
        return f"{self.per_second:>8,.0f} {self.p50_ms:>8.2f} {self.p95_ms:>8.2f}"


@pytest.fixture(scope="module")
def benchmark_settings(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> Settings:
    return load_settings(home=tmp_path_factory.mktemp("benchmark"), environment=rows_in(data_file))


@pytest.fixture(scope="module")
def benchmark_store(benchmark_settings: Settings) -> Store:
    """Version 1 is the forest of 150 trees, depth 20; the other families follow with their defaults."""
    store = open_store(benchmark_settings)
    connect = functools.cache(lambda: store)
    for family in FAMILIES:
        knobs = {"n_estimators": 150, "max_depth": 20} if family == "random_forest" else {}
        request_ = TrainingRequest.create(TrainingSpec.create(family, knobs), actor="benchmark")
        assert train_now(benchmark_settings, request_, connect).version is not None
    store.client.set_registered_model_alias(store.model_name, "champion", "1")
    return store


def test_one_row_is_answered_ten_times_as_often_as_by_mlflow(
    benchmark_settings: Settings, benchmark_store: Store, tmp_path: Path
) -> None:
    message = request("POST", "/invocations", encoded(split_of([House.typical()])), JSON)

    def measured(port: int) -> dict[int, Figures]:
        figures = {}
        for clients in (1, *CLIENTS):  # the first time warms both sides
            with load_on(port, [message], clients) as load:
                time.sleep(SECONDS)
            figures[clients] = Figures.of(load)
        return figures

    with running_service(benchmark_settings, tmp_path / "serve.log") as service:
        ours = measured(service.port)
    with mlflow_serving(ServedHome(benchmark_settings, benchmark_store), "1", tmp_path / "mlflow.log") as port:
        theirs = measured(port)
    print(f"\none row, forest of 150 trees and depth 20, {SECONDS:g} s each, load {os.getloadavg()[0]:.1f}")
    print("clients |  ours: /s     p50      p95 | mlflow: /s    p50      p95 |  ratio")
    for clients in CLIENTS:
        ratio = ours[clients].per_second / theirs[clients].per_second
        print(f"{clients:>7} | {ours[clients]} | {theirs[clients]} | {ratio:>5.1f}×")
    ratios = {clients: ours[clients].per_second / theirs[clients].per_second for clients in CLIENTS}
    told = "; ".join(f"{clients} clients {ratio:.1f}×" for clients, ratio in ratios.items())
    what = "REST, one row: requests a second against `mlflow models serve`, worst of 1, 4 and 8 clients"
    claim(Claim(what, min(ratios.values()), LEAST_TIMES, at_least=True, detail=f"{told}; {load_now()}"))


def test_a_promotion_is_served_within_three_seconds(
    benchmark_settings: Settings, benchmark_store: Store, tmp_path: Path
) -> None:
    message = request("POST", "/invocations", encoded(split_of([House.typical()])), JSON)
    waits = []
    with (
        running_service(benchmark_settings, tmp_path / "follow.log") as service,
        load_on(service.port, [message], 4) as load,
    ):
        for version in ("4", "1", "4", "1"):
            asked = time.perf_counter()
            benchmark_store.client.set_registered_model_alias(benchmark_store.model_name, "champion", version)
            while load.answers[-1:] == [] or load.answers[-1][1] != version:
                assert time.perf_counter() - asked < FOLLOW_TIMEOUT, f"version {version} is not served"
                time.sleep(0.005)
            waits.append(time.perf_counter() - asked)
            time.sleep(1)
    failed = len(load.errors) + sum(status != 200 for status, _, _ in load.answers)
    told = f"{len(load.answers):,} requests meanwhile; {load_now()}"
    claim(Claim("promotion to the first answer of the new version, slowest of four", max(waits), FOLLOWS_WITHIN, "s"))
    claim(Claim("requests lost over four promotions", failed, 0, "requests", detail=told))


def test_one_price_takes_a_quarter_of_a_plain_prediction_at_most(benchmark_store: Store) -> None:
    row = pd.DataFrame([House.typical().as_dict()])
    house = [House.typical()]
    print("\none price, median of 200, one thread\nfamily                   plain ms   quick ms   share")
    with one_openmp_thread():
        for number, family in enumerate(FAMILIES, start=1):
            pipeline = load_version(benchmark_store, get_version(benchmark_store, str(number)))
            route = price_route(pipeline)
            plain = _median_ms(lambda pipeline=pipeline: pipeline.predict(row))  # type: ignore[misc]
            quick = _median_ms(lambda route=route: route.prices(HouseRows.from_houses(house)))  # type: ignore[misc]
            print(f"{family:<24} {plain:>8.2f}   {quick:>8.3f}   {quick / plain:>5.3f}")
            what = f"price of one house, {family}, against its plain predict"
            claim(Claim(what, quick / plain, MOST_OF_PLAIN, detail=f"{quick:.3f} and {plain:.2f} ms; {load_now()}"))


def _median_ms(work: Callable[[], object]) -> float:
    took = []
    for _ in range(200):
        began = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - began))
    return median(took)
