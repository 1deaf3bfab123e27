"""The lab as the screens see it: what it shows, what it compares, and what it says when MLflow is away."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from core.domain.errors import NoModel
from core.domain.house import House
from core.domain.hyperparameters import TrainingSpec
from core.domain.runs import TrainingOutcome
from core.domain.settings import Settings
from core.models.footprint import most_megabytes
from core.tracking.store import open_store
from core.workflows.lab import Lab
from core.workflows.training import train_now
from core.workflows.training_state import Connect
from core.workflows.views import Beside
from tests.core.workflows.conftest import MakeHome, ridge


@pytest.fixture
def lab(lab_home: Settings) -> Lab:
    return Lab(lab_home)


def _train(settings: Settings, connect: Connect, alpha: float = 1.0) -> TrainingOutcome:
    return train_now(settings, ridge(alpha=alpha), connect)


def test_an_empty_lab_says_so(lab: Lab) -> None:
    overview = lab.overview()
    assert overview.is_empty
    assert (overview.serving, overview.runs, overview.unreachable) == (None, (), "")
    assert lab.expectation(TrainingSpec.create("ridge")) is None
    with pytest.raises(NoModel):
        lab.value(House.typical())


def test_the_first_screen_shows_what_prices_and_the_newest_runs(lab: Lab, connect: Connect) -> None:
    outcomes = [_train(lab.settings, connect, alpha) for alpha in (1.0, 2.0)]
    overview = lab.overview()
    assert overview.serving is not None
    assert not overview.is_champion
    assert (overview.serving.version, overview.serving.scores) == ("2", outcomes[1].scores)
    assert [run.run_id for run in overview.runs] == [outcomes[1].run_id, outcomes[0].run_id]
    connect().client.set_registered_model_alias("housing_price_predictor", "champion", "1")
    overview = lab.overview()
    assert overview.serving is not None
    assert (overview.serving.version, overview.is_champion) == ("1", True)


def test_the_first_training_has_nothing_to_be_compared_with(lab: Lab, connect: Connect) -> None:
    result = lab.result(_train(lab.settings, connect))
    assert (result.reference, result.not_compared, result.compared_runs) == (None, "", None)
    assert [line.name for line in result.lines] == ["rmse", "mae", "r2_score", "mape"]
    assert all(line.difference is None for line in result.lines)


def test_a_training_is_compared_with_the_version_before_it(lab: Lab, connect: Connect) -> None:
    first, second, third = (_train(lab.settings, connect, alpha) for alpha in (1.0, 50.0, 500.0))
    result = lab.result(second)
    assert result.reference is not None
    assert (result.reference.version, result.not_compared) == ("1", "")
    assert result.compared_runs == Beside("version 1", (first.run_id, second.run_id))
    for line in result.lines:
        assert line.difference == pytest.approx(second.metrics[line.name] - first.metrics[line.name])
    assert result.held_out is not None
    assert len(result.held_out.actual) == len(result.held_out.predicted) == 160
    connect().client.set_registered_model_alias("housing_price_predictor", "champion", "1")
    reference = lab.result(third).reference
    assert reference is not None
    assert reference.version == "1"


def test_a_training_on_other_data_is_shown_without_a_difference(
    lab: Lab, connect: Connect, make_home: MakeHome, tmp_path: Path, real_rows: pd.DataFrame
) -> None:
    _train(lab.settings, connect)
    other = tmp_path / "other.csv"
    real_rows.sample(500, random_state=2).to_csv(other, index=False)
    data = lab.settings.data.model_copy(update={"path": other})
    outcome = _train(lab.settings.model_copy(update={"data": data}), connect)
    result = lab.result(outcome)
    assert result.reference is not None
    assert result.not_compared == "Version 1 was trained on other data, so the scores are not compared."
    assert result.compared_runs is None
    assert all(line.difference is None for line in result.lines)
    assert [line.value for line in result.lines] == [outcome.metrics[line.name] for line in result.lines]


def test_a_training_scored_on_other_rows_is_shown_without_a_difference(lab: Lab, connect: Connect) -> None:
    _train(lab.settings, connect)
    data = lab.settings.data.model_copy(update={"random_state": 7})
    result = lab.result(_train(lab.settings.model_copy(update={"data": data}), connect))
    assert result.not_compared == "Version 1 was scored on other held-out rows, so the scores are not compared."
    assert all(line.difference is None for line in result.lines)


def test_a_result_without_mlflow_has_scores_and_no_plots(make_home: MakeHome) -> None:
    settings = make_home(training__enable_mlflow="false")
    outcome = _train(settings, lambda: open_store(settings))
    lab = Lab(settings)
    result = lab.result(outcome)
    assert (result.held_out, result.reference, result.version) == (None, None, outcome.local_version)
    assert [line.value for line in result.lines] == [outcome.metrics[line.name] for line in result.lines]
    overview = lab.overview()
    assert overview.mlflow_is_off
    assert overview.serving is not None
    assert (overview.serving.version, overview.serving.scores) == (outcome.local_version, outcome.scores)
    assert "switched off" in overview.unreachable
    assert lab.value(House.typical()).source.version == outcome.local_version


def test_prices_follow_the_champion_at_once(lab: Lab, connect: Connect) -> None:
    for alpha in (1.0, 500.0):
        _train(lab.settings, connect, alpha)
    newest = lab.value(House.typical())
    assert (newest.source.version, lab.value(House.typical(), "1").source.version) == ("2", "1")
    connect().client.set_registered_model_alias("housing_price_predictor", "champion", "1")
    champion = lab.value(House.typical())
    assert champion.source.sentence == "Priced by version 1, the champion."
    assert champion.price == lab.value(House.typical(), "1").price != newest.price


def test_what_is_expected_comes_from_the_store_s_own_runs(lab: Lab, connect: Connect) -> None:
    outcome = _train(lab.settings, connect)
    expected = lab.expectation(TrainingSpec.create("ridge"))
    assert expected is not None
    assert expected.seconds == pytest.approx(outcome.metrics["fit_seconds"])
    assert expected.megabytes == pytest.approx(outcome.metrics["model_mb"])
    assert lab.expectation(TrainingSpec.create("lightgbm")) is None


def test_a_forest_s_size_is_bounded_before_any_run_and_without_mlflow(make_home: MakeHome) -> None:
    for enabled in ("true", "false"):
        lab = Lab(make_home(f"mlflow-{enabled}", training__enable_mlflow=enabled))
        expected = lab.expectation(TrainingSpec.create("random_forest"))
        assert expected is not None
        assert expected.seconds is None
        assert expected.most_megabytes == most_megabytes(TrainingSpec.create("random_forest"), 640)


def test_a_run_deleted_for_good_leaves_its_version_without_scores(lab: Lab, connect: Connect) -> None:
    outcome = _train(lab.settings, connect)
    with sqlite3.connect(lab.settings.paths.mlflow_db) as database:
        for table in ("tags", "params", "metrics", "latest_metrics", "runs"):
            database.execute(f"DELETE FROM {table} WHERE run_uuid = ?", (outcome.run_id,))  # noqa: S608
    database.close()
    serving = lab.overview().serving
    assert serving is not None
    assert (serving.version, serving.scores, serving.started) == ("1", None, None)
    assert lab.value(House.typical()).price > 0


def test_a_store_that_does_not_answer_leaves_the_local_registry_to_price(trained_copy: Settings) -> None:
    for file in trained_copy.paths.mlruns.glob("mlflow.db*"):
        file.write_bytes(b"no database " * 1000)
    lab = Lab(trained_copy)
    overview = lab.overview()
    assert "not a database" in overview.unreachable
    assert not overview.mlflow_is_off
    assert overview.serving is not None
    assert overview.serving.version.startswith("v_")
    assert lab.value(House.typical()).price > 0
