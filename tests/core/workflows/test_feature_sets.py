"""A run from before there were feature sets and one on the basic set are of the same settings; location is not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.domain.configuration import load_settings
from core.domain.hyperparameters import TrainingSpec
from core.domain.provenance import DATA_SHA256_TAG, SPLIT_TAG
from core.domain.runs import Run, RunStatus
from core.tracking.runs import earlier_twin, list_runs
from core.tracking.store import Store, open_store
from core.workflows.comparison import param_lines
from core.workflows.settings_groups import differ_in_seed_alone

TAGS = {DATA_SHA256_TAG: "ab" * 32, SPLIT_TAG: "random_0.2_42"}


def params_of(features: str | None, seed: int = 1) -> dict[str, str]:
    """``None``: as runs were logged before there were feature sets."""
    params = TrainingSpec.create("ridge", seed=seed, features=features or "basic").as_params()
    return {name: str(value) for name, value in params.items() if features or name != "features"}


def run_of(features: str | None, seed: int) -> Run:
    began = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=seed)
    return Run(f"id {seed}", "name", RunStatus.FINISHED, began, began, params_of(features, seed), {"rmse": 1.0}, TAGS)


def test_old_and_basic_runs_differ_in_their_seed_alone() -> None:
    assert differ_in_seed_alone(run_of(None, 1), run_of("basic", 2))
    assert not differ_in_seed_alone(run_of("basic", 1), run_of("location", 2))


@pytest.mark.parametrize(("sets", "differs"), [((None, "basic"), False), ((None, "location"), True)])
def test_a_comparison_names_the_features_where_they_differ(sets: Sequence[str | None], differs: bool) -> None:
    lines = {line.name: line for line in param_lines([run_of(name, 1) for name in sets])}
    assert lines["features"].label == "Features"
    assert lines["features"].differs is differs
    assert lines["features"].values == ("basic", sets[1])


@pytest.fixture
def store(tmp_path: Path, empty_store_file: Path) -> Store:
    settings = load_settings(home=tmp_path, environment={})
    settings.paths.mlflow_db.parent.mkdir(parents=True)
    settings.paths.mlflow_db.write_bytes(empty_store_file.read_bytes())
    return open_store(settings)


def log(store: Store, name: str, features: str | None, minute: int) -> None:
    run = store.client.create_run(
        store.experiment_id, start_time=1_760_000_000_000 + 60_000 * minute, tags=TAGS, run_name=name
    )
    for key, value in params_of(features).items():
        store.client.log_param(run.info.run_id, key, value)
    store.client.set_terminated(run.info.run_id, "FINISHED")


def test_a_twin_has_the_same_features_and_an_old_run_the_basic_ones(store: Store) -> None:
    for minute, (name, features) in enumerate(
        [("old", None), ("far", "location"), ("new", "basic"), ("farther", "location"), ("newest", "basic")]
    ):
        log(store, name, features, minute)
    runs = {run.name: run for run in list_runs(store)}
    twins = {name: earlier_twin(store, run) for name, run in runs.items()}
    named = {name: twin.name if twin else "" for name, twin in twins.items()}
    assert named == {"old": "", "far": "", "new": "old", "farther": "far", "newest": "new"}
