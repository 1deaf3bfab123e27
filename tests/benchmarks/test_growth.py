"""How cost grows: with the rows one trains on, and with the versions one keeps. Tables, with no bound but the end.

Visitors and runs have their own modules, as has a file of a million rows to be priced.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import psutil
import pytest

from core.domain.configuration import load_settings
from core.domain.settings import HOME_VARIABLE, PROJECT_ROOT, Settings
from core.tracking.store import Store, open_store
from core.workflows.lab import Lab
from tests.benchmarks.claims import Growth, grown
from tests.conftest import rows_in

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

ROWS_VARIABLE, VERSIONS_VARIABLE = "ROWS", "VERSIONS"
ROWS = (20_000, 200_000, 1_000_000)
VERSIONS = (10, 100, 1_000)
FAMILIES = ("lightgbm", "ridge")
REPEATS = 5


def sizes(variable: str, usual: tuple[int, ...]) -> list[int]:
    return [int(size) for size in os.environ.get(variable, "").split(",") if size] or list(usual)


def many_rows(real_rows: pd.DataFrame, count: int) -> pd.DataFrame:
    """The real rows over and over, each copy moved by a percent or so: equal ones would be an easier fit."""
    draw = np.random.default_rng(1)
    rows = pd.concat([real_rows] * (count // len(real_rows) + 1), ignore_index=True).head(count)
    rows["median_income"] = (rows["median_income"] * draw.normal(1, 0.01, count)).clip(0.5, 15).round(4)
    return rows


def most_megabytes(process: subprocess.Popen[str], over: threading.Event) -> float:
    """The most memory the process and its children held at once."""
    peak = 0
    while not over.wait(0.1):
        try:
            family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            peak = max(peak, sum(member.memory_info().rss for member in family))
        except psutil.NoSuchProcess:
            break
    return peak / 1e6


def trained(family: str, environment: dict[str, str]) -> tuple[str, float, float]:
    """What the terminal says of one training, in how many seconds, and the most megabytes meanwhile."""
    command = [sys.executable, "-m", "core", "train", "--family", family, "--json"]
    over = threading.Event()
    began = time.perf_counter()
    with (
        subprocess.Popen(
            command, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process,
        ThreadPoolExecutor(1) as pool,
    ):
        peak = pool.submit(most_megabytes, process, over)
        told, complaint = process.communicate()
        seconds = time.perf_counter() - began
        over.set()
    assert process.returncode == 0, complaint
    return told, seconds, peak.result()


@pytest.mark.parametrize("family", FAMILIES)
def test_training_grows_with_the_rows(family: str, tmp_path: Path, real_rows: pd.DataFrame) -> None:
    for count in sizes(ROWS_VARIABLE, ROWS):
        file = tmp_path / f"{count}.csv"
        many_rows(real_rows, count).to_csv(file, index=False)
        environment = {
            **os.environ,
            **rows_in(file),
            HOME_VARIABLE: str(tmp_path / f"home{count}"),
            "HOUSING_LAB_DATA__MAX_MEGABYTES": "2000",
        }
        told, seconds, peak = trained(family, environment)
        scores = json.loads(told)["metrics"]
        costs = {"fit, s": scores["fit_seconds"], "the whole command, s": seconds, "peak, MB": peak}
        grown(Growth(f"rows, `train --family {family}`", count, costs))


def register(store: Store, count: int) -> None:
    """So many more versions, each of a run with its scores."""
    from mlflow.entities import Metric

    for number in range(count):
        run = store.client.create_run(store.experiment_id, run_name=f"run {number}")
        scores = [Metric(name, value, 0, 0) for name, value in (("rmse", 5e4 + number), ("mae", 3e4), ("mape", 18.0))]
        store.client.log_batch(run.info.run_id, metrics=scores)
        store.client.set_terminated(run.info.run_id)
        store.client.create_model_version(store.model_name, "file:///nowhere", run_id=run.info.run_id)


def milliseconds(settings: Settings) -> tuple[float, float]:
    """The timeline of all versions, of a server just started and of one that has seen them."""
    lab = Lab(settings)
    took = []
    for _ in range(1 + REPEATS):
        began = time.perf_counter()
        lab.promotions.versions()
        took.append(1_000 * (time.perf_counter() - began))
    lab.promotions.close()
    return took[0], median(took[1:])


def test_the_timeline_grows_with_the_versions(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, environment={})
    store, there = open_store(settings), 0
    for count in sizes(VERSIONS_VARIABLE, VERSIONS):
        register(store, count - there)
        there = count
        assert len(Lab(settings).promotions.versions().lines) == count
        first, again = milliseconds(settings)
        grown(Growth("versions", count, {"timeline, first look, ms": first, "timeline again, ms": again}))
