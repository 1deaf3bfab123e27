"""``assess``, and the range that ``train`` waits for."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from core.cli.training import _with_range
from core.domain.assessment import AssessmentRequest, assessment_id
from core.domain.configuration import load_settings
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import TrainingRequest
from core.domain.runs import TrainingOutcome
from core.domain.settings import Settings
from core.jobs.engine import JobQueue
from core.tracking.store import open_store
from core.workflows.training import train_now
from tests.conftest import RANGE_VARIABLE, rows_in
from tests.core.cli.terminal import run_here
from tests.forked import working

FIGURES = {"coverage", "coverage_80", "interval_width", "out_of_fold_rmse"}
Answer = tuple[int, str, str]
Run = Callable[..., Answer]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, real_rows: pd.DataFrame) -> Settings:
    """A home over few rows with version 1, a ridge without a range."""
    folder = tmp_path_factory.mktemp("assessed")
    rows = folder / "few.csv"
    real_rows.sample(1_000, random_state=1).to_csv(rows, index=False)
    bare = load_settings(home=folder, environment=rows_in(rows))
    request = TrainingRequest.create(TrainingSpec.create("ridge"), actor="tester", run_name="a line")
    train_now(bare, request, functools.cache(lambda: open_store(bare)))
    environment = {**rows_in(rows), RANGE_VARIABLE: "2", "HOUSING_LAB_JOBS__EMBEDDED_WORKER": "false"}
    return load_settings(home=folder, environment=environment)


@pytest.fixture
def run(home: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    for name, value in home.as_environment().items():
        monkeypatch.setenv(name, value)
    return lambda *words: run_here(monkeypatch, capsys, *words)


@pytest.fixture
def outcome() -> TrainingOutcome:
    return TrainingOutcome("a line", "ridge", {}, {"rmse": 1.0}, {}, None, "1", "v_1")


def test_a_version_is_measured_in_this_process(run: Run) -> None:
    code, out, err = run("assess", "1", "--json")
    answer = json.loads(out)
    assert code == 0
    assert (answer["version"], answer["run_name"], answer["folds"]) == ("1", "a line", 2)
    assert set(answer["metrics"]) == FIGURES
    assert "fold 2 of 2" in err, "progress goes to standard error"
    code, out, _ = run("assess", "1")
    assert code == 0
    assert "a line, version 1, in 2 parts" in out
    assert "wide on average, holds" in out
    code, out, _ = run("value", "--version", "1", "--json")
    price = json.loads(out)
    assert price["low_90"] <= price["low_80"] <= price["price"] <= price["high_80"] <= price["high_90"]


def test_a_version_that_is_none_is_refused_with_a_remedy(run: Run) -> None:
    code, out, _ = run("assess", "99", "--json")
    assert code == 1
    assert json.loads(out)["error"]["remedy"]


def test_train_waits_for_the_range_and_answers_with_its_figures(run: Run, home: Settings) -> None:
    with working(home):
        code, out, err = run("train", "--family", "ridge", "--set", "alpha=2", "--json")
    answer = json.loads(out)
    assert code == 0
    assert set(answer["metrics"]) >= {"rmse", "mae", "r2_score", "mape", *FIGURES}
    assert answer["notes"] == []
    assert "making the ranges" in err
    code, out, _ = run("value", "--version", answer["version"], "--json")
    assert json.loads(out)["low_90"] is not None


def test_a_range_on_the_queue_is_listed_and_cancelled_as_what_it_is(run: Run, home: Settings) -> None:
    queue = JobQueue(home)
    job_id = queue.submit_assessment(AssessmentRequest("1", "a line", "tester"))
    assert f"{job_id}  queued     measuring the range of a line" in run("jobs")[1]
    code, out, _ = run("jobs", "cancel", job_id, "--json")
    (job,) = json.loads(out)["jobs"]
    assert (code, job["state"]) == (0, "cancelled")
    queue.close()


def test_a_training_whose_range_was_cancelled_is_told_with_a_note(
    home: Settings, tmp_path: Path, outcome: TrainingOutcome
) -> None:
    queue = JobQueue(home.model_copy(update={"home": tmp_path}))
    job_id = queue.submit_assessment(AssessmentRequest("1", "a line", "tester"), assessment_id("train-1"))
    queue.cancel(job_id)
    told = _with_range(home, queue, "train-1", outcome)
    assert told.metrics == outcome.metrics
    assert told.notes == ("Its range was not measured. Its measuring was cancelled.",)
    queue.close()


def test_a_training_nobody_measures_is_answered_at_once(
    home: Settings, tmp_path: Path, outcome: TrainingOutcome
) -> None:
    queue = JobQueue(home.model_copy(update={"home": tmp_path}))
    assert _with_range(home, queue, "train-1", outcome) == outcome
    queue.close()
