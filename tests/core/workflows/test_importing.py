"""What the old project recorded comes in whole, once, and without a look outside of the folders that were given."""

from __future__ import annotations

import hashlib
import json
import math
import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from filelock import FileLock
from sklearn.linear_model import LinearRegression

from core.domain.errors import NotFound, RecordsError, UnreadableRecord
from core.domain.imports import ImportReport, ImportRequest
from core.domain.jobs import Progress
from core.domain.settings import Settings
from core.tracking.local_registry import ModelRegistry
from core.tracking.registry import champion_or_newest, get_version, load_version
from core.tracking.store import open_store
from core.workflows.doctor import examine
from core.workflows.importing import import_records
from core.workflows.training import train_now
from core.workflows.training_state import Connect
from tests.actors import TESTER, named
from tests.core.old_store import BEGAN, OldStore, model_files, write_bytes, write_texts, write_yaml
from tests.core.workflows.conftest import MakeHome, ridge

if TYPE_CHECKING:
    from mlflow import MlflowClient

FOREST = "a1" * 16
BOOSTED = "b2" * 16
DELETED = "c3" * 16
ELSEWHERE = "d4" * 16
TRASHED = "e5" * 16
OURS = "housing_price_prediction"
MODEL = "housing_price_predictor"
CURVE = [(BEGAN + 10 * step, 60_000.0 - step, step) for step in range(1_500)]

Import = Callable[..., ImportReport]


@pytest.fixture
def old(tmp_path: Path) -> OldStore:
    """Five runs in four experiments, one of them in the trash, as the old project may have left them."""
    store = OldStore(tmp_path / "old" / "logs" / "mlruns")
    store.experiment("0", "Default")
    housing = store.experiment("101", OURS, tags={"mlflow.note.content": "1990 block groups"})
    forest = store.run(
        housing,
        FOREST,
        run_name="random_forest_150_trees",
        params={"n_estimators": "150", "max_depth": "20", "model/kind": "forest", "empty": "", "lines": "a\nb"},
        metrics={"rmse": [(BEGAN + 5_000, 48_677.25, 0)], "val/loss": CURVE, "gap": [(BEGAN, math.nan, 0)]},
        tags={"mlflow.source.name": "train.py", "team": "pricing"},
        files={"plots/residuals.png": b"\x89PNG picture", "report.json": b"{}"},
    )
    store.dataset(housing, forest, "housing", "abc123")
    store.run(housing, BOOSTED, run_name="boosted", status=4, params={"max_iter": "300"}, tags={"job.id": "7"})
    store.run(housing, DELETED, lifecycle_stage="deleted", deleted_time=BEGAN, params={"n_estimators": "1"})
    other = store.experiment("202", "side tests")
    store.run(other, ELSEWHERE, status=1, end_time=None, metrics={"rmse": [(BEGAN + 7_000, 1.0, 0)]})
    trashed = store.experiment("303", "given up", deleted=True)
    store.run(trashed, TRASHED, params={"alpha": "1"})
    return store


@pytest.fixture
def bring(lab_home: Settings, connect: Connect, old: OldStore) -> Import:
    def bring(
        mlruns: Path | None = old.root,
        registry: Path | None = None,
        *,
        report: Callable[[Progress], None] = lambda progress: None,
        should_stop: Callable[[], bool] = lambda: False,
        **asked: Any,
    ) -> ImportReport:
        request = ImportRequest(mlruns, registry, **asked)
        return import_records(
            lab_home, request, connect, actor=named("importer"), report=report, should_stop=should_stop
        )

    return bring


