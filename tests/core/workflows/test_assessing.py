"""Measuring a version's range: what it leaves in every record, the same twice, and what it refuses."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from core.domain.errors import (
    AssessmentCancelled,
    InvalidData,
    InvalidSettings,
    NotFound,
    RecordsError,
    StoreUnavailable,
)
from core.domain.jobs import Progress
from core.domain.provenance import INTERVALS_TAG
from core.domain.runs import TrainingOutcome
from core.domain.settings import Settings
from core.tracking.intervals import read_intervals, read_local_intervals
from core.tracking.local_registry import ModelRegistry, open_registry
from core.tracking.registry import get_version, set_alias, withdraw_version
from core.tracking.run_files import list_files, read_file
from core.tracking.runs import get_run
from core.tracking.store import Store, open_store
from core.workflows.assessing import STAGE, assess
from core.workflows.restoring import restore
from core.workflows.training import train_now
from core.workflows.training_state import Connect
from tests.actors import TESTER
from tests.core.workflows.conftest import MakeHome, ridge, small_forest

FIGURES = {"coverage", "coverage_80", "interval_width", "out_of_fold_rmse"}
TWO_PARTS = {"evaluation__range_folds": "2"}


@pytest.fixture
def home(make_home: MakeHome) -> Settings:
    return make_home(**TWO_PARTS)


@pytest.fixture
def connect(home: Settings) -> Connect:
    store = open_store(home)
    return lambda: store


@pytest.fixture
def bare(home: Settings, connect: Connect) -> TrainingOutcome:
    """A version without a range."""
    return train_now(without_ranges(home), ridge("bare"), connect)


def without_ranges(settings: Settings) -> Settings:
    return settings.model_copy(update={"evaluation": settings.evaluation.model_copy(update={"range_folds": 0})})


def document(store: Store, run_id: str | None) -> bytes:
    return read_file(store, str(run_id), "intervals.json")


def range_files(settings: Settings) -> list[Path]:
    return list(settings.paths.saved_models.glob("*.intervals.json"))


def test_a_training_in_this_process_has_its_range_in_every_record(home: Settings, connect: Connect) -> None:
    outcome = train_now(home, ridge("ranged"), connect)
    assert set(outcome.metrics) >= FIGURES
    assert not outcome.notes
    figures = {name: outcome.metrics[name] for name in FIGURES}
    store = connect()
    run = get_run(store, str(outcome.run_id))
    assert run.status == "FINISHED"
    assert {name: run.metrics[name] for name in FIGURES} == pytest.approx(figures)
    assert {"intervals.json", "out_of_fold.parquet", "predictions.parquet"} <= {
        file.path for file in list_files(store, run.run_id)
    }
    content = document(store, outcome.run_id)
    version = get_version(store, str(outcome.version))
    (entry,) = ModelRegistry(home).read_file()
    assert version.tags[INTERVALS_TAG] == entry.intervals_sha256 == hashlib.sha256(content).hexdigest()
    (beside,) = range_files(home)
    assert beside.read_bytes() == content
    assert beside.name == Path(entry.model_path).stem + ".intervals.json"
    assert {name: entry.metrics[name] for name in FIGURES} == figures
    assert json.loads(home.paths.evaluation_report.read_text())["metrics"] == pytest.approx(outcome.metrics)
    found, local = read_intervals(store, version), read_local_intervals(ModelRegistry(home), entry)
    assert found is not None
    assert local is not None
    assert found.as_document() == local.as_document()
    assert (found.coverage_90, found.mean_width_90) == (figures["coverage"], figures["interval_width"])
    assert not list(home.paths.job_files.glob("*")), "the work folder is gone"


def test_measured_again_it_writes_the_same(home: Settings, connect: Connect, bare: TrainingOutcome) -> None:
    first = assess(home, connect, str(bare.version))
    kept = document(connect(), bare.run_id), range_files(home)[0].read_bytes(), ModelRegistry(home).read_file()
    second = assess(home, connect, str(bare.version))
    assert (first.sha256, first.metrics) == (second.sha256, second.metrics)
    assert (
        document(connect(), bare.run_id),
        range_files(home)[0].read_bytes(),
        ModelRegistry(home).read_file(),
    ) == kept
    assert get_version(connect(), str(bare.version)).tags[INTERVALS_TAG] == first.sha256
    assert [file.path for file in list_files(connect(), str(bare.run_id))].count("intervals.json") == 1


def test_measured_in_more_parts_it_replaces_what_was_recorded(
    home: Settings, connect: Connect, bare: TrainingOutcome
) -> None:
    first = assess(home, connect, str(bare.version))
    more = home.model_copy(update={"evaluation": home.evaluation.model_copy(update={"range_folds": 4})})
    second = assess(more, connect, str(bare.version))
    assert first.sha256 != second.sha256
    version = get_version(connect(), str(bare.version))
    assert version.tags[INTERVALS_TAG] == second.sha256
    assert read_intervals(connect(), version) is not None


@pytest.mark.parametrize("name", ["1", "champion", "local"])
def test_a_version_is_named_as_either_registry_names_it(
    home: Settings, connect: Connect, bare: TrainingOutcome, name: str
) -> None:
    if name == "champion":
        set_alias(connect(), "champion", "1")
    done = assess(home, connect, bare.local_version if name == "local" else name)
    assert (done.version, done.run_name, done.run_id, done.folds) == ("1", "bare", bare.run_id, 2)
    assert INTERVALS_TAG in get_version(connect(), "1").tags
    assert len(range_files(home)) == 1


def test_progress_counts_the_folds_and_shows_no_score(home: Settings, connect: Connect, bare: TrainingOutcome) -> None:
    told: list[Progress] = []
    forest = train_now(without_ranges(home), small_forest(), connect)
    assess(home, connect, str(forest.version), report=told.append)
    phases = list(dict.fromkeys(progress.phase for progress in told))
    assert phases == ["reading the data", "fold 1 of 2", "fold 2 of 2", "making the ranges", "recording"]
    counted = [(progress.done, progress.total) for progress in told if progress.total]
    assert counted == sorted(counted)
    assert counted[-1] == (20, 20)
    assert all(progress.last_score is None for progress in told)


def test_a_cancel_leaves_the_version_as_it_was(home: Settings, connect: Connect, bare: TrainingOutcome) -> None:
    before = ModelRegistry(home).read_file(), get_version(connect(), "1"), get_run(connect(), str(bare.run_id))
    with pytest.raises(AssessmentCancelled):
        assess(home, connect, "1", should_stop=lambda: True)
    after = ModelRegistry(home).read_file(), get_version(connect(), "1"), get_run(connect(), str(bare.run_id))
    assert after == before
    assert not range_files(home)
    assert not list(home.paths.job_files.glob("*"))
    assert "cancelled" in home.paths.stage_log(STAGE).read_text().splitlines()[-1]


def test_a_training_whose_range_is_cancelled_stays_registered_and_says_so(home: Settings, connect: Connect) -> None:
    def is_registered() -> bool:
        return bool(ModelRegistry(home).read_file())

    outcome = train_now(home, ridge(), connect, should_stop=is_registered)
    assert outcome.version == "1"
    assert "coverage" not in outcome.metrics
    assert outcome.notes == ("Its range was not measured. The measuring of the range was cancelled.",)
    assert get_run(connect(), str(outcome.run_id)).status == "FINISHED"


def test_another_data_file_is_refused_with_a_remedy(
    home: Settings, connect: Connect, bare: TrainingOutcome, real_rows: pd.DataFrame, tmp_path: Path
) -> None:
    other = tmp_path / "other.csv"
    real_rows.sample(800, random_state=2).to_csv(other, index=False)
    moved = home.model_copy(update={"data": home.data.model_copy(update={"path": other})})
    with pytest.raises(InvalidData, match="trained on another data file") as refused:
        assess(moved, connect, "1")
    assert "data.path" in refused.value.remedy
    assert refused.value.where == str(other)
    assert INTERVALS_TAG not in get_version(connect(), "1").tags
    assert "another data file" in home.paths.stage_log(STAGE).read_text()


def test_another_split_is_refused_with_a_remedy(home: Settings, connect: Connect, bare: TrainingOutcome) -> None:
    moved = home.model_copy(update={"data": home.data.model_copy(update={"random_state": 7})})
    with pytest.raises(InvalidSettings, match=r"random_0\.2_42.*random_0\.2_7"):
        assess(moved, connect, "1")


def test_ranges_that_are_switched_off_are_refused_and_left_out_of_trainings(
    home: Settings, connect: Connect, bare: TrainingOutcome
) -> None:
    assert not FIGURES & set(bare.metrics)
    assert not bare.notes
    with pytest.raises(InvalidSettings, match="range_folds is 0"):
        assess(without_ranges(home), connect, "1")


@pytest.mark.parametrize("name", ["7", "v_19990101_000000", "challenger"])
def test_a_version_that_is_none_is_refused(home: Settings, connect: Connect, bare: TrainingOutcome, name: str) -> None:
    with pytest.raises(NotFound):
        assess(home, connect, name)


def test_without_mlflow_the_range_is_kept_locally(make_home: MakeHome) -> None:
    settings = make_home(training__enable_mlflow="false", **TWO_PARTS)
    outcome = train_now(settings, ridge(), lambda: open_store(settings))
    assert set(outcome.metrics) >= FIGURES
    assert len(outcome.notes) == 1
    assert "switched off" in outcome.notes[0]
    registry = ModelRegistry(settings)
    (entry,) = registry.read_file()
    found = read_local_intervals(registry, entry)
    assert found is not None
    assert found.coverage_90 == outcome.metrics["coverage"]


def test_mlflow_going_away_meanwhile_keeps_the_range_locally_and_says_so(
    home: Settings, connect: Connect, bare: TrainingOutcome
) -> None:
    asked = 0

    def gone() -> Store:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise StoreUnavailable("MLflow's store does not answer.", remedy="Wait.")
        return connect()

    done = assess(home, gone, "1")
    assert done.notes
    assert "local registry only" in done.notes[0]
    (entry,) = ModelRegistry(home).read_file()
    assert entry.intervals_sha256 == done.sha256
    assert INTERVALS_TAG not in get_version(connect(), "1").tags
    # The local model prices the held-out rows as those prices were logged: with MLflow back it is the same document.
    assert assess(home, connect, "1").sha256 == done.sha256


def test_a_version_taken_back_meanwhile_leaves_no_file(home: Settings, connect: Connect, bare: TrainingOutcome) -> None:
    def take_back(progress: Progress) -> None:
        if progress.phase == "recording":
            open_registry(home, connect).withdraw("nobody", bare.run_id)
            withdraw_version(connect(), str(bare.run_id))

    with pytest.raises(NotFound, match="any more"):
        assess(home, connect, "1", report=take_back)
    assert not list(home.paths.saved_models.glob("*"))
    assert not list(home.paths.job_files.glob("*"))


def test_what_is_taken_back_takes_its_range_with_it(home: Settings, connect: Connect) -> None:
    outcome = train_now(home, ridge(), connect)
    assert range_files(home)
    open_registry(home, connect).withdraw("nobody", outcome.run_id)
    assert not list(home.paths.saved_models.glob("*"))


def test_prices_the_run_never_logged_come_from_the_model(
    home: Settings, connect: Connect, bare: TrainingOutcome
) -> None:
    first = assess(home, connect, "1")
    uri = connect().client.get_run(str(bare.run_id)).info.artifact_uri
    Path(uri.removeprefix("file://"), "predictions.parquet").unlink()
    assert assess(home, connect, "1").sha256 == first.sha256


def test_a_version_nobody_knows_the_settings_of_is_refused(
    home: Settings, connect: Connect, bare: TrainingOutcome
) -> None:
    store = connect()
    run = store.client.create_run(store.experiment_id, run_name="of another program")
    store.client.create_model_version(store.model_name, source="file:///nowhere", run_id=run.info.run_id)
    with pytest.raises(RecordsError, match="how version 2 was trained"):
        assess(home, connect, "2")


def test_a_lost_registry_file_is_rebuilt_with_the_range(home: Settings, connect: Connect) -> None:
    train_now(home, ridge(), connect)
    (entry,) = ModelRegistry(home).read_file()
    home.paths.registry.unlink()
    registry = open_registry(home, connect)
    (rebuilt,) = registry.complete()
    assert (rebuilt.intervals_path, rebuilt.intervals_sha256) == (entry.intervals_path, entry.intervals_sha256)
    assert read_local_intervals(registry, rebuilt) is not None


@pytest.mark.parametrize("lost", [lambda store, run_id: None, lambda store, run_id: store.client.delete_run(run_id)])
def test_a_version_that_mlflow_lost_comes_back_with_its_range(
    home: Settings, connect: Connect, lost: Callable[[Store, str], None]
) -> None:
    outcome = train_now(home, ridge(), connect)
    kept = document(connect(), outcome.run_id)
    withdraw_version(connect(), str(outcome.run_id))
    assert [one.done for one in restore(home, connect, actor=TESTER)] == [True]
    (entry,) = ModelRegistry(home).read_file()
    version = get_version(connect(), str(entry.mlflow_version))
    assert version.tags[INTERVALS_TAG] == entry.intervals_sha256
    assert document(connect(), version.run_id) == kept
    assert read_intervals(connect(), version) is not None


def test_the_shared_home_has_two_versions_with_ranges(ranged_settings: Settings) -> None:
    """What other tests rely on."""
    store = open_store(ranged_settings)
    for number, name in (("1", "forest_of_20"), ("2", "boosted_60")):
        version = get_version(store, number)
        found = read_intervals(store, version)
        assert found is not None
        assert get_run(store, version.run_id).name == name
        assert found.coverage_90 == pytest.approx(0.9, abs=0.03)
