"""Data of one's own: trained on exactly, never mixed with other rows, and looked around in by the right versions."""

from __future__ import annotations

import functools
import io
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.data.dataset_store import DatasetStore
from core.domain.access import Actor, Role
from core.domain.datasets import CONFIGURED, DatasetVersion
from core.domain.errors import DataUnavailable, Forbidden, InvalidData, NotFound
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import TrainingRequest, TrialRequest
from core.domain.provenance import DATA_NAME_TAG, DATA_SHA256_TAG
from core.domain.runs import Run, TrainingOutcome
from core.domain.settings import Settings
from core.domain.sweep_plans import SweepPlan
from core.serving.following import Follower
from core.tracking.runs import get_run, list_runs
from core.tracking.store import Store, open_store
from core.workflows.assessing import assess
from core.workflows.chosen_data import settings_on
from core.workflows.lab import Lab
from core.workflows.promoting import Promoting
from core.workflows.rows import read_rows
from core.workflows.training import train_now
from tests.actors import TESTER
from tests.core.workflows.conftest import home_at

VIEWER = Actor("viewer", Role.VIEWER)
RIDGE = TrainingSpec.create("ridge")
NORTH = "North"


@dataclass(frozen=True, slots=True)
class TwoData:
    """A home with the configured 800 rows and a dataset of 600 others; version 1 is of those, version 2 of these."""

    settings: Settings
    store: Store
    lab: Lab
    dataset: DatasetVersion
    configured: TrainingOutcome
    own: TrainingOutcome

    def run(self, outcome: TrainingOutcome) -> Run:
        return get_run(self.store, str(outcome.run_id))


def csv_of(rows: pd.DataFrame) -> io.BytesIO:
    return io.BytesIO(rows.to_csv(index=False).encode())


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, real_rows: pd.DataFrame, empty_store_file: Path) -> Iterator[TwoData]:
    folder = tmp_path_factory.mktemp("two-data")
    file = folder / "housing.csv"
    mixed = real_rows.sample(1400, random_state=3)
    mixed.head(800).to_csv(file, index=False)
    settings = home_at(folder / "home", file, empty_store_file, jobs__embedded_worker="false")
    lab = Lab(settings)
    dataset = lab.data.add(csv_of(mixed.tail(600)), "north.csv", NORTH, actor=TESTER)
    connect = functools.cache(lambda: open_store(settings))
    done = [
        train_now(settings, TrainingRequest.create(RIDGE, actor="tester", run_name=name, data_sha256=sha256), connect)
        for name, sha256 in (("on configured", CONFIGURED), ("on own", dataset.sha256))
    ]
    yield TwoData(settings, connect(), lab, dataset, *done)
    lab.queue.close()
    lab.runs.close()
    lab.promotions.close()


def test_a_training_on_own_data_is_fitted_and_scored_on_those_rows_and_says_so(two: TwoData) -> None:
    own, configured = two.run(two.own), two.run(two.configured)
    assert own.tags[DATA_SHA256_TAG] == two.dataset.sha256
    assert own.tags[DATA_NAME_TAG] == NORTH
    assert (own.metrics["train_rows"], own.metrics["held_out_rows"]) == (480, 120)
    assert (configured.metrics["train_rows"], configured.metrics["held_out_rows"]) == (640, 160)
    assert DATA_NAME_TAG not in configured.tags
    assert configured.tags[DATA_SHA256_TAG] != own.tags[DATA_SHA256_TAG]


def test_runs_on_different_data_are_not_compared(two: TwoData) -> None:
    compared = two.lab.comparing.compare([str(two.configured.run_id), str(two.own.run_id)])
    (other,) = [one for one in compared.runs if one.run.run_id == two.own.run_id]
    assert "trained on other data" in other.not_compared
    result = two.lab.result(two.own)
    assert "trained on other data" in result.not_compared
    assert not result.repeated
    assert all(line.difference is None for line in result.lines)


