"""Files in an S3-compatible object store, by one setting: written, read alone, told apart when gone or away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.domain.configuration import load_settings
from core.domain.errors import NotFound, StoreUnavailable
from core.models.packaged import write_model
from core.tracking.registry import get_version, load_version, model_file_of, register_version
from core.tracking.run_files import list_files, read_file
from core.tracking.runs import artifact_of
from core.tracking.store import Store, open_store
from core.tracking.tracker import MLflowTracker
from tests.core.workflows.conftest import with_empty_store
from tests.team_servers import ObjectStore, object_store

MODEL = {"stands for": "a fitted Pipeline"}
UNREACHABLE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def objects() -> Iterator[ObjectStore]:
    with object_store() as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment.items():
            patch.setenv(name, value)
        running.make_bucket("lab")
        yield running


@pytest.fixture(scope="module")
def kept(objects: ObjectStore, empty_store_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store whose files lie in the bucket: run ``report`` with a file, and version 1."""
    home = tmp_path_factory.mktemp("bucket")
    tracking = {"artifact_location": "s3://lab/files", "experiment_name": "in the bucket"}
    settings = load_settings(home=home, environment={}, values={"tracking": tracking})
    store = open_store(with_empty_store(settings, empty_store_file))
    files = home / "files"
    files.mkdir()
    (files / "note.txt").write_text("née 🏠", encoding="utf-8")
    model = home / "model.joblib"
    digest = write_model(MODEL, model).sha256
    with MLflowTracker(store=store) as tracker:
        tracker.log_files(files)
        run_id, model_id = tracker.run_id, tracker.log_model(model)
    register_version(store, run_id=run_id, model_id=model_id, sha256=digest, family="ridge", tags={})
    return store


def test_files_come_back_as_they_were_written(kept: Store, objects: ObjectStore) -> None:
    run_id = get_version(kept, "1").run_id
    assert "note.txt" in {file.path for file in list_files(kept, run_id)}
    assert read_file(kept, run_id, "note.txt").decode() == "née 🏠"
    assert load_version(kept, get_version(kept, "1")) == MODEL
    assert all(key.startswith("files/") for key in objects.keys("lab"))


def test_of_a_model_only_the_model_file_is_fetched(kept: Store) -> None:
    with model_file_of(kept, get_version(kept, "1")) as file:
        assert [found for found in file.parents[1].rglob("*") if found.is_file()] == [file]
    assert not file.exists()


def test_a_file_that_is_not_there_is_not_found(kept: Store) -> None:
    with (
        pytest.raises(NotFound, match=r"nobody_wrote_this\.txt"),
        artifact_of(kept, get_version(kept, "1").run_id, "nobody_wrote_this.txt"),
    ):
        pass


def test_a_store_that_is_away_is_unavailable_for_reading_and_writing(
    kept: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = get_version(kept, "1")
    (tmp_path / "late.txt").write_text("late", encoding="utf-8")
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", UNREACHABLE)
    with pytest.raises(StoreUnavailable, match=UNREACHABLE):
        load_version(kept, version)
    with pytest.raises(StoreUnavailable), artifact_of(kept, version.run_id, "note.txt"):
        pass
    with pytest.raises(StoreUnavailable):
        MLflowTracker(store=kept, run_id=version.run_id).log_files(tmp_path)


def test_a_bucket_that_is_gone_is_unavailable(kept: Store, objects: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "late.txt").write_text("late", encoding="utf-8")
    lost = kept.client.create_experiment("lost", artifact_location="s3://nobody-made-this/files")
    run_id = kept.client.create_run(lost).info.run_id
    with pytest.raises(StoreUnavailable, match="NoSuchBucket"):
        MLflowTracker(store=kept, run_id=run_id).log_files(tmp_path)
