"""One home with a few versions, and one real service on it that many tests ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from core.domain.house import House
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import TrainingRequest
from core.domain.settings import Settings
from core.tracking.registry import get_version, load_version
from core.tracking.store import Store, open_store
from core.workflows.training import train_now
from tests.core.serving.service import Service, running_service
from tests.core.workflows.conftest import MakeHome, home_at

FAMILIES = (
    ("ridge", {"alpha": 1.0}),
    ("random_forest", {"n_estimators": 20, "max_depth": 10}),
    ("lightgbm", {"n_estimators": 60}),
)
"""Versions 1, 2 and 3."""


@dataclass(frozen=True, slots=True)
class ServedHome:
    """A home whose registry holds version 1 (ridge), 2 (a forest) and 3 (LightGBM)."""

    settings: Settings
    store: Store

    def promote(self, version: str) -> None:
        """Move the alias as any MLflow client does."""
        self.store.client.set_registered_model_alias(self.store.model_name, "champion", version)

    def prices(self, version: str, houses: list[House]) -> list[float]:
        """What the version's Pipeline itself says."""
        rows = pd.DataFrame([house.as_dict() for house in houses])
        rows["total_bedrooms"] = rows["total_bedrooms"].astype(float)
        prices: list[float] = load_version(self.store, get_version(self.store, version)).predict(rows).tolist()
        return prices


def make_served_home(folder: Path, data_file: Path, store_file: Path) -> ServedHome:
    settings = home_at(folder, data_file, store_file)
    store = open_store(settings)
    for family, knobs in FAMILIES:
        spec = TrainingSpec.create(family, knobs)
        outcome = train_now(settings, TrainingRequest.create(spec, actor="tester"), lambda: store)
        assert outcome.version is not None
    return ServedHome(settings, store)


@pytest.fixture(scope="session")
def small_file(tmp_path_factory: pytest.TempPathFactory, real_rows: pd.DataFrame) -> Path:
    """800 of the real rows from all over the state."""
    file = tmp_path_factory.mktemp("small") / "housing.csv"
    real_rows.sample(800, random_state=1).to_csv(file, index=False)
    return file


@pytest.fixture(scope="session")
def served_home(tmp_path_factory: pytest.TempPathFactory, small_file: Path, empty_store_file: Path) -> ServedHome:
    """Champion is version 2. A test that moves the alias moves it back."""
    home = make_served_home(tmp_path_factory.mktemp("served") / "home", small_file, empty_store_file)
    home.promote("2")
    return home


@pytest.fixture
def make_home(tmp_path: Path, small_file: Path, empty_store_file: Path) -> MakeHome:
    """Makes a home with an empty store; keys like ``training__enable_mlflow`` override."""

    def make(**overrides: object) -> Settings:
        return home_at(tmp_path / "home", small_file, empty_store_file, **overrides)

    return make


@pytest.fixture
def lab_home(make_home: MakeHome) -> Settings:
    """A home with an empty store."""
    return make_home()


@pytest.fixture(scope="session")
def service(served_home: ServedHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service of that home. Nothing a test sends it may leave a traceback in its log."""
    with running_service(served_home.settings, tmp_path_factory.mktemp("service") / "serve.log") as running:
        yield running


@pytest.fixture(scope="session")
def houses(real_rows: pd.DataFrame) -> list[House]:
    """Some forty real rows from every place, five of them without bedrooms."""
    rows = real_rows.drop(columns="median_house_value")
    chosen = pd.concat([rows[rows.total_bedrooms.isna()].head(5), rows.groupby("ocean_proximity").head(7)])
    return [House.from_mapping({str(name): value for name, value in row.items()}) for row in chosen.to_dict("records")]