def test_each_run_is_drawn_over_the_rows_it_was_trained_on(two: TwoData) -> None:
    """Its map needs the rows behind the predictions; those of the configured file would be other places."""
    for outcome in (two.configured, two.own):
        held = two.lab.runs.held_out(str(outcome.run_id))
        longitude, latitude = two.lab.comparing.places(two.run(outcome), np.asarray(held.row_ids))
        rows = two.lab.data.view(two.run(outcome).tags[DATA_SHA256_TAG] if outcome is two.own else CONFIGURED)
        expected = rows.dataset.rows.iloc[held.row_ids]
        assert list(longitude) == list(expected["longitude"])
        assert list(latitude) == list(expected["latitude"])
        assert list(held.actual) == list(expected["median_house_value"])


def test_what_if_looks_around_in_the_rows_of_the_version_it_asks(two: TwoData) -> None:
    for version, rows in ((two.configured.version, 800), (two.own.version, 600)):
        assert len(two.lab.what_if.block_groups(version)) == rows
        around = two.lab.models.served(version).around
        assert around is not None
        assert len(around) == rows
    assert two.lab.models.served(two.own.version).around.sha256 == two.dataset.sha256  # type: ignore[union-attr]
    start = two.lab.what_if.start_at(7, two.own.version)
    expected = two.lab.data.view(two.dataset.sha256).dataset.rows.iloc[7]
    assert start.house.median_income == expected["median_income"]


def test_the_service_compares_houses_with_the_rows_of_the_version_it_serves(two: TwoData) -> None:
    follower = Follower(two.settings, lambda: two.store)
    follower.look()
    served = follower.standing.served
    assert served is not None
    assert served.source.version == two.own.version, "the newest serves while none is champion"
    assert served.model.around is not None
    assert served.model.around.sha256 == two.dataset.sha256


def test_a_range_and_a_spatial_score_are_measured_on_the_rows_of_the_version(two: TwoData) -> None:
    folds = two.settings.evaluation.model_copy(update={"range_folds": 2, "spatial_folds": 2})
    measuring = two.settings.model_copy(update={"evaluation": folds})
    done = assess(measuring, lambda: two.store, str(two.own.version))
    assert done.metrics["coverage"] > 0
    assert done.metrics["spatial_rmse"] > 0
    assert done.notes == ()


def test_the_gates_judge_a_version_on_its_own_rows_and_say_that_the_champion_had_others(two: TwoData) -> None:
    promotions = Promoting(two.settings, lambda: two.store)
    promotions.promote(promotions.verdict(str(two.configured.version)), actor=TESTER, reason="first", override=True)
    verdict = promotions.verdict(str(two.own.version))
    told = " ".join(gate.detail for gate in verdict.gates)
    assert "trained on other data" in told
    assert "may have been fitted on some of" in told
    promotions.close()


def test_a_training_on_rows_that_are_not_here_fails_and_says_where_they_should_be(two: TwoData) -> None:
    request = TrainingRequest.create(RIDGE, actor="tester", run_name="lost", data_sha256="f" * 64)
    with pytest.raises(DataUnavailable) as refused:
        train_now(two.settings, request, lambda: two.store)
    assert "not on this host" in refused.value.what
    (run,) = list_runs(two.store, filter_text="attributes.run_name = 'lost'")
    assert run.status == "FAILED"
    with pytest.raises(NotFound, match="no dataset"):
        two.lab.submit(RIDGE, actor=TESTER, data_sha256="f" * 64)
    with pytest.raises(NotFound, match="no dataset"):
        two.lab.tuning.start(SweepPlan(**{**_plan(), "data_sha256": "f" * 64}), actor=TESTER)  # type: ignore[arg-type]


def _plan() -> dict[str, object]:
    plan = SweepPlan.search(RIDGE, trials=1)
    return {name: getattr(plan, name) for name in SweepPlan.__dataclass_fields__}


