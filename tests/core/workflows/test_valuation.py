"""A price, from which version it comes, and what is said beside it."""

from __future__ import annotations

import functools
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.domain.errors import NoModel, NotFound, StoreUnavailable, UntrustedModel
from core.domain.house import RAW_COLUMNS, House
from core.domain.settings import Settings
from core.models.fast_predict import price_route
from core.tracking.local_registry import ModelRegistry
from core.tracking.registry import get_version, load_version
from core.tracking.store import Store, open_store
from core.workflows.price_source import choose_model
from core.workflows.served_model import ServedModel, load_model
from core.workflows.training import train_now
from core.workflows.training_state import Connect
from core.workflows.valuation import value
from tests.core.workflows.conftest import WITHOUT_DATA, MakeHome, ridge


class FixedPrice:
    """A model that always says the same."""

    def __init__(self, price: float) -> None:
        self._price = price

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        return np.full(len(rows), self._price)


@pytest.fixture(scope="module")
def served(trained_settings: Settings, trained_store: Store) -> ServedModel:
    def connect() -> Store:
        return trained_store

    return load_model(trained_settings, connect, choose_model(trained_settings, connect))


@pytest.fixture
def two_versions(lab_home: Settings, connect: Connect) -> tuple[str, str]:
    """The local names of two ridges: version 1 and version 2."""
    first, second = (train_now(lab_home, ridge(alpha=alpha), connect).local_version for alpha in (1.0, 500.0))
    return first, second


def test_the_price_is_the_pipeline_s_to_the_cent(
    served: ServedModel, trained_store: Store, real_rows: pd.DataFrame
) -> None:
    pipeline = load_version(trained_store, get_version(trained_store, "1"))
    rows = real_rows.loc[:, list(RAW_COLUMNS)].head(40)
    expected = pipeline.predict(rows)
    for row, price in zip(rows.to_dict("records"), expected, strict=True):
        assert value(served, House.from_mapping(row)).price == price


def test_a_house_without_bedrooms_has_a_price_near_that_with_the_usual_ones(served: ServedModel) -> None:
    usual = value(served, House.typical())
    without = value(served, House.from_mapping({"total_bedrooms": None}))
    assert without.house.total_bedrooms is None
    assert without.price == pytest.approx(usual.price, rel=0.15)


def test_a_valuation_reports_json_values_and_its_version(served: ServedModel) -> None:
    valuation = value(served, House.typical())
    report = valuation.as_report()
    assert report["price"] == valuation.price
    assert report["text"] == f"${valuation.price:,.0f}"
    assert (report["version"], report["warnings"], report["house"]) == ("1", [], House.typical().as_dict())


@pytest.mark.parametrize(
    ("price", "text", "warnings"),
    [
        (412_300.4, "$412,300", 0),
        (485_000.9, "$485,001", 0),
        (485_001.0, "$500,000 or more", 1),
        (500_001.0, "$500,000 or more", 1),
        (650_000.0, "$500,000 or more", 1),
        (15_000.0, "$15,000", 0),
        (14_998.0, "$14,998", 1),
        (-3_000.0, "−$3,000", 1),
    ],
)
def test_prices_beyond_what_the_survey_recorded_say_so(
    served: ServedModel, price: float, text: str, warnings: int
) -> None:
    valuation = value(ServedModel(FixedPrice(price), served.source, price_route(FixedPrice(price))), House.typical())
    assert valuation.text == text
    assert len(valuation.warnings) == warnings
    assert all("survey recorded" in warning for warning in valuation.warnings)


def test_the_newest_prices_while_there_is_no_champion(
    lab_home: Settings, connect: Connect, two_versions: tuple[str, str]
) -> None:
    source = choose_model(lab_home, connect)
    assert source.sentence == "Priced by version 2, the newest: no champion is promoted yet."


def test_the_champion_prices_before_the_newest(
    lab_home: Settings, connect: Connect, client: Any, two_versions: tuple[str, str]
) -> None:
    before = value(load_model(lab_home, connect, choose_model(lab_home, connect)), House.typical())
    client.set_registered_model_alias("housing_price_predictor", "champion", "1")
    source = choose_model(lab_home, connect)
    assert source.sentence == "Priced by version 1, the champion."
    after = value(load_model(lab_home, connect, source), House.typical())
    assert after.price != before.price
    assert choose_model(lab_home, connect, "champion").version == "1"
    assert choose_model(lab_home, connect, "2").sentence == "Priced by version 2, as you chose."
    local = choose_model(lab_home, connect, two_versions[0])
    assert local.sentence == f"Priced by version {two_versions[0]}, as you chose."
    assert value(load_model(lab_home, connect, local), House.typical()).price == after.price


def test_without_mlflow_the_newest_of_the_local_registry_prices_and_claims_nothing_of_champions(
    lab_home: Settings, connect: Connect, two_versions: tuple[str, str]
) -> None:
    expected = value(load_model(lab_home, connect, choose_model(lab_home, connect)), House.typical())

    def away() -> Store:
        raise StoreUnavailable("MLflow went away.", remedy="Start it.")

    source = choose_model(lab_home, away)
    assert source.version == two_versions[1]
    assert "local registry" in source.sentence
    assert "champion" not in source.sentence
    assert value(load_model(lab_home, away, source), House.typical()).price == expected.price
    with pytest.raises(StoreUnavailable):
        choose_model(lab_home, away, "1")
    assert choose_model(lab_home, away, two_versions[0]).version == two_versions[0]


def test_a_version_that_is_not_there_is_not_found(lab_home: Settings, connect: Connect) -> None:
    for version in ("7", "champion", "v_20000101_000000", "nonsense"):
        with pytest.raises(NotFound) as raised:
            choose_model(lab_home, connect, version)
        assert raised.value.remedy


@pytest.mark.parametrize("enabled", ["true", "false"])
def test_an_empty_lab_has_no_model_and_says_to_train_one(make_home: MakeHome, enabled: str) -> None:
    settings = make_home(training__enable_mlflow=enabled)
    with pytest.raises(NoModel) as raised:
        choose_model(settings, lambda: open_store(settings))
    assert "Train" in raised.value.remedy


def test_a_local_file_that_was_changed_is_never_loaded(
    lab_home: Settings, connect: Connect, two_versions: tuple[str, str]
) -> None:
    registry = ModelRegistry(lab_home)
    file = registry.model_file(registry.get_model(two_versions[0]))
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(UntrustedModel):
        load_model(lab_home, connect, choose_model(lab_home, connect, two_versions[0]))


def test_a_model_of_demo_data_warns_with_every_price(make_home: MakeHome) -> None:
    settings = make_home(**WITHOUT_DATA)
    connect = functools.cache(lambda: open_store(settings))
    outcome = train_now(settings, ridge(), connect)
    for version in (None, outcome.version, outcome.local_version):
        model = load_model(settings, connect, choose_model(settings, connect, version))
        assert any("demo data" in warning for warning in value(model, House.typical()).warnings)
    with sqlite3.connect(settings.paths.mlflow_db) as database:
        found = database.execute("SELECT value FROM tags WHERE key = 'data.source'").fetchall()
    database.close()
    assert found == [("demo",)]
    assert Path(connect().uri.removeprefix("sqlite:///")).exists()
