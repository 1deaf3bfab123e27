"""The doctor finds each thing that is broken, and changes nothing."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.domain.settings import Settings
from core.jobs.engine import JobQueue
from core.tracking.local_registry import ModelRegistry
from core.tracking.store import open_store
from core.workflows.doctor import examine
from core.workflows.findings import Finding
from core.workflows.pipeline import ingest_data
from core.workflows.training import train_now
from tests.actors import TESTER
from tests.core.workflows.conftest import WITHOUT_DATA, MakeHome, ridge

NAMES = [
    *("state folder", "data", "MLflow", "job queue", "open runs", "half registrations", "logged models"),
    *("registries", "model files", "aliases", "audit ledger", "leftover files"),
]


def _look(settings: Settings) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(settings, functools.cache(lambda: open_store(settings)))}


def _wrong(findings: dict[str, Finding]) -> list[str]:
    return [name for name, finding in findings.items() if not finding.ok]


@pytest.fixture
def broken(trained_copy: Settings) -> Iterator[Settings]:
    """A healthy home to break one thing in; every finding that is wrong must say what to do."""
    yield trained_copy
    for finding in _look(trained_copy).values():
        assert finding.ok or finding.remedy, finding.name


def test_a_trained_home_is_healthy_and_left_as_it_is(trained_copy: Settings) -> None:
    watched = [trained_copy.paths.registry, *trained_copy.paths.saved_models.iterdir()]
    before = [file.read_bytes() for file in watched]
    findings = _look(trained_copy)
    assert list(findings) == NAMES
    assert _wrong(findings) == []
    assert findings["registries"].detail == "MLflow and registry.json agree on 1 versions."
    assert "20,640 rows" in findings["data"].detail
    assert "census" in findings["data"].detail
    assert [file.read_bytes() for file in watched] == before


def test_an_empty_home_is_healthy(lab_home: Settings) -> None:
    assert _wrong(_look(lab_home)) == []


def test_a_lost_model_file_is_found(broken: Settings) -> None:
    (entry,) = ModelRegistry(broken).list_models()
    ModelRegistry(broken).model_file(entry).unlink()
    findings = _look(broken)
    assert _wrong(findings) == ["model files"]
    assert entry.version in findings["model files"].detail


def test_a_changed_model_file_is_found(broken: Settings) -> None:
    (entry,) = ModelRegistry(broken).list_models()
    file = ModelRegistry(broken).model_file(entry)
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    assert _wrong(_look(broken)) == ["model files"]


def test_a_registry_that_lost_its_entries_is_found_and_cured_by_hand_as_well(broken: Settings) -> None:
    registry = broken.paths.registry
    registry.write_text('{"schema": 1, "models": []}', encoding="utf-8")
    findings = _look(broken)
    assert _wrong(findings) == ["registries"]
    assert "Only in MLflow: 1" in findings["registries"].detail
    assert "core doctor" in findings["registries"].remedy
    registry.rename(registry.with_name("away.json"))
    train_now(broken, ridge(), functools.cache(lambda: open_store(broken)))
    assert _wrong(_look(broken)) == []


def test_a_version_deleted_in_mlflow_is_found(broken: Settings) -> None:
    open_store(broken).client.delete_model_version("housing_price_predictor", "1")
    assert "Only in registry.json: 1" in _look(broken)["registries"].detail


def test_a_corrupt_registry_is_found_and_left_as_it_is(broken: Settings) -> None:
    broken.paths.registry.write_bytes(b"not JSON")
    findings = _look(broken)
    assert "registries" in _wrong(findings)
    assert "corrupt" in findings["registries"].detail
    assert broken.paths.registry.read_bytes() == b"not JSON"
    assert len(list(broken.paths.registry.parent.iterdir())) == 1


def test_a_run_left_open_without_a_job_is_found(broken: Settings) -> None:
    store = open_store(broken)
    store.client.create_run(store.experiment_id, run_name="left open by a notebook")
    findings = _look(broken)
    assert _wrong(findings) == ["open runs"]
    assert "left open by a notebook" in findings["open runs"].detail


def test_demo_data_are_found(make_home: MakeHome) -> None:
    settings = make_home(**WITHOUT_DATA)
    assert _wrong(_look(settings)) == []
    ingest_data(settings, actor=TESTER)
    findings = _look(settings)
    assert _wrong(findings) == ["data"]
    assert "demo" in findings["data"].detail


def test_bad_data_are_found_with_their_reason(make_home: MakeHome, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert _wrong(_look(make_home(data__path=tmp_path / "bad.csv"))) == ["data"]


def test_a_store_that_does_not_answer_is_found_and_hides_nothing_else(broken: Settings) -> None:
    for file in broken.paths.mlruns.glob("mlflow.db*"):
        file.write_bytes(b"no database " * 1000)
    findings = _look(broken)
    assert list(findings) == NAMES
    assert _wrong(findings) == ["MLflow"]
    assert "Not looked at" in findings["open runs"].detail


def test_mlflow_switched_off_is_no_complaint(make_home: MakeHome) -> None:
    findings = _look(make_home(training__enable_mlflow="false"))
    assert _wrong(findings) == []
    assert "Switched off" in findings["MLflow"].detail


def test_jobs_that_nobody_works_on_are_found(broken: Settings) -> None:
    queue = JobQueue(broken)
    queue.submit(ridge())
    queue.close()
    findings = _look(broken)
    assert _wrong(findings) == ["job queue"]
    assert "worker" in findings["job queue"].remedy