def test_every_run_is_found_by_a_plain_client(bring: Import, client: MlflowClient) -> None:
    report = bring()
    assert (report.runs, report.completed, report.known_runs, report.problems) == (5, 0, 0, ())
    assert set(report.experiments) == {OURS, "side tests", "given up"}
    runs = runs_by_old_id(client)
    assert set(runs) == {FOREST, BOOSTED, DELETED, ELSEWHERE, TRASHED}
    forest = runs[FOREST]
    assert (forest.info.run_name, forest.info.status) == ("random_forest_150_trees", "FINISHED")
    assert (forest.info.start_time, forest.info.end_time) == (BEGAN, BEGAN + 60_000)
    assert forest.data.params == {
        "n_estimators": "150",
        "max_depth": "20",
        "model/kind": "forest",
        "empty": "",
        "lines": "a\nb",
    }
    assert forest.data.metrics["rmse"] == 48_677.25
    assert math.isnan(forest.data.metrics["gap"])
    assert forest.data.tags["team"] == "pricing"
    assert forest.data.tags["mlflow.user"] == "maria"
    assert forest.data.tags["mlflow.source.name"] == "train.py"
    assert experiment_name(client, forest) == OURS
    assert experiment_name(client, runs[ELSEWHERE]) == "side tests"


def test_every_value_of_a_metric_keeps_its_step_and_its_time(bring: Import, client: MlflowClient) -> None:
    report = bring()
    assert report.metrics == len(CURVE) + 3
    history = client.get_metric_history(runs_by_old_id(client)[FOREST].info.run_id, "val/loss")
    assert sorted((point.timestamp, point.value, point.step) for point in history) == CURVE


def test_files_and_datasets_come_with_their_run(bring: Import, client: MlflowClient, tmp_path: Path) -> None:
    assert bring().files == 2
    run = runs_by_old_id(client)[FOREST]
    fetched = Path(client.download_artifacts(run.info.run_id, "plots/residuals.png", str(tmp_path)))
    assert fetched.read_bytes() == b"\x89PNG picture"
    (taken,) = run.inputs.dataset_inputs
    assert (taken.dataset.name, taken.dataset.digest) == ("housing", "abc123")
    assert {tag.key: tag.value for tag in taken.tags} == {"mlflow.data.context": "training"}


def test_what_was_deleted_is_deleted_here_and_what_still_ran_has_ended(bring: Import, client: MlflowClient) -> None:
    bring()
    runs = runs_by_old_id(client)
    deleted = {old_id for old_id, run in runs.items() if run.info.lifecycle_stage == "deleted"}
    assert deleted == {DELETED, TRASHED}
    assert runs[BOOSTED].info.status == "FAILED"
    cut_off = runs[ELSEWHERE]
    assert (cut_off.info.status, cut_off.info.end_time) == ("KILLED", BEGAN + 7_000)
    assert "RUNNING" in cut_off.data.tags["failure"]


def test_no_run_that_came_in_passes_for_a_job_of_the_lab(
    bring: Import, client: MlflowClient, lab_home: Settings, connect: Connect
) -> None:
    bring()
    tags = runs_by_old_id(client)[BOOSTED].data.tags
    assert "job.id" not in tags
    assert tags["import.job.id"] == "7"
    findings = {finding.name: finding for finding in examine(lab_home, connect)}
    for name in ("open runs", "half registrations", "logged models", "registries", "model files", "aliases"):
        assert findings[name].ok, findings[name]


def test_a_second_import_adds_nothing(bring: Import, client: MlflowClient) -> None:
    bring()
    before = snapshot(client)
    again = bring()
    assert (again.runs, again.completed, again.known_runs) == (0, 0, 5)
    assert (again.params, again.metrics, again.tags, again.files) == (0, 0, 0, 0)
    assert snapshot(client) == before


def test_all_runs_may_come_into_one_experiment(bring: Import, client: MlflowClient) -> None:
    bring(experiment="from before")
    assert {experiment_name(client, run) for run in runs_by_old_id(client).values()} == {"from before"}


def test_runs_of_the_old_default_experiment_do_not_fall_into_mlflow_s_own(
    bring: Import, client: MlflowClient, old: OldStore
) -> None:
    old.run(old.root / "0", "f6" * 16, files={"a.txt": b"a"})
    bring()
    run = runs_by_old_id(client)["f6" * 16]
    assert experiment_name(client, run) == "Default (imported)"
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["a.txt"]


