"""The Train screen shows what a training registered at once, and below it how wide its ranges are."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.domain.assessment import AssessmentRequest, assessment_id
from core.domain.configuration import load_settings
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import JobState, Progress, TrainingRequest
from core.domain.metrics import figure_text
from core.domain.settings import Settings
from core.jobs.engine import JobQueue
from core.tracking.store import open_store
from core.workflows.lab import Lab
from core.workflows.spatial import with_spatial_score
from core.workflows.training import train_now
from tests.conftest import RANGE_VARIABLE, rows_in
from tests.core.jobs.conftest import is_final, request_of, wait_for
from tests.forked import working
from tests.pages.conftest import OpenScreen

MEASURING = "Measuring how wide its ranges must be"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, real_rows: pd.DataFrame) -> Settings:
    """A home whose one training ended, its range measured by a worker in two parts."""
    folder = tmp_path_factory.mktemp("trained")
    rows = folder / "few.csv"
    real_rows.sample(1_000, random_state=1).to_csv(rows, index=False)
    environment = {**rows_in(rows), RANGE_VARIABLE: "2", "HOUSING_LAB_JOBS__EMBEDDED_WORKER": "false"}
    settings = load_settings(home=folder, environment=environment)
    queue = JobQueue(settings)
    with working(settings):
        job_id = queue.submit(request_of("ridge", name="a line"))
        assert wait_for(queue, job_id, is_final).state is JobState.SUCCEEDED
        assert wait_for(queue, assessment_id(job_id), is_final).state is JobState.SUCCEEDED
    queue.close()
    return settings


@pytest.fixture
def queue(trained: Settings) -> Iterator[JobQueue]:
    queue = JobQueue(trained)
    yield queue
    for job in queue.list_assessments(active_only=True):
        queue.cancel(job.job_id)
    queue.close()


def progress_lines(app: AppTest) -> list[str]:
    return [element.proto.text for element in app.main if element.type == "progress"] or [
        element.proto.text for element in app.get("progress")
    ]


def test_a_measured_range_stands_below_the_scores_with_help(trained: Settings, open_screen: OpenScreen) -> None:
    train = open_screen(trained, "train")
    assert not train.exception
    figures = Lab(trained).ranges.standing("1").figures
    shown = {metric.label: metric for metric in train.metric}
    for name, label in (("coverage", "Coverage"), ("interval_width", "Range width")):
        assert shown[label].value == figure_text(name, figures[name])
        assert shown[label].help
    assert "Measure its range" not in [button.label for button in train.button]


def test_a_range_under_way_shows_its_fold_and_can_be_stopped(
    trained: Settings, queue: JobQueue, open_screen: OpenScreen
) -> None:
    job_id = queue.submit_assessment(AssessmentRequest("1", "a line", "tester"))
    queue.board.post(job_id, Progress("fold 2 of 5", 30, 100, "trees", remaining=4.0))
    train = open_screen(trained, "train")
    assert not train.exception
    assert any("Registered as version 1" in info.value for info in train.info), "the result does not wait"
    assert any(text.startswith(f"{MEASURING}: number 1 in the queue") for text in progress_lines(train))
    next(button for button in train.button if button.label == "Stop measuring").click().run()
    assert queue.get(job_id).state is JobState.CANCELLED
    assert not train.exception


def test_a_range_that_was_stopped_can_be_measured_from_here(
    trained: Settings, tmp_path: Path, open_screen: OpenScreen
) -> None:
    """Over a version that never had one, in a home of its own."""
    home = tmp_path / "home"
    shutil.copytree(trained.home, home, ignore=shutil.ignore_patterns("mlruns", "models"))
    bare = trained.model_copy(
        update={"home": home, "evaluation": trained.evaluation.model_copy(update={"range_folds": 0})}
    )
    request = TrainingRequest.create(TrainingSpec.create("ridge"), actor="tester", run_name="a line")
    train_now(bare, request, functools.cache(lambda: open_store(bare)))
    settings = trained.model_copy(update={"home": home})
    queue = JobQueue(settings)
    queue.cancel(queue.submit_assessment(AssessmentRequest("1", "a line", "tester")))
    train = open_screen(settings, "train")
    assert any("The measuring of its range was cancelled" in text.value for text in train.caption)
    next(button for button in train.button if button.label == "Measure its range").click().run()
    assert not train.exception
    (job,) = queue.list_assessments(active_only=True)
    assert isinstance(job.request, AssessmentRequest)
    assert job.request.version == "1"
    queue.close()


def test_an_assessment_in_the_address_is_refused_as_no_training(trained: Settings, open_screen: OpenScreen) -> None:
    (job,) = [job for job in JobQueue(trained).list_assessments() if job.state is JobState.SUCCEEDED]
    train = open_screen(trained, "train", job=job.job_id)
    assert any("is no training" in error.value.replace("\\", "") for error in train.error)
    assert "Show the newest" in [link.label for link in train.page_link]
    assert not train.exception


def test_the_strip_names_a_range_under_way(trained: Settings, queue: JobQueue, open_screen: OpenScreen) -> None:
    queue.submit_assessment(AssessmentRequest("1", "a line", "tester"))
    home = open_screen(trained)
    assert any("measuring the range of a line" in text.value for text in home.sidebar.caption)


def test_a_version_can_be_scored_on_whole_blocks_and_tells_why_that_differs(
    trained: Settings, queue: JobQueue, open_screen: OpenScreen
) -> None:
    settings = trained.model_copy(update={"evaluation": trained.evaluation.model_copy(update={"spatial_folds": 2})})
    train = open_screen(settings, "train")
    assert "Spatial RMSE" not in [metric.label for metric in train.metric]
    next(button for button in train.button if button.label == "Score it on blocks").click().run()
    assert not train.exception
    (job,) = queue.list_assessments(active_only=True)
    assert isinstance(job.request, AssessmentRequest)
    assert (job.request.version, job.request.only_spatial) == ("1", True)
    queue.cancel(job.job_id)
    connect = functools.cache(lambda: open_store(settings))
    done = with_spatial_score(settings, connect, "1", None, report=lambda progress: None, should_stop=lambda: False)
    scored = open_screen(settings, "train")
    assert not scored.exception
    shown = {metric.label: metric.value for metric in scored.metric}
    assert shown["Spatial RMSE"] == figure_text("spatial_rmse", done.metrics["spatial_rmse"])
    assert {"Coverage", "Out-of-fold RMSE"} <= set(shown), "its range is as it was"
    assert any("On whole blocks of 25 km" in text.value for text in scored.caption)
    assert "Score it on blocks" not in [button.label for button in scored.button]
