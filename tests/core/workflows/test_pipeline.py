"""The old project's three stages, on real files."""

from __future__ import annotations

import functools
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

from core.domain.errors import InvalidData, RecordsError
from core.domain.house import RAW_COLUMNS, TARGET
from core.domain.hyperparameters import TrainingSpec
from core.domain.settings import Settings
from core.tracking.runs import get_run
from core.tracking.store import open_store
from core.workflows.pipeline import engineer_features, ingest_data, train_model
from tests.actors import TESTER, named
from tests.core.workflows.conftest import WITHOUT_DATA, MakeHome

RATIOS = ["rooms_per_household", "bedrooms_per_room", "population_per_household"]


def test_ingest_says_how_many_rows_of_which_file(lab_home: Settings, small_file: Path) -> None:
    result = ingest_data(lab_home, actor=TESTER)
    assert result.summary == "800 block groups are ready."
    assert result.files == {"rows": small_file, "log": lab_home.paths.stage_log("ingest_data")}
    log = _log(lab_home, "ingest_data")
    assert "rows = 800" in log
    assert str(small_file) in log
    assert "END    ingest_data: success" in log


def test_demo_rows_are_called_invented(make_home: MakeHome) -> None:
    settings = make_home(**WITHOUT_DATA)
    assert "invented demo block groups" in ingest_data(settings, actor=TESTER).summary


def test_features_are_the_nine_the_price_and_the_ratios_without_gaps(lab_home: Settings, small_file: Path) -> None:
    result = engineer_features(lab_home, actor=TESTER)
    assert result.summary == "12 features of 800 block groups are written."
    rows, table = pd.read_csv(small_file), pd.read_csv(lab_home.features_path)
    assert list(table.columns) == [*RAW_COLUMNS, TARGET, *RATIOS]
    assert rows["total_bedrooms"].isna().any()
    assert not table.isna().any().any()
    assert np.isfinite(table.select_dtypes("number")).all().all()
    known = rows["total_bedrooms"].notna()
    pd.testing.assert_frame_equal(table.loc[known, list(rows.columns)], rows[known], check_dtype=False)
    assert np.allclose(table["rooms_per_household"], table["total_rooms"] / table["households"])
    assert np.allclose(table["bedrooms_per_room"], table["total_bedrooms"] / table["total_rooms"])
    assert np.allclose(table["population_per_household"], table["population"] / table["households"])


def test_encoder_and_scaler_load_and_take_the_nine_raw_columns(lab_home: Settings, small_file: Path) -> None:
    result = engineer_features(lab_home, actor=TESTER)
    rows = pd.read_csv(small_file)[list(RAW_COLUMNS)]
    encoded, scaled = (joblib.load(result.files[name]).transform(rows) for name in ("encoder", "scaler"))
    assert encoded.shape == scaled.shape == (800, 8 + 3 + 5)
    assert set(np.unique(encoded[:, -5:])) == {0.0, 1.0}
    assert np.abs(scaled[:, :11].mean(axis=0)).max() < 1e-6
    assert np.abs(scaled[:, :11].std(axis=0) - 1).max() < 1e-6
    assert result.files["encoder"] == lab_home.paths.encoder
    assert result.files["scaler"] == lab_home.paths.scaler


def test_the_training_stage_registers_and_names_its_files(lab_home: Settings) -> None:
    result = train_model(
        lab_home,
        TrainingSpec.create("ridge"),
        functools.cache(lambda: open_store(lab_home)),
        actor=named("the stage"),
        run_name="by the stage",
    )
    assert result.outcome is not None
    assert result.summary == (f"by the stage is registered as version 1 of MLflow and {result.outcome.local_version}.")
    assert all(path.exists() for path in result.files.values())
    assert get_run(open_store(lab_home), str(result.outcome.run_id)).tags["mlflow.user"] == "the stage"


@pytest.mark.parametrize("stage", [ingest_data, engineer_features])
def test_bad_data_are_named_in_the_stage_s_log(
    make_home: MakeHome, tmp_path: Path, real_rows: pd.DataFrame, stage: object
) -> None:
    file = tmp_path / "bad.csv"
    real_rows.head(60).assign(longitude=500.0).to_csv(file, index=False)
    settings = make_home(data__path=file)
    with pytest.raises(InvalidData):
        stage(settings, actor=TESTER)  # type: ignore[operator]
    log = _log(settings, stage.__name__)  # type: ignore[attr-defined]
    assert "longitude" in log
    assert "500" in log
    assert f"END    {stage.__name__}: failed" in log  # type: ignore[attr-defined]
    assert not settings.features_path.exists()


def test_features_that_cannot_be_written_say_where(lab_home: Settings) -> None:
    lab_home.features_path.mkdir(parents=True)
    with pytest.raises(RecordsError, match=r"housing_features\.csv"):
        engineer_features(lab_home, actor=TESTER)
    assert "failed" in _log(lab_home, "engineer_features")


def _log(settings: Settings, stage: str) -> str:
    return settings.paths.stage_log(stage).read_text(encoding="utf-8")
