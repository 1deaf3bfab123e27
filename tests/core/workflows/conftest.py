"""Homes to write in: a small data file, and one MLflow store that each home gets a copy of."""

from __future__ import annotations

import functools
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.domain.configuration import load_settings
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import TrainingRequest
from core.domain.settings import PREFIX, DataSettings, Settings
from core.tracking.store import Store, open_store
from tests.conftest import rows_in

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient

    from core.workflows.training_state import Connect

MakeHome = Callable[..., Settings]

WITHOUT_DATA = {"data__url": "http://127.0.0.1:9/housing.csv", "data__path": DataSettings.model_fields["path"].default}
"""Neither a file nor a network: what is left is demo data."""


@pytest.fixture(scope="session")
def small_file(tmp_path_factory: pytest.TempPathFactory, real_rows: pd.DataFrame) -> Path:
    """800 of the real rows from all over the state: enough to train on, quick to read."""
    file = tmp_path_factory.mktemp("small") / "housing.csv"
    real_rows.sample(800, random_state=1).to_csv(file, index=False)
    return file


def home_at(folder: Path, data_file: Path, store_file: Path, **overrides: object) -> Settings:
    """A home over these rows with a copy of that store; keys like ``training__enable_mlflow`` override."""
    environment = rows_in(data_file)
    environment |= {f"{PREFIX}{key}".upper(): str(value) for key, value in overrides.items()}
    return with_empty_store(load_settings(home=folder, environment=environment), store_file)


def with_empty_store(settings: Settings, store_file: Path) -> Settings:
    """Give a home that has no store a copy of that one."""
    settings.paths.mlruns.mkdir(parents=True)
    shutil.copy(store_file, settings.paths.mlflow_db)
    with sqlite3.connect(settings.paths.mlflow_db) as database:
        database.execute(
            "UPDATE experiments SET artifact_location = ? WHERE name = ?",
            (settings.paths.mlflow_artifacts.as_uri(), settings.tracking.experiment_name),
        )
    database.close()
    return settings


@pytest.fixture
def make_home(tmp_path: Path, small_file: Path, empty_store_file: Path) -> MakeHome:
    """Makes a home with an empty store, over the small file; keys like ``training__enable_mlflow`` override."""

    def make(name: str = "home", **overrides: object) -> Settings:
        return home_at(tmp_path / name, small_file, empty_store_file, **overrides)

    return make


@pytest.fixture
def lab_home(make_home: MakeHome) -> Settings:
    """A home over the small file with an empty store."""
    return make_home()


@pytest.fixture
def connect(lab_home: Settings) -> Connect:
    return functools.cache(lambda: open_store(lab_home))


@pytest.fixture
def client(connect: Connect) -> MlflowClient:
    """A client as any MLflow user makes one, without our code."""
    from mlflow import MlflowClient

    uri = connect().uri
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


@pytest.fixture(scope="session")
def trained_store(trained_settings: Settings) -> Store:
    """The store of the shared training. Read only."""
    return open_store(trained_settings)


@pytest.fixture
def trained_copy(trained_settings: Settings, tmp_path: Path) -> Settings:
    """The home of the shared training over again, to break things in. MLflow's artifacts stay the shared ones."""
    home = tmp_path / "copy"
    shutil.copytree(trained_settings.home, home)
    return trained_settings.model_copy(update={"home": home})


def ridge(run_name: str = "", *, alpha: float = 1.0) -> TrainingRequest:
    """The quickest training there is."""
    return TrainingRequest.create(TrainingSpec.create("ridge", {"alpha": alpha}), actor="tester", run_name=run_name)


def small_forest(run_name: str = "") -> TrainingRequest:
    spec = TrainingSpec.create("random_forest", {"n_estimators": 10, "max_depth": 6})
    return TrainingRequest.create(spec, actor="tester", run_name=run_name)
