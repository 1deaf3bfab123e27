"""Exactly what one training leaves in MLflow and beside it, read by a plain client."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from core.domain.house import RAW_COLUMNS, TARGET
from core.domain.settings import Settings
from core.models.packaged import file_sha256
from core.tracking.local_registry import ModelRegistry
from core.tracking.registry import get_version, load_version
from core.tracking.runs import read_importance, read_predictions
from core.tracking.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient

HELD_OUT = 4128


@pytest.fixture(scope="module")
def plain(trained_store: Store) -> MlflowClient:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=trained_store.uri, registry_uri=trained_store.uri)


@pytest.fixture(scope="module")
def run(plain: MlflowClient, trained_store: Store) -> Any:
    (only,) = plain.search_runs([trained_store.experiment_id], filter_string="attributes.run_name = 'forest_of_20'")
    return only


@pytest.fixture(scope="module")
def artifacts(run: Any) -> Path:
    return Path(run.info.artifact_uri.removeprefix("file://"))


def test_the_run_is_finished_and_says_who_asked(run: Any) -> None:
    assert run.info.status == "FINISHED"
    assert run.data.tags["mlflow.user"] == "tester"
    assert run.info.end_time > run.info.start_time


def test_every_knob_the_family_and_the_seed_are_params(run: Any) -> None:
    assert run.data.params == {
        "family": "random_forest",
        "n_estimators": "20",
        "max_depth": "12",
        "min_samples_leaf": "1",
        "max_features": "0.35",
        "seed": "42",
        "features": "basic",
    }


def test_the_metrics_are_the_scores_the_ratios_the_duration_the_rows_and_the_curve_s_end(run: Any) -> None:
    metrics = run.data.metrics
    assert set(metrics) == {
        *("rmse", "mae", "r2_score", "mape"),
        *("cod", "prd", "prb"),
        *("fit_seconds", "model_mb", "train_rows", "held_out_rows", "held_out_rmse"),
    }
    assert 45_000 < metrics["rmse"] < 56_000
    assert metrics["fit_seconds"] > 0
    assert (metrics["train_rows"], metrics["held_out_rows"]) == (16_512, HELD_OUT)


def test_the_curve_counts_the_trees_and_ends_at_the_score(plain: MlflowClient, run: Any) -> None:
    curve = sorted((point.step, point.value) for point in plain.get_metric_history(run.info.run_id, "held_out_rmse"))
    assert curve[-1][0] == 20
    assert curve[-1][1] == pytest.approx(run.data.metrics["rmse"], rel=1e-9)
    assert len(curve) > 1


def test_the_tags_say_which_data_split_code_and_job(run: Any, data_file: Path) -> None:
    tags = {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")}
    assert tags.pop("job.id").startswith("inline-")
    assert re.fullmatch(r"[0-9a-f]{12}(\+changes)?|unversioned", tags.pop("code.version"))
    assert tags == {
        "data.sha256": file_sha256(data_file),
        "data.source": "file",
        "data.rows": "20640",
        "split": "random_0.2_42",
    }


def test_the_data_are_a_dataset_input(run: Any, data_file: Path) -> None:
    (given,) = run.inputs.dataset_inputs
    assert file_sha256(data_file).startswith(given.dataset.digest)
    assert json.loads(given.dataset.source) == {"uri": str(data_file)}
    assert json.loads(given.dataset.profile)["num_rows"] == 20_640


def test_the_artifacts_are_predictions_importance_behaviour_and_two_plots(artifacts: Path) -> None:
    files = sorted(str(path.relative_to(artifacts)) for path in artifacts.rglob("*") if path.is_file())
    assert files == [
        "behaviour.json",
        "feature_importance.json",
        "plots/predicted_against_actual.png",
        "plots/residuals.png",
        "predictions.parquet",
    ]
    for plot in artifacts.glob("plots/*.png"):
        assert plot.read_bytes().startswith(b"\x89PNG")
        assert plot.stat().st_size > 10_000


def test_the_scores_can_be_computed_again_from_the_predictions(
    run: Any, artifacts: Path, real_rows: pd.DataFrame, trained_store: Store
) -> None:
    table = pd.read_parquet(artifacts / "predictions.parquet")
    assert list(table.columns) == ["row_id", "actual", "predicted"]
    assert len(table) == table["row_id"].nunique() == HELD_OUT
    assert np.array_equal(table["actual"], real_rows[TARGET].to_numpy()[table["row_id"]])
    errors = table["predicted"] - table["actual"]
    assert float(np.sqrt(np.mean(errors**2))) == pytest.approx(run.data.metrics["rmse"], rel=1e-12)
    assert float(errors.abs().mean()) == pytest.approx(run.data.metrics["mae"], rel=1e-12)
    assert float((errors.abs() / table["actual"]).mean() * 100) == pytest.approx(run.data.metrics["mape"], rel=1e-12)
    spread = ((table["actual"] - table["actual"].mean()) ** 2).sum()
    assert 1 - float((errors**2).sum() / spread) == pytest.approx(run.data.metrics["r2_score"], rel=1e-12)
    pipeline = load_version(trained_store, get_version(trained_store, "1"))
    rows = real_rows.loc[table["row_id"], list(RAW_COLUMNS)]
    assert np.array_equal(pipeline.predict(rows), table["predicted"])


def test_our_own_readers_give_what_the_files_hold(run: Any, artifacts: Path, trained_store: Store) -> None:
    row_ids, actual, predicted = read_predictions(trained_store, run.info.run_id)
    table = pd.read_parquet(artifacts / "predictions.parquet")
    assert np.array_equal(np.column_stack([row_ids, actual, predicted]), table.to_numpy())
    method, shares = read_importance(trained_store, run.info.run_id)
    assert method == "impurity decrease"
    assert list(shares) == sorted(shares, key=lambda name: -shares[name])
    assert sum(shares.values()) == pytest.approx(1.0)
    assert {"median_income", "ocean_proximity", "rooms_per_household"} <= set(shares)


def test_the_version_holds_the_digest_of_the_file_in_both_places(
    plain: MlflowClient, run: Any, trained_settings: Settings
) -> None:
    version = plain.get_model_version("housing_price_predictor", "1")
    (entry,) = ModelRegistry(trained_settings).list_models()
    in_mlflow = Path(version.source.removeprefix("file://")) / "data"
    (packaged,) = in_mlflow.iterdir()
    saved = ModelRegistry(trained_settings).model_file(entry)
    assert version.tags["model.sha256"] == file_sha256(packaged) == file_sha256(saved) == entry.sha256
    assert saved.parent == trained_settings.paths.saved_models
    assert re.fullmatch(r"model_random_forest_\d{8}_\d{6}_\d{6}\.joblib", saved.name)
    assert (version.run_id, entry.run_id) == (run.info.run_id, run.info.run_id)
    assert (version.tags["local.version"], version.tags["local.file"]) == (entry.version, saved.name)
    assert (version.tags["family"], version.tags["split"]) == ("random_forest", "random_0.2_42")
    assert entry.mlflow_version == "1"


def test_the_evaluation_report_is_written(run: Any, trained_settings: Settings) -> None:
    report = json.loads(trained_settings.paths.evaluation_report.read_text(encoding="utf-8"))
    assert report["run_id"] == run.info.run_id
    assert report["version"] == "1"
    for name in ("rmse", "mae", "r2_score", "mape"):
        assert report["metrics"][name] == run.data.metrics[name]
    thresholds = trained_settings.evaluation.thresholds
    assert report["threshold_checks"] == {
        "rmse": report["metrics"]["rmse"] <= thresholds.rmse,
        "mae": report["metrics"]["mae"] <= thresholds.mae,
        "r2_score": report["metrics"]["r2_score"] >= thresholds.r2_score,
        "mape": report["metrics"]["mape"] <= thresholds.mape,
    }
    assert report["all_checks_passed"] == all(report["threshold_checks"].values())


def test_nothing_unfinished_is_left(trained_settings: Settings) -> None:
    work = trained_settings.paths.job_files
    assert not work.exists() or list(work.iterdir()) == []
    assert len(list(trained_settings.paths.saved_models.iterdir())) == 1
    assert list(trained_settings.home.rglob("*.part")) == []