def test_an_import_that_was_stopped_goes_on_where_it_stopped(bring: Import, client: MlflowClient) -> None:
    told: list[Progress] = []
    part = bring(report=told.append, should_stop=lambda: sum(one.unit == "runs" for one in told) > 2)
    assert (part.stopped, part.runs) == (True, 2)
    assert (told[-1].phase, told[-1].total) == ("importing runs", 5)
    states = {run.data.tags["import.state"] for run in runs_by_old_id(client).values()}
    assert states == {"done"}
    rest = bring()
    assert (rest.stopped, rest.runs, rest.known_runs) == (False, 3, 2)


def test_an_import_that_was_killed_at_any_request_is_completed_by_the_next(make_home: MakeHome, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    old = OldStore(tmp_path / "small")
    housing = old.experiment("101", "small")
    run = old.run(housing, FOREST, params={"n": "1"}, metrics={"rmse": CURVE[:3]}, files=model_files(b"\x80\x04N."))
    old.dataset(housing, run, "housing", "abc123")
    old.version("small", 1, f"runs:/{FOREST}/model", FOREST)
    request = ImportRequest(old.root, None, trust=True)
    found: list[Any] = []
    survived = False
    while not survived:
        home = make_home(f"home-{len(found)}")
        store = open_store(home)
        dying = replace(store, client=DyingClient(store.client, allowed=len(found)))
        try:
            import_records(home, request, lambda dying=dying: dying, actor=TESTER)  # type: ignore[misc]
            survived = True
        except KeyboardInterrupt:
            import_records(home, request, lambda store=store: store, actor=named("importer"))  # type: ignore[misc]
        found.append(snapshot(MlflowClient(store.uri, store.uri)))
    assert len(found) > 12
    assert all(one == found[-1] for one in found)


class DyingClient:
    """MLflow's client, whose process is killed after so many requests that change something."""

    def __init__(self, client: Any, allowed: int) -> None:
        self._client = client
        self._left = allowed

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name.startswith(("get", "search", "list", "download")):
            return method

        def counted(*values: Any, **named: Any) -> Any:
            if self._left == 0:
                raise KeyboardInterrupt
            self._left -= 1
            return method(*values, **named)

        return counted


def test_what_cannot_be_read_is_told_and_stops_nothing(bring: Import, client: MlflowClient, old: OldStore) -> None:
    housing = old.root / "101"
    bad = {name: name * 16 for name in ("1f", "2f", "3f")}
    (housing / bad["1f"]).mkdir()
    write_bytes(housing / bad["2f"] / "meta.yaml", b"run_id: [unclosed")
    old.run(housing, bad["3f"], run_id="4f" * 16)
    write_texts(housing / FOREST / "metrics", {"mixed": "1700000000000 1.5 1\nnonsense\n1700000000000 x 2\n17 2.5 2\n"})
    write_bytes(housing / FOREST / "params" / "latin", b"caf\xe9")
    write_bytes(old.root / "404" / ("5f" * 16) / "meta.yaml", b"status: 3\nstart_time: soon\n")
    write_yaml(housing / FOREST / "inputs" / "lost" / "meta.yaml", {"source_id": "nowhere", "source_type": "DATASET"})
    report = bring()
    reasons = {problem.where.removeprefix(f"{old.root}/"): problem.reason for problem in report.problems}
    assert "not there" in reasons[f"101/{bad['1f']}/meta.yaml"]
    assert "no YAML" in reasons[f"101/{bad['2f']}/meta.yaml"]
    assert "another run" in reasons[f"101/{bad['3f']}/meta.yaml"]
    assert "nonsense" in reasons[f"101/{FOREST}/metrics/mixed:2"]
    assert "no line" in reasons[f"101/{FOREST}/metrics/mixed:3"]
    assert "UTF-8" in reasons[f"101/{FOREST}/params/latin"]
    assert "imported 404" in reasons["404/meta.yaml"]
    assert "start_time" in reasons[f"404/{'5f' * 16}/meta.yaml"]
    assert "not there" in reasons["101/datasets/nowhere/meta.yaml"]
    assert len(report.problems) == 9
    runs = runs_by_old_id(client)
    assert report.runs == len(runs) == 6
    mixed = client.get_metric_history(runs[FOREST].info.run_id, "mixed")
    assert sorted(point.value for point in mixed) == [1.5, 2.5]
    assert experiment_name(client, runs["5f" * 16]) == "imported 404"


def test_nothing_outside_of_the_folder_is_read(
    bring: Import, client: MlflowClient, old: OldStore, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("do not read me", encoding="utf-8")
    housing = old.root / "101"
    climbing = old.run(housing, "7a" * 16, artifact_uri=f"file://{old.root}/../../../secret.txt")
    linked = old.run(housing, "8a" * 16, params={"honest": "1"}, artifact_uri=f"file://{tmp_path}")
    (linked / "params" / "stolen").symlink_to(secret)
    (linked / "artifacts" / "stolen.txt").symlink_to(secret)
    (linked / "artifacts" / "all").symlink_to(tmp_path)
    (linked / "metrics").symlink_to(tmp_path)
    os.mkfifo(linked / "artifacts" / "pipe")
    (housing / ("9a" * 16)).symlink_to(climbing)
    (old.root / "505").symlink_to(housing)
    (climbing / "inputs" / "in").mkdir(parents=True)
    write_yaml(climbing / "inputs" / "in" / "meta.yaml", {"source_id": "../../../../..", "source_type": "DATASET"})
    old.version(MODEL, 1, f"runs:/{FOREST}/../../../../secret.txt", FOREST)
    old.version(MODEL, 2, f"file://{secret}", FOREST)
    report = bring(trust=True)
    told = {problem.where: problem.reason for problem in report.problems}
    for place in (linked / "params" / "stolen", linked / "artifacts" / "stolen.txt", linked / "artifacts" / "all"):
        assert "symbolic link" in told[str(place)]
    assert "symbolic link" in told[str(linked / "metrics")]
    assert "symbolic link" in told[str(old.root / "505")]
    assert "symbolic link" in told[str(housing / ("9a" * 16))]
    assert "neither a file nor a folder" in told[str(linked / "artifacts" / "pipe")]
    assert "leads out" in told[str(climbing)]
    assert "outside" in told[str(linked)]
    assert "names no dataset" in told[str(climbing / "inputs" / "in")]
    assert "leads out" in told[f"version 1 of {MODEL}"]
    assert "outside" in told[f"version 2 of {MODEL}"]
    runs = runs_by_old_id(client)
    assert "9a" * 16 not in runs
    assert runs["8a" * 16].data.params == {"honest": "1"}
    everything = json.dumps([run.to_dictionary() for run in runs.values()])
    assert "do not read me" not in everything
    assert [client.list_artifacts(runs[name * 16].info.run_id) for name in ("7a", "8a")] == [[], []]
    assert report.versions == 0


def test_a_value_longer_than_mlflow_holds_is_cut_and_said_to_be(
    bring: Import, client: MlflowClient, old: OldStore
) -> None:
    old.run(old.root / "101", "7a" * 16, params={"long": "é" * 1_000_000}, tags={"long": "x" * 1_000_000})
    report = bring()
    run = runs_by_old_id(client)["7a" * 16]
    assert run.data.params["long"] == "é" * 6_000
    assert run.data.tags["long"] == "x" * 8_000
    assert sorted("2,000,000" in problem.reason for problem in report.problems) == [False, True]


def test_what_mlflow_refuses_is_told_one_by_one(bring: Import, client: MlflowClient, old: OldStore) -> None:
    params = {f"fine{number}": str(number) for number in range(150)}
    old.run(old.root / "101", "7a" * 16, params={**params, "odd?name": "1", "n" * 251: "1"})
    report = bring()
    assert runs_by_old_id(client)["7a" * 16].data.params == params
    assert len(report.problems) == 2
    assert all("MLflow refused it" in problem.reason for problem in report.problems)


def test_yaml_that_would_build_objects_or_never_end_is_refused(bring: Import, old: OldStore, tmp_path: Path) -> None:
    housing, mark = old.root / "101", tmp_path / "mark"
    hostile = {
        "1b": f"!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path [{mark}]]".encode(),
        "2b": b"[" * 50_000,
        "3b": b"run_id: " + b"x" * 21_000_000,
        "4b": b"- a\n- b\n",
    }
    for name, content in hostile.items():
        write_bytes(housing / (name * 16) / "meta.yaml", content)
    report = bring()
    assert report.runs == 5
    assert len(report.problems) == len(hostile)
    assert not mark.exists()


def test_model_files_wait_for_trust_and_are_listed_with_their_digest(
    bring: Import, client: MlflowClient, old: OldStore, tmp_path: Path
) -> None:
    pickled, mark = booby_trap(tmp_path)
    old.run(old.root / "101", "7a" * 16, files={**model_files(pickled), "scaler.joblib": pickled, "notes.txt": b"fine"})
    old.run(old.root / "101", "7b" * 16, files={"hidden.dat": pickled, "table.csv.gz": b"\x1f\x8b"})
    old.version(MODEL, 1, f"file:///home/old/project/logs/mlruns/101/{'7a' * 16}/artifacts/model", "7a" * 16)
    first = bring()
    digest = hashlib.sha256(pickled).hexdigest()
    home = old.root / "101"
    assert {(one.path, one.sha256) for one in first.left_out} == {
        (str(home / ("7a" * 16) / "artifacts" / "model" / "model.pkl"), digest),
        (str(home / ("7a" * 16) / "artifacts" / "scaler.joblib"), digest),
        (str(home / ("7b" * 16) / "artifacts" / "hidden.dat"), digest),
    }
    assert files_of(client, "7a" * 16) == ["notes.txt"]
    assert files_of(client, "7b" * 16) == ["table.csv.gz"]
    assert (first.versions, client.search_model_versions(f"name = '{MODEL}'")) == (0, [])
    again = bring()
    assert again.left_out == first.left_out

    trusted = bring(trust=True)
    assert (trusted.runs, trusted.completed, trusted.versions, trusted.left_out) == (0, 2, 1, ())
    assert files_of(client, "7a" * 16) == [
        "model/MLmodel",
        "model/model.pkl",
        "model/requirements.txt",
        "notes.txt",
        "scaler.joblib",
    ]
    assert files_of(client, "7b" * 16) == ["hidden.dat", "table.csv.gz"]
    (version,) = client.search_model_versions(f"name = '{MODEL}'")
    assert version.tags["model.sha256"] == digest
    assert not mark.exists()
    last = bring(trust=True)
    assert (last.completed, last.versions, last.known_versions, last.files) == (0, 0, 1, 0)


def test_a_trusted_version_keeps_what_its_record_said_and_loads_by_its_digest(
    bring: Import, client: MlflowClient, old: OldStore, connect: Connect
) -> None:
    model = LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])
    old.run(old.root / "101", "7a" * 16, files=model_files(pickle.dumps(model)))
    place = old.version(
        MODEL, 3, f"runs:/{'7a' * 16}/model", "7a" * 16, current_stage="Production", description="the good one"
    )
    write_texts(place / "tags", {"approved": "yes"})
    write_texts(old.root / "models" / MODEL / "aliases", {"champion": "3"})
    old.version("other", 1, f"runs:/{'7a' * 16}/model", "7a" * 16)
    write_texts(old.root / "models" / "other" / "aliases", {"best": "1"})
    assert bring(trust=True).versions == 2
    (version,) = client.search_model_versions(f"name = '{MODEL}'")
    assert version.description == "the good one"
    assert version.tags["approved"] == "yes"
    assert version.tags["import.stage"] == "Production"
    assert version.tags["import.aliases"] == "champion"
    assert version.tags["import.created"].startswith("2023-11-14T22:14:50")
    assert client.get_run(version.run_id).data.tags["import.run_id"] == "7a" * 16
    store = connect()
    loaded = load_version(store, get_version(store, str(version.version)))
    np.testing.assert_allclose(loaded.predict([[2.0]]), [5.0])
    assert str(client.get_model_version_by_alias("other", "best").version) == "1"
    # What serves is decided by promotion alone.
    assert client.get_registered_model(MODEL).aliases == {}


