"""Versions in MLflow's registry: one a run, found by number and alias, loaded only when they are what was recorded."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.domain.configuration import load_settings
from core.domain.errors import NotFound, RecordsError, UntrustedModel
from core.domain.house import RAW_COLUMNS, TARGET
from core.domain.runs import ModelVersion
from core.domain.settings import Settings
from core.models.packaged import read_model, write_model
from core.tracking.local_registry import ModelRegistry
from core.tracking.packaging import data_file
from core.tracking.rebuild import entries_from_mlflow
from core.tracking.registry import (
    all_versions,
    champion,
    champion_or_newest,
    get_version,
    list_versions,
    load_version,
    note_local_version,
    register_version,
    version_before,
    version_of_run,
    withdraw_version,
)
from core.tracking.store import Store, open_store
from core.tracking.tracker import MLflowTracker


@pytest.fixture(scope="module")
def shelf(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A registry of this module's own in the shared store."""
    tracking = {"uri": store.uri, "registered_model_name": "shelf", "experiment_name": "shelf"}
    home = tmp_path_factory.mktemp("shelf")
    return open_store(load_settings(home=home, environment={}, values={"tracking": tracking}))


@pytest.fixture(scope="module")
def pipeline(trained_store: Store) -> Any:
    return load_version(trained_store, get_version(trained_store, "1"))


def _register(store: Store, pipeline: Any, folder: Path) -> ModelVersion:
    digest = write_model(pipeline, folder / "own.joblib").sha256
    with MLflowTracker(store=store) as tracker:
        model_id = tracker.log_model(folder / "own.joblib", family="random_forest")
        run_id = tracker.run_id
    return register_version(
        store, run_id=run_id, model_id=model_id, sha256=digest, family="random_forest", tags={"split": "random_0.2_42"}
    )


def test_an_empty_registry_has_no_champion_and_no_newest(store: Store, tmp_path: Path) -> None:
    tracking = {"uri": store.uri, "registered_model_name": "never trained"}
    empty = open_store(load_settings(home=tmp_path, environment={}, values={"tracking": tracking}))
    assert (champion(empty), champion_or_newest(empty), list_versions(empty), all_versions(empty)) == (
        None,
        None,
        [],
        [],
    )
    with pytest.raises(NotFound, match="champion"):
        get_version(empty, "champion")


def test_a_run_registered_twice_has_one_version(shelf: Store, pipeline: Any, tmp_path: Path) -> None:
    first = _register(shelf, pipeline, tmp_path)
    again = register_version(
        shelf, run_id=first.run_id, model_id="another", sha256="another", family="ridge", tags={"split": "another"}
    )
    assert again == first
    assert version_of_run(shelf, first.run_id) == first
    assert [version.run_id for version in all_versions(shelf)].count(first.run_id) == 1


def test_a_version_is_its_digest_family_and_tags(shelf: Store, pipeline: Any, tmp_path: Path) -> None:
    version = _register(shelf, pipeline, tmp_path)
    assert version.family == "random_forest"
    assert version.tags["model.sha256"] == version.sha256
    assert version.tags["split"] == "random_0.2_42"
    assert get_version(shelf, version.version) == version


def test_versions_come_newest_first_and_know_the_one_before(shelf: Store, pipeline: Any, tmp_path: Path) -> None:
    older, newer = (_register(shelf, pipeline, tmp_path) for _ in range(2))
    assert [version.version for version in list_versions(shelf, limit=2)] == [newer.version, older.version]
    numbers = [int(version.version) for version in all_versions(shelf)]
    assert numbers == sorted(numbers, reverse=True)
    assert version_before(shelf, newer.version) == older
    assert version_before(shelf, "1") is None


def test_the_champion_goes_before_the_newest(shelf: Store, pipeline: Any, tmp_path: Path) -> None:
    older, newer = (_register(shelf, pipeline, tmp_path) for _ in range(2))
    serving = champion_or_newest(shelf)
    assert serving is not None
    assert serving.version == newer.version
    shelf.client.set_registered_model_alias(shelf.model_name, "champion", older.version)
    try:
        serving = champion_or_newest(shelf)
        assert serving is not None
        assert (serving.version, serving.aliases) == (older.version, ("champion",))
        assert get_version(shelf, "champion").version == older.version
        with pytest.raises(NotFound, match="challenger"):
            get_version(shelf, "challenger")
    finally:
        shelf.client.delete_registered_model_alias(shelf.model_name, "champion")


@pytest.mark.parametrize("version", ["9999", "0", "v1", "latest", "", "-1", "1.5", "9" * 30, "production", "1' or '1"])
def test_a_version_that_is_not_there_is_not_found(shelf: Store, version: str) -> None:
    with pytest.raises(NotFound) as raised:
        get_version(shelf, version)
    assert raised.value.remedy


def test_a_withdrawn_version_is_gone_and_withdrawing_again_is_nothing(
    shelf: Store, pipeline: Any, tmp_path: Path
) -> None:
    version = _register(shelf, pipeline, tmp_path)
    withdraw_version(shelf, version.run_id)
    withdraw_version(shelf, version.run_id)
    assert version_of_run(shelf, version.run_id) is None


