"""Ranges measured by real workers: after each training, out of its way, cancelled, cut off and refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from core.domain.assessment import AssessmentRequest, assessment_id
from core.domain.configuration import load_settings
from core.domain.jobs import Job, JobState
from core.domain.provenance import INTERVALS_TAG
from core.domain.settings import Settings
from core.jobs.assessment_job import WAITING
from core.jobs.engine import JobQueue
from core.tracking.intervals import read_intervals
from core.tracking.local_registry import ModelRegistry
from core.tracking.registry import all_versions, get_version
from core.tracking.run_files import list_files
from core.tracking.runs import get_run, list_runs
from core.tracking.store import Store, open_store
from core.workflows.lab import Lab
from core.workflows.spatial import BLOCKS
from tests.actors import TESTER
from tests.conftest import RANGE_VARIABLE, SPATIAL_VARIABLE, rows_in
from tests.core.jobs.conftest import has_grown, is_final, request_of, wait_for
from tests.forked import working

FOREST = {"n_estimators": 300, "max_depth": 16}
"""Takes some seconds a part on the few rows here."""


@pytest.fixture(scope="module")
def few_rows(tmp_path_factory: pytest.TempPathFactory, real_rows: pd.DataFrame) -> Path:
    file = tmp_path_factory.mktemp("rows") / "housing.csv"
    real_rows.sample(3_000, random_state=1).to_csv(file, index=False)
    return file


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, few_rows: Path) -> Settings:
    environment = {**rows_in(few_rows), RANGE_VARIABLE: "2", "HOUSING_LAB_JOBS__EMBEDDED_WORKER": "false"}
    return load_settings(home=tmp_path_factory.mktemp("ranging"), environment=environment)


@pytest.fixture(scope="module")
def worked(home: Settings) -> Iterator[None]:
    """A worker that lives as long as the tests that ask for it."""
    with working(home):
        yield


@pytest.fixture
def queue(home: Settings) -> Iterator[JobQueue]:
    queue = JobQueue(home)
    yield queue
    queue.close()


@pytest.fixture
def store(home: Settings) -> Store:
    return open_store(home)


def assessment_of(queue: JobQueue, training: str) -> str:
    """The job that measures what a training registered; it is on the queue once the training has ended."""
    job = wait_for(queue, training, is_final)
    assert job.state is JobState.SUCCEEDED, job.failure
    return queue.get(assessment_id(training)).job_id


def is_measured(store: Store, job: Job) -> bool:
    assert isinstance(job.request, AssessmentRequest)
    return INTERVALS_TAG in get_version(store, job.request.version).tags


def test_a_training_is_followed_by_the_measuring_of_its_range(
    worked: None, queue: JobQueue, store: Store, home: Settings
) -> None:
    training = queue.submit(request_of("ridge", name="a line"))
    named = assessment_of(queue, training)
    outcome = queue.get(training).outcome
    assert outcome is not None
    assert "coverage" not in outcome.metrics, "a training does not wait for its range"
    job = wait_for(queue, named, is_final)
    assert job.state is JobState.SUCCEEDED, job.failure
    assert job.assessment is not None
    assert (job.request.title, job.run_id) == ("measuring the range of a line", outcome.run_id)
    assert (job.assessment.version, job.assessment.run_id) == (outcome.version, outcome.run_id)
    assert is_measured(store, job)
    run = get_run(store, str(outcome.run_id))
    assert run.status == "FINISHED"
    assert run.metrics["coverage"] == pytest.approx(job.assessment.metrics["coverage"])
    standing = Lab(home).ranges.standing(str(outcome.version))
    assert (standing.figures, standing.reason, standing.is_under_way) == (job.assessment.metrics, "", False)
    assert [one.job_id for one in queue.list_jobs(limit=2, trials=True)] == [named, training]
    assert queue.list_jobs(limit=1)[0].job_id == training, "no training, and no list of trainings has it"
    assert not queue.board.open_jobs()
    assert not list(home.paths.job_files.glob("*"))


def test_a_training_does_not_wait_for_an_assessment(worked: None, queue: JobQueue) -> None:
    slow = assessment_of(queue, queue.submit(request_of("random_forest", **FOREST)))
    wait_for(queue, slow, has_grown)
    quick = queue.submit(request_of("random_forest", **{**FOREST, "n_estimators": 200}))
    wait_for(queue, slow, lambda job: job.progress is not None and job.progress.phase == WAITING)
    held = queue.get(slow).progress
    while not (training := queue.get(quick)).state.is_final:
        waiting = queue.get(slow).progress
        assert waiting is not None
        assert held is not None
        assert waiting.done == held.done, "it grows nothing while a training does"
        time.sleep(0.05)
    assert training.state is JobState.SUCCEEDED, training.failure
    assert queue.get(slow).state is JobState.RUNNING
    for name in (slow, assessment_id(quick)):
        assert wait_for(queue, name, is_final).state is JobState.SUCCEEDED


def test_a_cancelled_assessment_leaves_the_version_registered_without_a_range(
    worked: None, queue: JobQueue, store: Store, home: Settings
) -> None:
    named = assessment_of(queue, queue.submit(request_of("random_forest", **FOREST)))
    wait_for(queue, named, has_grown)
    before = all_versions(store), ModelRegistry(home).read_file(), list_runs(store)
    began = time.monotonic()
    assert queue.cancel(named).state is JobState.CANCELLED
    while queue.board.open_jobs():
        assert time.monotonic() - began < 15
        time.sleep(0.05)
    assert (all_versions(store), ModelRegistry(home).read_file(), list_runs(store)) == before
    job = queue.get(named)
    assert not is_measured(store, job)
    assert not list(home.paths.job_files.glob("*"))
    assert isinstance(job.request, AssessmentRequest)
    lab = Lab(home)
    standing = lab.ranges.standing(job.request.version)
    assert (standing.figures, standing.reason) == ({}, "The measuring of its range was cancelled.")
    # It can be asked for again, once at a time.
    again = lab.assess(job.request.version, actor=TESTER)
    assert lab.assess(job.request.version, actor=replace(TESTER, name="another")) == again != named
    assert wait_for(queue, again, is_final).state is JobState.SUCCEEDED
    assert lab.ranges.standing(job.request.version).figures
    assert is_measured(store, job)


def test_rows_that_were_exchanged_meanwhile_fail_it_with_a_reason(
    worked: None, queue: JobQueue, store: Store, few_rows: Path
) -> None:
    training = queue.submit(request_of("ridge"))
    assert wait_for(queue, assessment_of(queue, training), is_final).state is JobState.SUCCEEDED
    outcome = queue.get(training).outcome
    assert outcome is not None
    content = few_rows.read_bytes()
    few_rows.write_bytes(content[: content.rstrip().rindex(b"\n") + 1])
    try:
        asked = AssessmentRequest(str(outcome.version), outcome.run_name, "tester")
        job = wait_for(queue, queue.submit_assessment(asked), is_final)
    finally:
        few_rows.write_bytes(content)
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert "another data file" in job.failure.what
    assert "data.path" in job.failure.remedy
    assert is_measured(store, job), "what was measured before stays"


def test_a_version_that_is_gone_fails_it_with_a_reason(worked: None, queue: JobQueue) -> None:
    job = wait_for(queue, queue.submit_assessment(AssessmentRequest("999", "nothing", "tester")), is_final)
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert job.failure.remedy


def test_one_training_has_one_assessment_however_often_it_is_put_on_the_queue(settings: Settings) -> None:
    queue = JobQueue(settings)
    asked = AssessmentRequest("1", "a", "tester")
    assert {queue.submit_assessment(asked, assessment_id("train-1")) for _ in range(3)} == {"assess-train-1"}
    (job,) = queue.list_assessments()
    assert (job.state, job.queue_position, job.request) == (JobState.QUEUED, 1, asked)
    assert queue.list_jobs() == []
    assert queue.cancel(job.job_id).state is JobState.CANCELLED
    assert queue.submit_assessment(asked, assessment_id("train-1")) == job.job_id
    assert queue.get(job.job_id).state is JobState.CANCELLED, "a cancelled one is not brought back"
    queue.close()


def test_an_assessment_whose_worker_is_killed_goes_on_and_leaves_one_document(tmp_path: Path, few_rows: Path) -> None:
    environment = {**rows_in(few_rows), RANGE_VARIABLE: "2"}
    settings = load_settings(home=tmp_path, environment=environment)
    queue, store = JobQueue(settings), open_store(settings)
    with working(settings, name="first"):
        training = queue.submit(request_of("random_forest", **FOREST))
        named = assessment_of(queue, training)
        wait_for(queue, named, has_grown)
    # The block has ended with SIGKILL.
    before = all_versions(store), ModelRegistry(settings).read_file(), list_runs(store)
    assert queue.get(named).state is JobState.RUNNING
    with working(settings, name="first"):
        job = wait_for(queue, named, is_final)
        deadline = time.monotonic() + 15
        while queue.board.open_jobs() and time.monotonic() < deadline:
            time.sleep(0.05)
    assert job.state is JobState.SUCCEEDED, job.failure
    assert job.assessment is not None
    (version,), (entry,), (run,) = all_versions(store), ModelRegistry(settings).read_file(), list_runs(store)
    assert version.sha256 == before[0][0].sha256 == entry.sha256
    assert (run.status, run.run_id) == ("FINISHED", before[2][0].run_id)
    assert version.tags[INTERVALS_TAG] == entry.intervals_sha256 == job.assessment.sha256
    assert read_intervals(store, version) is not None
    assert [file.path for file in list_files(store, run.run_id)].count("intervals.json") == 1
    assert [one.name for one in settings.paths.saved_models.glob("*.intervals.json")] == [
        Path(entry.intervals_path).name
    ]
    assert not queue.board.open_jobs()
    assert not list(settings.paths.job_files.glob("*"))
    assert len(queue.list_assessments()) == 1
    queue.close()


@pytest.mark.long
def test_a_killed_worker_loses_one_part_of_the_blocks_and_no_range(tmp_path: Path, few_rows: Path) -> None:
    environment = {**rows_in(few_rows), RANGE_VARIABLE: "2", SPATIAL_VARIABLE: "3"}
    settings = load_settings(home=tmp_path, environment=environment)
    queue, store = JobQueue(settings), open_store(settings)
    second = f"{BLOCKS}, part 2 of 3"
    with working(settings, name="first"):
        named = assessment_of(queue, queue.submit(request_of("random_forest", **FOREST)))
        wait_for(queue, named, lambda job: job.progress is not None and job.progress.phase == second)
    # The block has ended with SIGKILL.
    (version,) = all_versions(store)
    assert INTERVALS_TAG in version.tags, "the range was recorded before the blocks began"
    assert "spatial_rmse" not in get_run(store, version.run_id).metrics
    with working(settings, name="first"):
        phases: list[str] = []
        job = wait_for(
            queue, named, lambda job: phases.append(job.progress.phase if job.progress else "") or is_final(job)
        )
    assert job.state is JobState.SUCCEEDED, job.failure
    assert not any("fold" in phase or "part 1 of 3" in phase for phase in phases[1:]), "what was done is not done again"
    assert job.assessment is not None
    assert {"coverage", "out_of_fold_rmse", "spatial_rmse", "spatial_mae"} <= set(job.assessment.metrics)
    figures = get_run(store, version.run_id).metrics
    assert figures["spatial_rmse"] == pytest.approx(job.assessment.metrics["spatial_rmse"])
    standing = Lab(settings).ranges.standing(version.version)
    assert (standing.has_range, standing.has_spatial_score) == (True, True)
    # Asked for alone, it leaves the range as it is.
    with working(settings, name="first"):
        asked = AssessmentRequest(version.version, "alone", "tester", only_spatial=True)
        alone = wait_for(queue, queue.submit_assessment(asked), is_final)
    assert alone.assessment is not None
    assert set(alone.assessment.metrics) == {"spatial_rmse", "spatial_mae", "spatial_folds"}
    assert alone.assessment.metrics["spatial_rmse"] == pytest.approx(figures["spatial_rmse"])
    assert Lab(settings).ranges.standing(version.version).has_range
    assert not queue.board.open_jobs()
    assert not list(settings.paths.job_files.glob("*"))
    queue.close()