def test_an_imported_version_prices_only_once_it_is_promoted(
    bring: Import, old: OldStore, lab_home: Settings, connect: Connect
) -> None:
    old.run(old.root / "101", "7a" * 16, files=model_files(pickle.dumps(LinearRegression())))
    old.version(MODEL, 1, f"runs:/{'7a' * 16}/model", "7a" * 16)
    trained = train_now(lab_home, ridge(), connect)
    assert bring(trust=True).versions == 1
    newest = champion_or_newest(connect())
    assert newest is not None
    assert newest.version == trained.version


OLD_REGISTRY = {
    "models": [
        {
            "version": "v_20240105_101500",
            "model_path": "models/saved_models/model_random_forest.joblib",
            "metrics": {"rmse": 48_677.0, "r2_score": 0.8192},
            "params": {"n_estimators": 150},
            "created": "2024-01-05T10:15:00",
            "stage": "production",
        },
        {"version": "v_20240106_101500", "model_path": "/etc/passwd", "metrics": {"rmse": 1, "note": "odd"}},
        {"version": "v_20240107_101500", "model_path": "../../../secret.joblib", "metrics": {"rmse": 2}},
    ]
}


def test_an_old_registry_comes_in_with_its_metrics_times_and_models(
    bring: Import, client: MlflowClient, lab_home: Settings, connect: Connect, tmp_path: Path
) -> None:
    project = tmp_path / "old-project"
    write_bytes(project / "models" / "saved_models" / "model_random_forest.joblib", pickle.dumps(LinearRegression()))
    (tmp_path / "secret.joblib").write_bytes(b"\x80\x04N.")
    registry = project / "models" / "model_registry" / "registry.json"
    write_bytes(registry, json.dumps(OLD_REGISTRY).encode())
    train_now(lab_home, ridge(), connect)

    first = bring(None, registry)
    assert (first.runs, first.versions, len(first.left_out)) == (3, 0, 1)
    reasons = {problem.where.rpartition(": ")[2] or problem.where: problem.reason for problem in first.problems}
    assert "no number" in reasons["v_20240106_101500, metrics.note"]
    assert "leads out" in reasons["v_20240107_101500 of registry.json"]
    assert "not there" in reasons["v_20240106_101500 of registry.json"]
    run = runs_by_old_id(client)["registry v_20240105_101500"]
    assert (run.info.run_name, run.info.status) == ("v_20240105_101500", "FINISHED")
    assert run.data.metrics == {"rmse": 48_677.0, "r2_score": 0.8192}
    assert run.data.params == {"n_estimators": "150"}
    assert run.info.start_time == 1_704_449_700_000

    trusted = bring(None, registry, trust=True)
    assert (trusted.runs, trusted.versions, trusted.left_out) == (0, 1, ())
    version = client.get_model_version(MODEL, "2")
    assert version.tags["import.stage"] == "production"
    entries = ModelRegistry(lab_home).list_models()
    assert [entry.mlflow_version for entry in entries] == ["2", "1"]
    assert (entries[0].version, entries[0].created[:16]) == ("v_20240105_101500", "2024-01-05T10:15")
    assert entries[0].metrics["rmse"] == 48_677.0
    findings = {finding.name: finding for finding in examine(lab_home, connect)}
    assert findings["registries"].ok, findings["registries"]
    again = bring(None, registry, trust=True)
    assert (again.runs, again.versions, again.known_versions) == (0, 0, 1)


