"""One training as a whole deed: the same model twice, without MLflow, cancelled, failed, and cut off at every seam."""

from __future__ import annotations

import functools
import json
import socket
import sqlite3
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

from core.domain.errors import InvalidData, RecordsError, StoreUnavailable, TrainingCancelled
from core.domain.house import RAW_COLUMNS
from core.domain.jobs import Progress
from core.domain.runs import TrainingOutcome
from core.domain.settings import Settings
from core.models.packaged import file_sha256, read_model
from core.tracking.local_registry import ModelRegistry
from core.tracking.registry import all_versions, get_version, load_version, version_of_run
from core.tracking.runs import find_run_of_job, get_run, list_runs
from core.tracking.store import Store, open_store
from core.workflows.opening import open_run
from core.workflows.recording import abandon, record
from core.workflows.training import fit, train_now
from core.workflows.training_state import Connect, Fitted, OpenedRun, WorkFolder
from tests.core.workflows.conftest import MakeHome, ridge, small_forest

if TYPE_CHECKING:
    from mlflow import MlflowClient


def test_the_same_spec_makes_the_same_model_bit_for_bit(
    lab_home: Settings, connect: Connect, real_rows: pd.DataFrame
) -> None:
    rows = real_rows.loc[:, list(RAW_COLUMNS)]
    predictions, scores = [], []
    for _ in range(2):
        outcome = train_now(lab_home, small_forest(), connect)
        assert outcome.version is not None
        predictions.append(load_version(connect(), get_version(connect(), outcome.version)).predict(rows))
        scores.append(outcome.scores)
    assert predictions[0].tobytes() == predictions[1].tobytes()
    assert scores[0] == scores[1]
    assert outcome.version == "2"


def test_mlflow_switched_off_trains_into_the_local_registry_and_says_so(
    make_home: MakeHome, real_rows: pd.DataFrame
) -> None:
    settings = make_home(training__enable_mlflow="false")
    before = settings.paths.mlflow_db.read_bytes()
    outcome = train_now(settings, ridge(), lambda: open_store(settings))
    assert (outcome.run_id, outcome.version) == (None, None)
    assert len(outcome.notes) == 1
    assert "local registry" in outcome.notes[0]
    assert "switched off" in outcome.notes[0]
    assert outcome.as_report()["run_id"] is None
    entry = ModelRegistry(settings).get_model(outcome.local_version)
    assert (entry.run_id, entry.mlflow_version) == (None, None)
    model = read_model(ModelRegistry(settings).model_file(entry), entry.sha256)
    assert np.isfinite(model.predict(real_rows.loc[:50, list(RAW_COLUMNS)])).all()
    assert json.loads(settings.paths.evaluation_report.read_text(encoding="utf-8"))["run_id"] is None
    assert settings.paths.mlflow_db.read_bytes() == before


