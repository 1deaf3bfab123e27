"""Opening MLflow's store: once, whole, tuned, and with a remedy when it cannot be had."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import filelock
import pytest
import requests
import sqlalchemy.exc
from mlflow.exceptions import MlflowException

from core.domain.configuration import load_settings
from core.domain.errors import InvalidHouse, LabError, NotFound, StoreUnavailable
from core.domain.settings import HOME_VARIABLE, PROJECT_ROOT, Settings
from core.tracking.runs import get_run
from core.tracking.store import Store, mlflow_errors, open_store
from core.tracking.tracker import MLflowTracker
from tests.core.tracking.conftest import RunPython

OPEN = """
import sys
from core.domain.configuration import load_settings
from core.tracking.store import open_store
import mlflow
print("ready", flush=True)
sys.stdin.readline()
store = open_store(load_settings())
store.client.create_run(store.experiment_id, run_name=sys.argv[1])
print(store.experiment_id)
"""

TRAIN = """
import functools, json, sys
import mlflow
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import TrainingRequest
from core.domain.configuration import load_settings
from core.tracking.store import open_store
from core.workflows.training import train_now
before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
settings = load_settings()
request = TrainingRequest.create(TrainingSpec.create("ridge"), actor="tester")
outcome = train_now(settings, request, functools.cache(lambda: open_store(settings)))
print(json.dumps({
    "version": outcome.version,
    "notes": outcome.notes,
    "global state untouched": (mlflow.get_tracking_uri(), mlflow.get_registry_uri()) == before,
    "active run": str(mlflow.active_run()),
}))
"""


def test_four_processes_opening_an_empty_home_at_once_agree_on_one_experiment(tmp_path: Path) -> None:
    environment = {**os.environ, HOME_VARIABLE: str(tmp_path), "PYTHONPATH": str(PROJECT_ROOT)}
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, f"opener {number}"],
            env=environment,
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for opener in openers:
        assert opener.stdout is not None
        assert opener.stdout.readline() == "ready\n"
    for opener in openers:
        assert opener.stdin is not None
        opener.stdin.write("go\n")
        opener.stdin.flush()
    answers = [opener.communicate(timeout=200) for opener in openers]
    assert [opener.returncode for opener in openers] == [0, 0, 0, 0], [error[-800:] for _, error in answers]
    assert len({answer.strip() for answer, _ in answers}) == 1
    with sqlite3.connect(load_settings(home=tmp_path, environment={}).paths.mlflow_db) as database:
        names = {name for (name,) in database.execute("SELECT name FROM runs")}
        experiments = database.execute("SELECT count(*) FROM experiments WHERE name LIKE 'housing%'").fetchone()
    database.close()
    assert names == {f"opener {number}" for number in range(4)}
    assert experiments == (1,)


def test_a_whole_training_leaves_nothing_in_the_working_directory_and_mlflow_s_globals_alone(
    tmp_path: Path, data_file: Path, run_python: RunPython, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSING_LAB_DATA__PATH", str(data_file))
    home, here = tmp_path / "Müllers Häuser 100% #1", tmp_path / "here"
    here.mkdir()
    done = run_python(TRAIN, home=home, cwd=here)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == {
        "version": "1",
        "notes": [],
        "global state untouched": True,
        "active run": "None",
    }
    assert list(here.iterdir()) == []
    assert list((home / "logs" / "mlruns" / "artifacts").rglob("predictions.parquet"))


def test_the_store_writes_ahead_and_has_statistics_after_a_run(store: Store) -> None:
    with MLflowTracker(store=store) as tracker:
        tracker.log_metrics({"rmse": 1.0})
    with sqlite3.connect(store.uri.removeprefix("sqlite:///")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert database.execute("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'runs'").fetchone()[0] > 0
    database.close()


def test_artifacts_have_an_absolute_address_below_home(store: Store, records_settings: Settings) -> None:
    location = store.client.get_experiment(store.experiment_id).artifact_location
    assert location == records_settings.paths.mlflow_artifacts.as_uri()
    assert store.client.get_experiment(store.experiment_id).name == "housing_price_prediction"


def test_a_deleted_experiment_is_restored(store: Store, records_settings: Settings) -> None:
    store.client.delete_experiment(store.experiment_id)
    assert open_store(records_settings).experiment_id == store.experiment_id
    assert store.client.get_experiment(store.experiment_id).lifecycle_stage == "active"


def test_a_configured_artifact_location_is_taken(tmp_path: Path, store: Store, records_settings: Settings) -> None:
    elsewhere = (tmp_path / "artifacts").as_uri()
    tracking = {"uri": store.uri, "experiment_name": "elsewhere", "artifact_location": elsewhere}
    other = open_store(load_settings(home=tmp_path, environment={}, values={"tracking": tracking}))
    assert other.client.get_experiment(other.experiment_id).artifact_location == elsewhere
    assert other.experiment_id != store.experiment_id


def test_a_tracking_server_out_of_reach_is_told_within_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _forget_patience(monkeypatch)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
    began = time.monotonic()
    with pytest.raises(StoreUnavailable) as raised:
        open_store(load_settings(home=tmp_path, environment={}, values={"tracking": {"uri": address}}))
    assert time.monotonic() - began < 15
    assert raised.value.where == address
    assert "tracking.uri" in raised.value.remedy


def test_a_tracking_server_that_never_answers_is_given_up_and_patience_can_be_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _forget_patience(monkeypatch)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.create_server(("127.0.0.1", 0), backlog=50) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            open_store(load_settings(home=tmp_path, environment={}, values={"tracking": {"uri": address}}))
    assert time.monotonic() - began < 15


def test_a_corrupt_database_is_told_with_a_remedy_and_left_as_it_is(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, environment={})
    settings.paths.mlruns.mkdir(parents=True)
    settings.paths.mlflow_db.write_bytes(b"this is no database " * 500)
    began = time.monotonic()
    with pytest.raises(StoreUnavailable) as raised:
        open_store(settings)
    assert time.monotonic() - began < 15
    assert "not a database" in raised.value.what
    assert raised.value.remedy
    assert settings.paths.mlflow_db.read_bytes() == b"this is no database " * 500


def test_a_home_that_is_no_folder_is_told_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(StoreUnavailable) as raised:
        open_store(load_settings(home=tmp_path, environment={}))
    assert raised.value.remedy


def test_mlflow_switched_off_is_no_store_and_makes_none(tmp_path: Path) -> None:
    values = {"training": {"enable_mlflow": False}}
    with pytest.raises(StoreUnavailable, match="switched off") as raised:
        open_store(load_settings(home=tmp_path, environment={}, values=values))
    assert raised.value.where == "training.enable_mlflow"
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_run_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="no_such_run"):
        get_run(store, "no_such_run")


def _mlflow_exception(code: str) -> Exception:
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import ErrorCode

    return MlflowException("first line\nsecond line", error_code=ErrorCode.Value(code))


@pytest.mark.parametrize(
    ("foreign", "ours"),
    [
        (lambda: _mlflow_exception("RESOURCE_DOES_NOT_EXIST"), NotFound),
        (lambda: _mlflow_exception("INVALID_PARAMETER_VALUE"), StoreUnavailable),
        (lambda: _mlflow_exception("INTERNAL_ERROR"), StoreUnavailable),
        (lambda: sqlalchemy.exc.OperationalError("SELECT 1", {}, Exception("locked")), StoreUnavailable),
        (lambda: sqlalchemy.exc.DatabaseError("SELECT 1", {}, Exception("malformed")), StoreUnavailable),
        (lambda: sqlite3.OperationalError("database is locked"), StoreUnavailable),
        (lambda: requests.ConnectionError("refused"), StoreUnavailable),
        (lambda: requests.Timeout("too slow"), StoreUnavailable),
        (lambda: OSError(28, "No space left on device"), StoreUnavailable),
        (lambda: filelock.Timeout("mlflow.lock"), StoreUnavailable),
    ],
)
def test_every_foreign_error_is_translated_with_place_and_remedy(foreign: object, ours: type[LabError]) -> None:
    error = foreign()  # type: ignore[operator]
    with pytest.raises(ours) as raised, mlflow_errors("the store's address"):
        raise error
    assert type(raised.value) is ours
    assert raised.value.__cause__ is error
    assert raised.value.where == "the store's address"
    assert raised.value.remedy
    assert "second line" not in raised.value.what or ours is NotFound


@pytest.mark.parametrize("error", [InvalidHouse("no", remedy="yes"), KeyError("a slip of ours")])
def test_our_own_errors_and_slips_pass_the_door_as_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, mlflow_errors("anywhere"):
        raise error
    assert raised.value is error


def _forget_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("MLFLOW_HTTP_REQUEST_"):
            monkeypatch.delenv(name)


def test_a_server_that_is_away_is_told_without_a_client_s_own_names() -> None:
    with (
        pytest.raises(StoreUnavailable) as raised,
        mlflow_errors("http://127.0.0.1:1"),
    ):
        requests.get("http://127.0.0.1:1", timeout=5)
    assert raised.value.what == "MLflow's store does not answer: connection refused."


def test_a_refusal_of_mlflow_s_client_that_is_a_broken_connection_is_told_as_one() -> None:
    said = "API request failed with exception HTTPConnectionPool(host='h', port=1): Max retries exceeded (timed out)"
    with pytest.raises(StoreUnavailable) as raised, mlflow_errors("http://h"):
        raise MlflowException(said)
    assert raised.value.what == "MLflow's server does not answer: it took too long."