def test_a_dataset_that_was_changed_on_disk_is_not_trained_on(two: TwoData, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(two.settings.paths.datasets, home / "data" / "versions")
    settings = two.settings.model_copy(update={"home": home})
    file = DatasetStore(settings.paths).rows_file(two.dataset.sha256)
    file.write_bytes(file.read_bytes().replace(b"INLAND", b"ISLAND", 1))
    with pytest.raises(InvalidData, match="is not what was added"):
        read_rows(settings, lambda progress: None, two.dataset.sha256)


def test_rows_of_nobody_s_are_read_from_the_configured_file(two: TwoData) -> None:
    assert settings_on(two.settings, CONFIGURED) is two.settings
    assert settings_on(two.settings, "e" * 64) is two.settings
    assert settings_on(two.settings, two.dataset.sha256).data_path.parent.name == two.dataset.sha256


def test_a_dataset_that_runs_were_trained_on_is_not_deleted(two: TwoData) -> None:
    with pytest.raises(InvalidData, match="is not deleted: "):
        two.lab.data.remove(two.dataset.sha256, actor=TESTER)
    assert two.lab.data.versions()


def test_a_dataset_somebody_waits_to_train_on_is_not_deleted_and_an_unused_one_is(
    two: TwoData, real_rows: pd.DataFrame
) -> None:
    spare = two.lab.data.add(csv_of(real_rows.head(90)), "spare.csv", "Spare", actor=TESTER)
    job_id = two.lab.submit(RIDGE, actor=TESTER, run_name="waits", data_sha256=spare.sha256)
    assert two.lab.data.used_by(spare.sha256) == "waits waits or runs on it"
    two.lab.cancel(job_id, actor=TESTER)
    two.lab.data.remove(spare.sha256, actor=TESTER)
    assert spare not in two.lab.data.versions()


def test_the_configured_file_s_rows_are_not_added_a_second_time(two: TwoData) -> None:
    with pytest.raises(InvalidData, match="those of the configured file"):
        two.lab.data.add(io.BytesIO(two.settings.data_path.read_bytes()), "again.csv", "again", actor=TESTER)


def test_a_viewer_neither_adds_nor_deletes(two: TwoData, real_rows: pd.DataFrame) -> None:
    with pytest.raises(Forbidden):
        two.lab.data.add(csv_of(real_rows.head(80)), "x.csv", "x", actor=VIEWER)
    with pytest.raises(Forbidden):
        two.lab.data.remove(two.dataset.sha256, actor=VIEWER)


def test_the_choice_crosses_the_queue_and_jobs_from_before_it_have_the_configured_file() -> None:
    request = TrainingRequest.create(RIDGE, actor="a", data_sha256="a" * 64)
    assert TrainingRequest.from_payload(request.as_payload()) == request
    trial = TrialRequest(RIDGE, "t", "a", "sweep", 0, data_sha256="a" * 64)
    assert TrialRequest.from_payload(trial.as_payload()) == trial
    plan = SweepPlan(**{**_plan(), "data_sha256": "a" * 64})  # type: ignore[arg-type]
    assert SweepPlan.from_payload(plan.as_payload()) == plan
    old = {name: value for name, value in request.as_payload().items() if name != "data_sha256"}
    assert TrainingRequest.from_payload(old).data_sha256 == CONFIGURED
    old = {name: value for name, value in trial.as_payload().items() if name != "data_sha256"}
    assert TrialRequest.from_payload(old).data_sha256 == CONFIGURED
    old_plan = {name: value for name, value in plan.as_payload().items() if name != "data_sha256"}
    assert SweepPlan.from_payload(old_plan).data_sha256 == CONFIGURED


def test_past_runs_on_other_rows_do_not_tell_how_long_a_training_takes(two: TwoData) -> None:
    on_own = two.lab.expectation(RIDGE, two.dataset.sha256)
    on_configured = two.lab.expectation(RIDGE)
    assert on_own is not None
    assert on_configured is not None
    assert on_own.runs == 1
    assert on_configured.runs == 1
