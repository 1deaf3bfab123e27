"""Versions in memory: loaded once, never out of date, and there without MLflow."""

from __future__ import annotations

import functools
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.domain.errors import DataError, NoModel, NotFound, StoreUnavailable, UntrustedModel
from core.domain.house import House
from core.domain.settings import Settings
from core.features.direct import HouseRows
from core.tracking.local_registry import ModelRegistry
from core.tracking.registry import get_version
from core.tracking.store import Connection, Store, open_store
from core.workflows.assessing import assess
from core.workflows.loaded_models import KEPT_MODELS, LoadedModels
from core.workflows.price_source import Ground
from core.workflows.served_model import ServedModel
from core.workflows.training import train_now
from core.workflows.training_state import Connect
from core.workflows.valuation import value
from tests.core.workflows.conftest import MakeHome, home_at, ridge

TYPICAL = HouseRows.from_houses([House.typical()])


def price(model: ServedModel) -> float:
    return float(model.route.prices(TYPICAL)[0])


@pytest.fixture(scope="module")
def two_ridges(tmp_path_factory: pytest.TempPathFactory, small_file: Path, empty_store_file: Path) -> Settings:
    """A home with version 1 and version 2, two ridges. Read only."""
    settings = home_at(tmp_path_factory.mktemp("two") / "home", small_file, empty_store_file)
    connect = functools.cache(lambda: open_store(settings))
    for alpha in (1.0, 500.0):
        train_now(settings, ridge(alpha=alpha), connect)
    return settings


@pytest.fixture
def lab_home(two_ridges: Settings, tmp_path: Path) -> Settings:
    """That home over again, to write in. MLflow's artifacts stay the shared ones."""
    home = tmp_path / "home"
    shutil.copytree(two_ridges.home, home, ignore=shutil.ignore_patterns("artifacts"))
    return two_ridges.model_copy(update={"home": home})


@pytest.fixture
def two(lab_home: Settings, connect: Connect) -> LoadedModels:
    return LoadedModels(lab_home, connect)


def test_a_version_is_loaded_once_for_everybody_who_asks(two: LoadedModels) -> None:
    with ThreadPoolExecutor(8) as threads:
        models = list(threads.map(lambda _: two.served("1"), range(16)))
    assert len({id(model) for model in models}) == 1
    assert two.served("2") is not models[0]
    assert price(two.served("2")) != price(models[0])


def test_the_same_file_is_not_loaded_again_for_another_reason_to_serve_it(two: LoadedModels, client: Any) -> None:
    named = two.served("1")
    client.set_registered_model_alias("housing_price_predictor", "champion", "1")
    champion = two.served()
    assert (named.source.ground, champion.source.ground) == (Ground.NAMED, Ground.CHAMPION)
    assert champion.pipeline is named.pipeline


def test_a_moved_alias_is_followed_at_once(two: LoadedModels, client: Any) -> None:
    assert two.source().version == "2"
    for version in ("1", "2", "1"):
        client.set_registered_model_alias("housing_price_predictor", "champion", version)
        assert two.source().version == version
        assert two.served().source.version == version
        assert [one.version for one in two.versions() if one.aliases] == [version]


def test_a_new_version_is_offered_at_once(two: LoadedModels, lab_home: Settings, connect: Connect) -> None:
    assert [one.version for one in two.versions()] == ["2", "1"]
    train_now(lab_home, ridge(alpha=7.0), connect)
    assert [one.version for one in two.versions()] == ["3", "2", "1"]
    assert two.source().version == "3"


def test_a_range_measured_after_the_version_was_loaded_is_there_at_the_next_price(
    two: LoadedModels, lab_home: Settings, connect: Connect
) -> None:
    assert value(two.served(), House.typical()).range is None
    folds = lab_home.evaluation.model_copy(update={"range_folds": 2})
    assess(lab_home.model_copy(update={"evaluation": folds}), connect, "2")
    found = value(two.served(), House.typical()).range
    assert found is not None
    assert found.outer.low < found.inner.low < found.inner.high < found.outer.high


def test_without_the_data_file_a_version_prices_the_same_and_explains_nothing(
    lab_home: Settings, tmp_path: Path
) -> None:
    copy = tmp_path / "rows.csv"
    shutil.copy(lab_home.data_path, copy)
    settings = lab_home.model_copy(update={"data": lab_home.data.model_copy(update={"path": copy})})
    models = LoadedModels(settings, Connection(settings))
    with_rows = models.served()
    assert with_rows.explain() is not None
    copy.unlink()
    without = models.served()
    assert without.around is None
    assert without.explain() is None
    assert price(without) == price(with_rows)
    with pytest.raises(DataError):
        models.block_groups()
    pd.read_csv(lab_home.data_path).head(700).to_csv(copy, index=False)
    assert len(models.block_groups()) == 700, "and other rows are seen when they come"


def test_no_more_models_are_kept_than_there_is_room_for(
    two: LoadedModels, lab_home: Settings, connect: Connect
) -> None:
    for alpha in range(2, KEPT_MODELS + 1):
        train_now(lab_home, ridge(alpha=float(alpha)), connect)
    first, *_ = [two.served(str(number)) for number in range(1, KEPT_MODELS + 1)]
    assert two.served("1") is first, "as many as are set side by side on What-if stay"
    for version in range(2, KEPT_MODELS + 2):
        two.served(str(version))
    again = two.served("1")
    assert again is not first
    assert price(again) == price(first)


def test_a_file_that_is_not_the_recorded_one_is_never_served(
    two: LoadedModels, lab_home: Settings, connect: Connect
) -> None:
    registry = ModelRegistry(lab_home)
    entry = registry.list_models()[0]
    file = registry.model_file(entry)
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(UntrustedModel):
        two.served(entry.version)
    assert np.isfinite(price(two.served(get_version(connect(), "1").version))), "MLflow's own copy is another file"


def test_while_mlflow_is_away_the_local_registry_serves_and_nobody_waits_twice(
    two: LoadedModels, lab_home: Settings
) -> None:
    waited: list[int] = []

    def away() -> Store:
        waited.append(1)
        raise StoreUnavailable("MLflow went away.", remedy="Start it.")

    models = LoadedModels(lab_home, away)
    with pytest.raises(StoreUnavailable):
        models.versions()
    for _ in range(3):
        assert models.served().source.ground is Ground.MLFLOW_AWAY
    with pytest.raises(StoreUnavailable):
        models.served("1")
    assert price(models.served()) == price(two.served("2"))
    assert len(waited) == 1


def test_an_empty_lab_and_a_version_that_is_not_there_are_refused_each_time(
    two: LoadedModels, make_home: MakeHome
) -> None:
    empty = make_home("empty")
    models = LoadedModels(empty, Connection(empty))
    for _ in range(2):
        with pytest.raises(NoModel):
            models.served()
        with pytest.raises(NotFound):
            two.served("9")
