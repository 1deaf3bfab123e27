"""Runs of every kind in one store, written by a plain MLflow client: scores missing, NaN, infinite; hostile texts."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from core.tracking.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient

BEGAN = 1_750_000_000_000
"""Milliseconds since 1970 at which the first run began."""

NAMES = (
    "forest",
    "FOREST of 150",
    "it's ours",
    'the "best"',
    "<b>bold</b>",
    "=1+1",
    "-7",
    "100 %_sure",
    "grün",
    "a -- b",
    "x" * 240,
    "back\\slash",
)
FAMILIES = ("random_forest", "ridge", "lightgbm", "", None)
DEPTHS = ("2", "10", "9", "1e1", "None", "nan", "inf", "-3.5", None)
RMSES = (50_000.0, 48_500.5, 50_000.0, math.nan, math.inf, -math.inf, 0.0, -1.5, None, 61_000.25, 1e308)
NOTES = (
    "",
    "a note",
    "<script>alert(1)</script>",
    "nul\0inside",
    "ünïcödé",
    "tab\tand\nline",
    "'; DROP TABLE runs; --",
    None,
)
STATUSES = ("FINISHED", "FINISHED", "FAILED", "RUNNING", "KILLED", "SCHEDULED")


def client_of(store: Store) -> MlflowClient:
    """A client as any MLflow user makes one, without our code."""
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=store.uri, registry_uri=store.uri)


def write_run(store: Store, number: int, **changes: object) -> str:
    """One run whose values differ from its neighbours' in every way; the run's id."""
    from mlflow.entities import Metric, Param, RunTag

    client = client_of(store)
    pick = {
        "name": NAMES[number % len(NAMES)],
        "family": FAMILIES[number % len(FAMILIES)],
        "max_depth": DEPTHS[number % len(DEPTHS)],
        "rmse": RMSES[number % len(RMSES)],
        "note": NOTES[number % len(NOTES)],
        "status": STATUSES[number % len(STATUSES)],
        "started": BEGAN + 1000 * (number // 2),  # two at a time in the same millisecond
        "sweep": "s1" if number % 7 == 3 else None,
        "data": ("ab" * 32, "cd" * 32, None)[number % 3],
        **changes,
    }
    tags = {"mlflow.note.content": pick["note"], "sweep.id": pick["sweep"], "data.sha256": pick["data"]}
    tags |= {"Colour of it": ("red", "RED", "blue")[number % 3]} if number % 4 else {}
    params = {"family": pick["family"], "max_depth": pick["max_depth"], "all alike": "yes"}
    metrics = {"rmse": pick["rmse"], "mae": float(number) if number % 3 else None}
    run = client.create_run(store.experiment_id, start_time=pick["started"], run_name=str(pick["name"]))
    client.log_batch(
        run.info.run_id,
        metrics=[Metric(key, value, BEGAN, 0) for key, value in metrics.items() if value is not None],
        params=[Param(key, value) for key, value in params.items() if value is not None],
        tags=[RunTag(key, str(value)) for key, value in tags.items() if value is not None],
    )
    if pick["status"] != "RUNNING":
        client.set_terminated(run.info.run_id, str(pick["status"]), end_time=int(pick["started"]) + 700 * (number % 9))
    if number % 6 == 5:
        client.delete_run(run.info.run_id)
    return str(run.info.run_id)


def database_of(store: Store) -> Path:
    """The store's SQLite file."""
    return Path(store.uri.removeprefix("sqlite:///"))