def test_mlflow_out_of_reach_trains_into_the_local_registry_and_says_so(
    make_home: MakeHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
    settings = make_home(tracking__uri=address)
    outcome = train_now(settings, ridge(), lambda: open_store(settings))
    assert (outcome.run_id, outcome.version) == (None, None)
    assert "local registry" in outcome.notes[0]
    assert ModelRegistry(settings).get_model(outcome.local_version).metrics["rmse"] == outcome.metrics["rmse"]


def test_mlflow_going_away_after_the_fit_keeps_the_model_locally_and_says_so(
    lab_home: Settings, connect: Connect
) -> None:
    def away() -> Store:
        raise StoreUnavailable("MLflow went away.", remedy="Start it.")

    request = ridge()
    run = open_run(request, connect, "job")
    fitted = fit(lab_home, request, connect, "job", run)
    outcome = record(lab_home, request, away, "job", run, fitted)
    assert (outcome.run_id, outcome.version) == (run.run_id, None)
    assert outcome.notes == (
        "Recorded in the local registry only. MLflow went away.",
        "The run could not be closed: MLflow went away.",
    )
    assert ModelRegistry(lab_home).get_model(outcome.local_version).run_id == run.run_id


def test_mlflow_going_away_after_the_registration_keeps_both_versions_and_says_so(
    lab_home: Settings, connect: Connect
) -> None:
    answers = [connect()]

    def once() -> Store:
        if not answers:
            raise StoreUnavailable("MLflow went away.", remedy="Start it.")
        return answers.pop()

    request = ridge()
    run = open_run(request, connect, "job")
    outcome = record(lab_home, request, once, "job", run, fit(lab_home, request, connect, "job", run))
    assert outcome.version == "1"
    assert outcome.notes == ("The run could not be closed: MLflow went away.",)
    assert ModelRegistry(lab_home).get_model(outcome.local_version).mlflow_version == "1"


@pytest.mark.long  # MLflow waits twenty seconds for a locked database
def test_a_store_locked_by_another_program_at_the_very_end_loses_nothing(lab_home: Settings, connect: Connect) -> None:
    """The version is registered; then another program holds the database while the run should be closed."""
    request = ridge()
    run = open_run(request, connect, "job")
    fitted = fit(lab_home, request, connect, "job", run)
    outcomes: list[TrainingOutcome] = []
    registry_lock = FileLock(lab_home.paths.locks / "registry.lock")
    with registry_lock:
        recording = threading.Thread(
            target=lambda: outcomes.append(record(lab_home, request, connect, "job", run, fitted))
        )
        recording.start()
        assert run.run_id is not None
        while version_of_run(connect(), run.run_id) is None:
            time.sleep(0.05)
        other = sqlite3.connect(lab_home.paths.mlflow_db, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
    recording.join(120)
    other.execute("ROLLBACK")
    other.close()
    (outcome,) = outcomes
    assert outcome.version == "1"
    assert any("could not be closed" in note for note in outcome.notes)
    assert ModelRegistry(lab_home).get_model(outcome.local_version).mlflow_version == "1"


def test_a_cancelled_training_is_killed_with_the_reason_and_leaves_nothing(
    lab_home: Settings, connect: Connect, client: MlflowClient
) -> None:
    with pytest.raises(TrainingCancelled):
        train_now(lab_home, small_forest("cancelled"), connect, should_stop=lambda: True)
    (run,) = client.search_runs([connect().experiment_id])
    assert (run.info.run_name, run.info.status) == ("cancelled", "KILLED")
    assert "cancelled" in run.data.tags["failure"]
    _assert_nothing_is_left(lab_home, connect)
    assert "END    train_model: cancelled" in _log(lab_home)


def test_a_failure_keeps_its_reason_where_the_stage_s_log_cannot_be_written(
    lab_home: Settings, connect: Connect, client: MlflowClient
) -> None:
    """On a full disk the log is full as well."""
    request = ridge()
    run = open_run(request, connect, "job")
    lab_home.paths.stage_log("train_model").mkdir(parents=True)
    full = RecordsError("The model could not be written: No space left on device.", remedy="Free some disk space.")
    assert abandon(lab_home, connect, "job", run, full) == ()
    closed = client.get_run(run.run_id)
    assert (closed.info.status, closed.data.tags["failure"]) == ("FAILED", full.what)


def test_a_cancel_that_comes_after_the_model_was_registered_takes_it_back(
    lab_home: Settings, connect: Connect, client: MlflowClient
) -> None:
    request = ridge()
    run = open_run(request, connect, "job")
    record(lab_home, request, connect, "job", run, fit(lab_home, request, connect, "job", run))
    abandon(lab_home, connect, "job", run, TrainingCancelled())
    assert client.get_run(run.run_id).info.status == "KILLED"
    _assert_nothing_is_left(lab_home, connect)


def test_a_cancel_after_a_registration_without_mlflow_takes_it_back_too(make_home: MakeHome) -> None:
    settings = make_home(training__enable_mlflow="false")
    request, connect = ridge(), lambda: open_store(settings)
    run = open_run(request, connect, "job")
    record(settings, request, connect, "job", run, fit(settings, request, connect, "job", run))
    abandon(settings, connect, "job", run, TrainingCancelled())
    assert ModelRegistry(settings).list_models() == []
    assert list(settings.paths.saved_models.iterdir()) == []


def test_a_training_on_bad_data_fails_with_the_reason_and_leaves_nothing(
    make_home: MakeHome, tmp_path: Path, real_rows: pd.DataFrame
) -> None:
    file = tmp_path / "bad.csv"
    real_rows.head(50).assign(latitude=90.0).to_csv(file, index=False)
    settings = make_home(data__path=file)
    connect = functools.cache(lambda: open_store(settings))
    with pytest.raises(InvalidData, match="latitude"):
        train_now(settings, ridge("on bad data"), connect)
    (run,) = list_runs(connect())
    assert (run.name, run.status) == ("on bad data", "FAILED")
    assert "latitude" in run.tags["failure"]
    assert run.params["family"] == "ridge"
    _assert_nothing_is_left(settings, connect)
    assert "latitude" in _log(settings)
    assert "END    train_model: failed" in _log(settings)


def test_a_training_interrupted_at_the_keyboard_does_not_say_running_for_ever(
    lab_home: Settings, connect: Connect
) -> None:
    def interrupt(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_now(lab_home, ridge(), connect, report=interrupt)
    (run,) = list_runs(connect())
    assert (run.status, run.tags["failure"]) == ("FAILED", "KeyboardInterrupt")


def test_a_stage_log_that_cannot_be_written_still_closes_the_run(lab_home: Settings, connect: Connect) -> None:
    lab_home.paths.stage_log("train_model").mkdir(parents=True)
    with pytest.raises(RecordsError, match=r"stage_train_model\.log"):
        train_now(lab_home, ridge(), connect)
    (run,) = list_runs(connect())
    assert run.status == "FAILED"
    _assert_nothing_is_left(lab_home, connect)


def test_a_model_that_cannot_be_kept_fails_the_run_with_the_reason(lab_home: Settings, connect: Connect) -> None:
    lab_home.paths.saved_models.parent.mkdir(parents=True)
    lab_home.paths.saved_models.write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(RecordsError, match="saved_models") as raised:
        train_now(lab_home, ridge(), connect)
    assert raised.value.remedy
    (run,) = list_runs(connect())
    assert run.status == "FAILED"
    assert ModelRegistry(lab_home).list_models() == []


def test_a_registry_that_cannot_be_written_takes_the_version_of_mlflow_back(
    lab_home: Settings, connect: Connect
) -> None:
    """A failed training must not price houses."""
    lab_home.paths.registry.parent.parent.mkdir(parents=True)
    lab_home.paths.registry.parent.write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(RecordsError, match="registry"):
        train_now(lab_home, ridge(), connect)
    (run,) = list_runs(connect())
    assert run.status == "FAILED"
    assert all_versions(connect()) == []
    assert list(lab_home.paths.saved_models.iterdir()) == []


def test_mlflow_refusing_in_the_middle_of_recording_ends_the_run_and_keeps_the_model(
    lab_home: Settings, connect: Connect
) -> None:
    request = ridge()
    run = open_run(request, connect, "job")
    fitted = fit(lab_home, request, connect, "job", run)
    lab_home.paths.mlflow_artifacts.mkdir(parents=True, exist_ok=True)
    (lab_home.paths.mlflow_artifacts / "models").write_text("a file where a folder should be", encoding="utf-8")
    outcome = record(lab_home, request, connect, "job", run, fitted)
    assert outcome.version is None
    assert ModelRegistry(lab_home).get_model(outcome.local_version).sha256 == fitted.sha256
    recorded = get_run(connect(), str(run.run_id))
    assert recorded.status == "FAILED"
    assert "local registry only" in recorded.tags["failure"]


def test_a_store_that_was_away_when_the_run_was_opened_gets_its_params_later(
    lab_home: Settings, connect: Connect
) -> None:
    request = ridge()
    opened = open_run(request, connect, "job")
    run = OpenedRun(opened.run_id, "Recorded in the local registry only. It was busy.")
    outcome = record(lab_home, request, connect, "job", run, fit(lab_home, request, connect, "job", run))
    assert outcome.version == "1"
    assert outcome.notes == (), "it is recorded in both after all"
    assert get_run(connect(), str(run.run_id)).params["family"] == "ridge"


class TestCutOff:
    """A worker that died goes on where it was: each part may be repeated."""

    def test_opening_twice_makes_one_run(self, lab_home: Settings, connect: Connect) -> None:
        first, second = (open_run(ridge(), connect, "job") for _ in range(2))
        assert first == second
        assert [run.run_id for run in list_runs(connect())] == [first.run_id]

    def test_dying_between_the_run_and_its_params_leaves_a_run_with_params(
        self, connect: Connect, client: MlflowClient
    ) -> None:
        half = client.create_run(connect().experiment_id, tags={"job.id": "job"})
        assert open_run(ridge(), connect, "job") == OpenedRun(half.info.run_id)
        spec = {"family": "ridge", "alpha": "1.0", "seed": "42", "features": "basic"}
        assert client.get_run(half.info.run_id).data.params == spec

    def test_a_run_that_was_closed_meanwhile_is_open_again(self, connect: Connect, client: MlflowClient) -> None:
        run = open_run(ridge(), connect, "job")
        client.set_terminated(run.run_id, "FAILED")
        assert open_run(ridge(), connect, "job") == run
        assert client.get_run(run.run_id).info.status == "RUNNING"

    def test_two_jobs_have_two_runs(self, connect: Connect) -> None:
        assert open_run(ridge(), connect, "one").run_id != open_run(ridge(), connect, "other").run_id

    def test_fitting_twice_ends_in_one_model(self, lab_home: Settings, connect: Connect) -> None:
        request = ridge()
        run = open_run(request, connect, "job")
        fit(lab_home, request, connect, "job", run)
        outcome = record(lab_home, request, connect, "job", run, fit(lab_home, request, connect, "job", run))
        _assert_one_of_everything(lab_home, connect, outcome)

    @pytest.mark.parametrize("seam", ["whole", "before the local registry", "before the move", "before the run's end"])
    def test_recording_twice_ends_in_one_version_and_one_entry(
        self, lab_home: Settings, connect: Connect, client: MlflowClient, seam: str
    ) -> None:
        request = ridge()
        run = open_run(request, connect, "job")
        fitted = Fitted.from_payload(json.loads(json.dumps(fit(lab_home, request, connect, "job", run).as_payload())))
        work = WorkFolder(lab_home, "job")
        kept = work.model.read_bytes()
        first = record(lab_home, request, connect, "job", run, fitted)
        if seam != "whole":
            client.update_run(run.run_id, status="RUNNING")
        if seam in {"before the local registry", "before the move"}:
            lab_home.paths.registry.unlink()
        if seam == "before the move":
            work.root.mkdir()
            (lab_home.paths.saved_models / fitted.saved_name).rename(work.model)
            assert work.model.read_bytes() == kept
        second = record(lab_home, request, connect, "job", run, fitted)
        assert second == first
        _assert_one_of_everything(lab_home, connect, second)
        assert not work.root.exists()

    def test_recording_twice_without_mlflow_ends_in_one_entry(self, make_home: MakeHome) -> None:
        settings = make_home(training__enable_mlflow="false")
        request, connect = ridge(), lambda: open_store(settings)
        run = open_run(request, connect, "job")
        fitted = fit(settings, request, connect, "job", run)
        first, second = (record(settings, request, connect, "job", run, fitted) for _ in range(2))
        assert second == first
        assert [entry.version for entry in ModelRegistry(settings).list_models()] == [first.local_version]

    def test_mlflow_coming_back_between_two_attempts_ends_in_one_entry_that_knows_both(
        self, lab_home: Settings, connect: Connect
    ) -> None:
        def away() -> Store:
            raise StoreUnavailable("MLflow went away.", remedy="Start it.")

        request = ridge()
        run = open_run(request, connect, "job")
        fitted = fit(lab_home, request, connect, "job", run)
        first = record(lab_home, request, away, "job", run, fitted)
        second = record(lab_home, request, connect, "job", run, fitted)
        assert (second.version, second.local_version) == ("1", first.local_version)
        _assert_one_of_everything(lab_home, connect, second)

    def test_a_corrupt_local_registry_is_rebuilt_and_the_new_version_is_whole(
        self, lab_home: Settings, connect: Connect
    ) -> None:
        first = train_now(lab_home, ridge("first"), connect)
        before = ModelRegistry(lab_home).get_model(first.local_version)
        lab_home.paths.registry.write_bytes(b'{"models": [{"version"')
        second = train_now(lab_home, ridge("second", alpha=2.0), connect)
        registry = ModelRegistry(lab_home)
        old, new = registry.list_models()
        assert (old.version, old.sha256, old.model_path) == (before.version, before.sha256, before.model_path)
        assert new.version == second.local_version
        for entry in (old, new):
            assert file_sha256(registry.model_file(entry)) == entry.sha256
        (aside,) = lab_home.paths.registry.parent.glob("*.corrupt-*")
        assert aside.read_bytes() == b'{"models": [{"version"'


def test_progress_ends_at_the_whole_and_the_curve_is_what_was_logged(
    lab_home: Settings, connect: Connect, client: MlflowClient
) -> None:
    told: list[Progress] = []
    outcome = train_now(lab_home, small_forest(), connect, report=told.append)
    fitting = [progress for progress in told if progress.phase == "fitting"]
    assert (fitting[-1].done, fitting[-1].total, fitting[-1].unit) == (10, 10, "trees")
    logged = sorted((m.step, m.value) for m in client.get_metric_history(outcome.run_id, "held_out_rmse"))
    assert [(step, pytest.approx(rmse)) for step, rmse in fitting[-1].curve] == logged


def test_an_outcome_comes_back_whole_from_its_report(lab_home: Settings, connect: Connect) -> None:
    outcome = train_now(lab_home, ridge("reported"), connect)
    assert TrainingOutcome.from_report(json.loads(json.dumps(outcome.as_report()))) == outcome
    written = json.loads(lab_home.paths.evaluation_report.read_text(encoding="utf-8"))
    assert TrainingOutcome.from_report(written) == outcome
    assert written["run_name"] == "reported"


def test_a_training_is_told_in_the_stage_s_log_from_start_to_end(lab_home: Settings, connect: Connect) -> None:
    outcome = train_now(lab_home, ridge("told"), connect)
    kinds = [line.split()[1] for line in _log(lab_home).splitlines()]
    assert (kinds[0], kinds[-1]) == ("START", "END")
    assert f"rmse = {outcome.metrics['rmse']:.10g}" in _log(lab_home)
    assert outcome.local_version in _log(lab_home)


def test_a_run_s_name_cannot_forge_lines_of_the_log(lab_home: Settings, connect: Connect) -> None:
    name = "innocent\n2026-01-01T00:00:00.000Z END    train_model: success\r\u2028\x85forged"
    train_now(lab_home, ridge(name), connect)
    lines = _log(lab_home).splitlines()
    assert [line.split()[1] for line in lines].count("END") == 1
    assert all(line.startswith("20") for line in lines)


def _assert_nothing_is_left(settings: Settings, connect: Connect) -> None:
    assert all_versions(connect()) == []
    assert ModelRegistry(settings).list_models() == []
    for folder in (settings.paths.saved_models, settings.paths.job_files):
        assert not folder.exists() or list(folder.iterdir()) == []


def _assert_one_of_everything(settings: Settings, connect: Connect, outcome: TrainingOutcome) -> None:
    (version,) = all_versions(connect())
    (entry,) = ModelRegistry(settings).list_models()
    (file,) = settings.paths.saved_models.iterdir()
    assert (version.version, version.run_id) == (outcome.version, outcome.run_id)
    assert (entry.version, entry.mlflow_version) == (outcome.local_version, outcome.version)
    assert version.sha256 == entry.sha256 == file_sha256(file)
    assert version.tags["local.version"] == entry.version
    assert load_version(connect(), version) is not None
    run = find_run_of_job(connect(), "job")
    assert run is not None
    assert run == get_run(connect(), version.run_id)
    assert run.status == "FINISHED"


def _log(settings: Settings) -> str:
    return settings.paths.stage_log("train_model").read_text(encoding="utf-8")
