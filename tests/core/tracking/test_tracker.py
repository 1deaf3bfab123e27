"""Writing a run, and reading it back with a plain MLflow client."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from core.domain.errors import InvalidSpec, RecordsError, StoreUnavailable
from core.domain.house import House
from core.models.packaged import file_sha256, read_model, write_model
from core.tracking.lineage import Lineage
from core.tracking.packaging import data_file
from core.tracking.registry import get_version, load_version
from core.tracking.store import Store
from core.tracking.tracker import MLflowTracker

if TYPE_CHECKING:
    from mlflow import MlflowClient

LINEAGE = Lineage("ab" * 32, "file", "/data/housing.csv", 20_640, "random_0.2_42", "abc123")


@pytest.fixture(scope="session")
def pipeline(trained_store: Store) -> Any:
    """A fitted price Pipeline."""
    return load_version(trained_store, get_version(trained_store, "1"))


def test_leaving_the_block_finishes_the_run(store: Store, plain_client: MlflowClient) -> None:
    with MLflowTracker(store=store) as tracker:
        run_id = tracker.run_id
        assert plain_client.get_run(run_id).info.status == "RUNNING"
    run = plain_client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.info.end_time >= run.info.start_time
    assert "failure" not in run.data.tags


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("the disk is full"), "the disk is full"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (InvalidSpec("max_depth is 99.", remedy="Give at most 40."), "max_depth is 99. Give at most 40."),
        (ValueError("too long for a tag " * 1000), "too long for a tag "),
    ],
)
def test_an_error_in_the_block_fails_the_run_with_the_reason_and_goes_on(
    store: Store, plain_client: MlflowClient, error: BaseException, reason: str
) -> None:
    tracker = MLflowTracker(store=store)
    run_id = tracker.start_run()
    with pytest.raises(type(error)) as raised, tracker:
        raise error
    assert raised.value is error
    run = plain_client.get_run(run_id)
    assert run.info.status == "FAILED"
    assert run.data.tags["failure"].startswith(reason)


def test_start_and_end_work_without_a_block_and_the_tracker_can_be_used_again(
    store: Store, plain_client: MlflowClient
) -> None:
    tracker = MLflowTracker(store=store)
    first = tracker.start_run("forest_of_ten", {"asked.by": "Ana"})
    tracker.end_run()
    second = tracker.start_run()
    tracker.end_run("KILLED", reason="somebody cancelled")
    one, other = plain_client.get_run(first), plain_client.get_run(second)
    assert (one.info.run_name, one.info.status, one.data.tags["asked.by"]) == ("forest_of_ten", "FINISHED", "Ana")
    assert (other.info.status, other.data.tags["failure"]) == ("KILLED", "somebody cancelled")


def test_params_metrics_and_tags_read_back_as_they_were_logged(store: Store, plain_client: MlflowClient) -> None:
    with MLflowTracker(store=store) as tracker:
        tracker.log_params({"n_estimators": 150, "max_features": 0.35, "family": "random_forest"})
        tracker.log_metrics({"rmse": 48_677, "r2_score": 0.8192})
        tracker.set_tags({"team": "valuations", "reviewed": True})
        run_id = tracker.run_id
    data = plain_client.get_run(run_id).data
    assert data.params == {"n_estimators": "150", "max_features": "0.35", "family": "random_forest"}
    assert data.metrics == {"rmse": 48_677.0, "r2_score": 0.8192}
    assert (data.tags["team"], data.tags["reviewed"]) == ("valuations", "True")


def test_a_curve_keeps_its_steps_however_long_it_is(store: Store, plain_client: MlflowClient) -> None:
    points = tuple((step, 100_000.0 / step) for step in range(1, 1501))
    with MLflowTracker(store=store) as tracker:
        tracker.log_curve("held_out_rmse", points)
        tracker.log_metrics({"loss": 3.0}, step=7)
        run_id = tracker.run_id
    history = plain_client.get_metric_history(run_id, "held_out_rmse")
    assert sorted((point.step, point.value) for point in history) == list(points)
    assert [point.step for point in plain_client.get_metric_history(run_id, "loss")] == [7]


def test_lineage_is_a_dataset_input_and_tags(store: Store, plain_client: MlflowClient) -> None:
    with MLflowTracker(store=store) as tracker:
        tracker.log_lineage(LINEAGE)
        run_id = tracker.run_id
    run = plain_client.get_run(run_id)
    (given,) = run.inputs.dataset_inputs
    assert given.dataset.name == "california_block_groups_1990"
    assert LINEAGE.data_sha256.startswith(given.dataset.digest)
    assert json.loads(given.dataset.source) == {"uri": "/data/housing.csv"}
    assert json.loads(given.dataset.profile) == {"num_rows": 20_640, "target": "median_house_value"}
    assert {tag.key: tag.value for tag in given.tags} == {
        "mlflow.data.context": "training",
        "split": "random_0.2_42",
    }
    assert {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")} == {
        "data.sha256": "ab" * 32,
        "data.source": "file",
        "data.rows": "20640",
        "split": "random_0.2_42",
        "code.version": "abc123",
    }


def test_demo_data_are_named_as_such_in_the_dataset_input(store: Store, plain_client: MlflowClient) -> None:
    with MLflowTracker(store=store) as tracker:
        tracker.log_lineage(Lineage("cd" * 32, "demo", "/data/housing_demo.csv", 4000, "random_0.2_42", "abc123"))
        run_id = tracker.run_id
    (given,) = plain_client.get_run(run_id).inputs.dataset_inputs
    assert given.dataset.name == "demo_block_groups"


def test_a_run_that_was_left_open_can_be_written_on(store: Store, plain_client: MlflowClient) -> None:
    run_id = MLflowTracker(store=store).start_run("left open")
    later = MLflowTracker(store=store)
    later.continue_run(run_id)
    later.log_metrics({"rmse": 5.0})
    later.end_run()
    run = plain_client.get_run(run_id)
    assert (run.info.run_name, run.info.status, run.data.metrics) == ("left open", "FINISHED", {"rmse": 5.0})


@pytest.mark.parametrize("form", ["pipeline", "path", "text"])
def test_a_model_is_logged_as_a_pipeline_or_as_the_path_of_one(
    store: Store, plain_client: MlflowClient, pipeline: Any, tmp_path: Path, form: str
) -> None:
    file = tmp_path / "own.joblib"
    digest = write_model(pipeline, file).sha256
    with MLflowTracker(store=store) as tracker:
        model_id = tracker.log_model({"pipeline": pipeline, "path": file, "text": str(file)}[form], "price_model")
        run_id = tracker.run_id
    logged = plain_client.get_logged_model(model_id)
    assert (logged.name, logged.source_run_id, str(logged.status)) == ("price_model", run_id, "READY")
    assert [output.model_id for output in plain_client.get_run(run_id).outputs.model_outputs] == [model_id]
    written = data_file(Path(logged.artifact_location.removeprefix("file://")))
    assert file_sha256(written) == digest
    assert len(read_model(written, digest).predict(pd.DataFrame([House.typical().as_dict()]))) == 1


def test_a_model_file_that_is_not_there_is_said_to_be_missing(store: Store, tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match=r"gone\.joblib") as raised, MLflowTracker(store=store) as tracker:
        tracker.log_model(tmp_path / "gone.joblib")
    assert "save_model" in raised.value.remedy


def test_no_global_state_of_mlflow_is_touched(store: Store, pipeline: Any) -> None:
    import mlflow

    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    with MLflowTracker(store=store) as tracker:
        assert mlflow.active_run() is None
        tracker.log_metrics({"rmse": 1.0})
        tracker.log_model(pipeline)
    assert mlflow.active_run() is None
    assert (mlflow.get_tracking_uri(), mlflow.get_registry_uri()) == before


@pytest.mark.parametrize(
    "call",
    [
        lambda tracker, folder: tracker.log_params({"a": 1}),
        lambda tracker, folder: tracker.log_metrics({"a": 1.0}),
        lambda tracker, folder: tracker.log_curve("a", ((1, 1.0),)),
        lambda tracker, folder: tracker.set_tags({"a": 1}),
        lambda tracker, folder: tracker.log_lineage(LINEAGE),
        lambda tracker, folder: tracker.log_files(folder),
        lambda tracker, folder: tracker.log_model({"any": "model"}),
        lambda tracker, folder: tracker.end_run(),
        lambda tracker, folder: tracker.end_run("FAILED", reason="none"),
    ],
)
def test_writing_before_start_run_says_to_start_one(
    store: Store, tmp_path: Path, call: Callable[[MLflowTracker, Path], object]
) -> None:
    with pytest.raises(RecordsError) as raised:
        call(MLflowTracker(store=store), tmp_path)
    assert type(raised.value) is RecordsError
    assert "start_run()" in raised.value.remedy


def test_the_content_of_a_config_yaml_is_configuration_enough(store: Store, plain_client: MlflowClient) -> None:
    with MLflowTracker({"tracking": {"uri": store.uri}}) as tracker:
        tracker.log_params({"alpha": 1.0})
        run_id = tracker.run_id
    assert plain_client.get_run(run_id).info.experiment_id == store.experiment_id
    with pytest.raises(StoreUnavailable, match="switched off"):
        MLflowTracker({"training": {"enable_mlflow": False}}).start_run()