def test_a_registry_s_entry_finds_the_run_it_names(bring: Import, client: MlflowClient, tmp_path: Path) -> None:
    registry = tmp_path / "plain" / "registry.json"
    write_bytes(tmp_path / "plain" / "m.joblib", pickle.dumps(LinearRegression()))
    write_bytes(
        registry,
        json.dumps(
            {"v1": {"path": "m.joblib", "run_id": FOREST, "metrics": {"rmse": 1.0}}, "production": "v1"}
        ).encode(),
    )
    report = bring(registry=registry, trust=True)
    assert (report.runs, report.versions) == (5, 1)
    (version,) = client.search_model_versions(f"name = '{MODEL}'")
    assert version.run_id == runs_by_old_id(client)[FOREST].info.run_id
    assert version.tags["import.stage"] == "production"


def test_a_model_that_is_not_the_recorded_one_stays_out(bring: Import, client: MlflowClient, tmp_path: Path) -> None:
    registry = tmp_path / "plain" / "registry.json"
    write_bytes(tmp_path / "plain" / "m.joblib", b"\x80\x04N.")
    write_bytes(registry, json.dumps([{"version": "v1", "model_path": "m.joblib", "sha256": "0" * 64}]).encode())
    report = bring(None, registry, trust=True)
    assert report.versions == 0
    (problem,) = report.problems
    assert "SHA-256" in problem.reason
    assert client.search_model_versions(f"name = '{MODEL}'") == []