def test_a_loaded_version_predicts_as_the_file_that_was_logged(
    shelf: Store, pipeline: Any, tmp_path: Path, real_rows: pd.DataFrame
) -> None:
    version = _register(shelf, pipeline, tmp_path)
    rows = real_rows.loc[:500, list(RAW_COLUMNS)]
    assert np.array_equal(load_version(shelf, version).predict(rows), pipeline.predict(rows))


def test_one_swapped_byte_in_the_model_s_file_is_refused(shelf: Store, pipeline: Any, tmp_path: Path) -> None:
    version = _register(shelf, pipeline, tmp_path)
    file = _file_of(shelf, version)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(UntrustedModel, match="SHA-256") as raised:
        load_version(shelf, version)
    assert raised.value.where == str(file)


def test_a_version_without_a_recorded_digest_is_refused(shelf: Store, pipeline: Any, tmp_path: Path) -> None:
    version = _register(shelf, pipeline, tmp_path)
    shelf.client.delete_model_version_tag(shelf.model_name, version.version, "model.sha256")
    with pytest.raises(UntrustedModel, match="hold none"):
        load_version(shelf, get_version(shelf, version.version))


def test_a_version_whose_files_are_gone_says_so(shelf: Store, pipeline: Any, tmp_path: Path) -> None:
    version = _register(shelf, pipeline, tmp_path)
    shutil.rmtree(_file_of(shelf, version).parents[1])
    with pytest.raises(RecordsError) as raised:
        load_version(shelf, version)
    assert "backup" in raised.value.remedy


def test_the_local_registry_is_rebuilt_as_it_was(trained_settings: Settings, trained_store: Store) -> None:
    """Each entry, with its name, file, digest, params, scores and run; tags grow by the names of either registry."""
    kept, rebuilt = ModelRegistry(trained_settings).list_models(), entries_from_mlflow(trained_settings, trained_store)
    assert len(kept) == len(rebuilt) == 1
    (ours,), (theirs,) = kept, rebuilt
    for name in ("version", "family", "model_path", "sha256", "metrics", "run_id", "mlflow_version", "stage"):
        if name == "metrics":
            assert {key: theirs.metrics[key] for key in ours.metrics} == ours.metrics
        else:
            assert getattr(theirs, name) == getattr(ours, name), name
    assert theirs.params == {key: str(value) for key, value in ours.params.items()}
    assert {key: theirs.tags[key] for key in ours.tags} == ours.tags
    assert abs((theirs.created_at - ours.created_at).total_seconds()) < 30
    assert read_model(ModelRegistry(trained_settings).model_file(theirs), theirs.sha256) is not None


def test_versions_never_named_locally_are_rebuilt_under_their_second(
    shelf: Store, records_settings: Settings, pipeline: Any, tmp_path: Path
) -> None:
    version, named, elsewhere = (_register(shelf, pipeline, tmp_path) for _ in range(3))
    note_local_version(shelf, named.version, "v_20200101_000000", "model.joblib")
    saved = records_settings.paths.saved_models / "model.joblib"
    saved.parent.mkdir(parents=True)
    saved.touch()
    note_local_version(shelf, elsewhere.version, "v_20200101_000001", "model_of_another_home.joblib")
    entries = {entry.mlflow_version: entry for entry in entries_from_mlflow(records_settings, shelf)}
    second = version.created.replace(microsecond=0)
    given = datetime.strptime(entries[version.version].version, "v_%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    assert second <= given <= second + timedelta(seconds=30)
    assert entries[named.version].version == "v_20200101_000000"
    assert entries[named.version].model_path == "models/saved_models/model.joblib"
    assert entries[elsewhere.version].model_path == "", "a file that is not here is not named"
    names = [entry.version for entry in entries.values()]
    assert len(set(names)) == len(names)
    assert [entry.created for entry in entries.values()] == sorted(entry.created for entry in entries.values())


def test_a_version_whose_run_was_deleted_for_good_is_rebuilt_without_scores(
    shelf: Store, records_settings: Settings
) -> None:
    source = str(records_settings.paths.mlflow_artifacts)
    created = shelf.client.create_model_version(shelf.model_name, source=source, tags={"family": "ridge"})
    entry = next(
        entry for entry in entries_from_mlflow(records_settings, shelf) if entry.mlflow_version == str(created.version)
    )
    assert (entry.metrics, entry.params, entry.run_id, entry.family) == ({}, {}, None, "ridge")


def test_the_price_column_is_no_input_of_the_model(pipeline: Any) -> None:
    assert TARGET not in RAW_COLUMNS
    with pytest.raises(Exception, match="total_rooms"):
        pipeline.predict(pd.DataFrame([{TARGET: 1.0}]))


def _file_of(store: Store, version: ModelVersion) -> Path:
    uri = store.client.get_model_version_download_uri(store.model_name, version.version)
    return data_file(Path(uri.removeprefix("file://")))
