"""The record of a version's errors is read only when it is what was written; whatever store it lies in."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from core.domain.configuration import load_settings
from core.domain.errors import NotFound, RecordsError, UntrustedModel
from core.domain.provenance import INTERVALS_TAG
from core.domain.runs import ModelVersion
from core.domain.settings import Settings
from core.evaluation.intervals import IntervalModel
from core.tracking.intervals import (
    INTERVALS_FILE,
    encoded,
    read_intervals,
    read_local_intervals,
    record_intervals,
    record_intervals_locally,
)
from core.tracking.local_registry import ModelRegistry
from core.tracking.local_version import LocalVersion
from core.tracking.registry import get_version
from core.tracking.store import Store, open_store

FIGURES = {"coverage": 0.9}


@pytest.fixture(scope="module")
def known(ranged_settings: Settings) -> IntervalModel:
    store = open_store(ranged_settings)
    found = read_intervals(store, get_version(store, "2"))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def elsewhere(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Artifacts under an address that is no ``file:``, so that they are fetched as from any other host."""
    home = tmp_path_factory.mktemp("elsewhere")
    tracking = {
        "uri": store.uri,
        "registered_model_name": "elsewhere",
        "experiment_name": "ranges elsewhere",
        "artifact_location": str(home / "artifacts"),
    }
    return open_store(load_settings(home=home, environment={}, values={"tracking": tracking}))


def version_in(store: Store) -> ModelVersion:
    run = store.client.create_run(store.experiment_id, run_name="ranged")
    made = store.client.create_model_version(store.model_name, source="file:///nowhere", run_id=run.info.run_id)
    return get_version(store, str(made.version))


def folder_with(content: bytes, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / INTERVALS_FILE).write_bytes(content)
    return folder


def test_what_was_recorded_in_another_place_is_read_back(
    elsewhere: Store, known: IntervalModel, tmp_path: Path
) -> None:
    version = version_in(elsewhere)
    assert read_intervals(elsewhere, version) is None, "not measured"
    record_intervals(elsewhere, version, folder_with(encoded(known), tmp_path / "folder"), FIGURES)
    measured = get_version(elsewhere, version.version)
    found = read_intervals(elsewhere, measured)
    assert found is not None
    assert found.as_document() == known.as_document()
    assert elsewhere.client.get_run(version.run_id).data.metrics == FIGURES


def test_a_document_that_was_changed_is_not_believed(elsewhere: Store, known: IntervalModel, tmp_path: Path) -> None:
    version = version_in(elsewhere)
    record_intervals(elsewhere, version, folder_with(encoded(known), tmp_path / "folder"), FIGURES)
    narrow = {**known.as_document(), "threshold_90": known.threshold_80}
    forged = folder_with(json.dumps(narrow).encode(), tmp_path / "forged")
    elsewhere.client.log_artifacts(version.run_id, str(forged))
    with pytest.raises(UntrustedModel, match="not the one that was written") as refused:
        read_intervals(elsewhere, get_version(elsewhere, version.version))
    assert "assess" in refused.value.remedy


def test_a_document_that_is_gone_is_no_version_without_a_range(store: Store) -> None:
    version = version_in(store)
    store.client.set_model_version_tag(store.model_name, version.version, INTERVALS_TAG, "0" * 64)
    with pytest.raises(NotFound, match=INTERVALS_FILE):
        read_intervals(store, get_version(store, version.version))


def test_what_is_recorded_again_is_never_held_against_the_old_digest(
    store: Store, known: IntervalModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash between the new file and its digest leaves a version that was not measured."""
    version = version_in(store)
    record_intervals(store, version, folder_with(encoded(known), tmp_path / "folder"), FIGURES)
    other = dataclasses.replace(known, threshold_90=known.threshold_90 * 2)
    changed = folder_with(encoded(other), tmp_path / "changed")

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(store.client), "set_model_version_tag", crash)
        with pytest.raises(KeyboardInterrupt):
            record_intervals(store, get_version(store, version.version), changed, FIGURES)
    assert read_intervals(store, get_version(store, version.version)) is None
    record_intervals(store, get_version(store, version.version), changed, FIGURES)
    found = read_intervals(store, get_version(store, version.version))
    assert found is not None
    assert found.threshold_90 == other.threshold_90


@pytest.fixture
def registry(ranged_settings: Settings, tmp_path: Path) -> ModelRegistry:
    """The local registry of the ranged home over again."""
    shutil.copytree(ranged_settings.home / "models", tmp_path / "models")
    return ModelRegistry(ranged_settings.model_copy(update={"home": tmp_path}))


def newest(registry: ModelRegistry) -> LocalVersion:
    entry = registry.latest()
    assert entry is not None
    return entry


def test_the_local_record_is_the_same_document(registry: ModelRegistry, known: IntervalModel) -> None:
    found = read_local_intervals(registry, newest(registry))
    assert found is not None
    assert encoded(found) == encoded(known)
    assert read_local_intervals(registry, dataclasses.replace(newest(registry), intervals_path="")) is None


@pytest.mark.parametrize(
    ("content", "error"), [(b"{}", UntrustedModel), (None, RecordsError), (b"no JSON", UntrustedModel)]
)
def test_a_local_record_that_was_changed_or_lost_is_not_believed(
    registry: ModelRegistry, content: bytes | None, error: type[RecordsError]
) -> None:
    entry = newest(registry)
    file = registry.settings.home / entry.intervals_path
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    with pytest.raises(error):
        read_local_intervals(registry, entry)


def test_an_entry_that_was_taken_back_gets_no_file(registry: ModelRegistry, known: IntervalModel) -> None:
    gone = dataclasses.replace(newest(registry), version="v_19990101_000000", intervals_path="", model_path="models/x")
    with pytest.raises(NotFound):
        record_intervals_locally(registry, gone, encoded(known), FIGURES)
    assert not (registry.settings.home / "models" / "x.intervals.json").exists()
    assert not list((registry.settings.home / "models").glob("*.part"))


def test_the_other_entries_stay_as_they_are(registry: ModelRegistry, known: IntervalModel) -> None:
    first, second = registry.read_file()
    record_intervals_locally(registry, second, encoded(known), FIGURES)
    assert registry.read_file()[0] == first
    again = registry.read_file()[1]
    assert again.metrics == {**second.metrics, **FIGURES}
    assert dataclasses.replace(again, metrics=second.metrics) == second