@pytest.mark.parametrize("content", [b"", b"{}", b"[1, 2]", b"not json", b"[" * 100_000, b'{"models": []}', b"\xff"])
def test_a_file_that_is_no_registry_is_refused_before_anything_is_written(
    bring: Import, client: MlflowClient, tmp_path: Path, content: bytes
) -> None:
    registry = tmp_path / "registry.json"
    registry.write_bytes(content)
    with pytest.raises(UnreadableRecord):
        bring(registry=registry)
    assert runs_by_old_id(client) == {}


def test_a_folder_without_a_file_store_is_refused(bring: Import, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "gone"):
        with pytest.raises(NotFound):
            bring(path)


def test_the_lab_s_own_folder_may_hold_the_old_store(bring: Import, lab_home: Settings, client: MlflowClient) -> None:
    beside = OldStore(lab_home.paths.mlruns)
    beside.run(beside.experiment("7", OURS), "7a" * 16, files={"a.txt": b"a"})
    for expected in (1, 0):
        assert bring(lab_home.paths.mlruns).runs == expected
    assert files_of(client, "7a" * 16) == ["a.txt"]


def test_two_imports_at_a_time_are_one_too_many(bring: Import, lab_home: Settings) -> None:
    lab_home.paths.locks.mkdir(parents=True, exist_ok=True)
    with FileLock(lab_home.paths.locks / "import.lock"), pytest.raises(RecordsError, match="under way"):
        bring()


class _Trap:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


def booby_trap(folder: Path) -> tuple[bytes, Path]:
    """A pickle that leaves a file behind when it is read, and that file."""
    mark = folder / "unpickled"
    return pickle.dumps(_Trap(mark)), mark


def runs_by_old_id(client: MlflowClient) -> dict[str, Any]:
    from mlflow.entities import ViewType

    experiments = [one.experiment_id for one in client.search_experiments(ViewType.ALL)]
    runs = client.search_runs(experiments, run_view_type=ViewType.ALL)
    return {run.data.tags["import.run_id"]: run for run in runs if "import.run_id" in run.data.tags}


def experiment_name(client: MlflowClient, run: Any) -> str:
    return str(client.get_experiment(run.info.experiment_id).name)


def files_of(client: MlflowClient, old_id: str) -> list[str]:
    return _files(client, runs_by_old_id(client)[old_id].info.run_id)


def _files(client: MlflowClient, run_id: str, place: str | None = None) -> list[str]:
    found: list[str] = []
    for file in client.list_artifacts(run_id, place):
        found += _files(client, run_id, file.path) if file.is_dir else [file.path]
    return sorted(found)


def snapshot(client: MlflowClient) -> dict[str, Any]:
    """Everything an import leaves, without the ids that MLflow draws."""
    found: dict[str, Any] = {}
    for old_id, run in runs_by_old_id(client).items():
        info = run.info
        metrics = {key: sorted(map(_point, client.get_metric_history(info.run_id, key))) for key in run.data.metrics}
        about = (info.run_name, info.status, info.start_time, info.end_time, info.lifecycle_stage)
        inputs = sorted(one.dataset.digest for one in run.inputs.dataset_inputs)
        found[old_id] = (about, run.data.params, metrics, run.data.tags, inputs, _files(client, info.run_id))
    for version in client.search_model_versions():
        found[f"{version.name} {version.version}"] = dict(version.tags)
    return found


def _point(metric: Any) -> tuple[int, str, int]:
    return metric.timestamp, repr(metric.value), metric.step
