"""Where a version's range stands, as a screen asks: from the queue while it is measured, from the records before."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.domain.errors import InvalidSettings, NotFound
from core.domain.jobs import JobState
from core.domain.settings import Settings
from core.tracking.local_registry import ModelRegistry
from core.tracking.runs import get_run
from core.workflows.lab import Lab
from core.workflows.measuring import RANGE_METRICS
from tests.actors import named


def lab_over(settings: Settings, folder: Path, **mlflow: bool) -> Lab:
    """A lab over that home with a queue of its own and without a worker."""
    jobs = {"database_url": f"sqlite:///{folder / 'jobs.db'}", "embedded_worker": False}
    return Lab(
        settings.model_copy(
            update={
                "jobs": settings.jobs.model_copy(update=jobs),
                "training": settings.training.model_copy(update=mlflow),
            }
        )
    )


@pytest.fixture
def lab(ranged_settings: Settings, tmp_path: Path) -> Lab:
    return lab_over(ranged_settings, tmp_path)


def test_a_range_measured_without_the_queue_is_found_in_the_records(lab: Lab, ranged_settings: Settings) -> None:
    source = lab.price_source("1")
    metrics = get_run(lab.connect(), str(source.run_id)).metrics
    standing = lab.ranges.standing("1")
    assert standing.figures == {name: metrics[name] for name in RANGE_METRICS}
    assert (standing.job, standing.is_under_way, standing.reason) == (None, False, "")
    local = ModelRegistry(ranged_settings).read_file()[0].version
    assert lab.ranges.standing(local).figures == pytest.approx(dict(standing.figures))


def test_with_mlflow_away_the_local_registry_alone_knows(ranged_settings: Settings, tmp_path: Path) -> None:
    lab = lab_over(ranged_settings, tmp_path, enable_mlflow=False)
    assert lab.ranges.standing("1").figures == {}
    assert lab.ranges.standing(ModelRegistry(ranged_settings).read_file()[0].version).figures


def test_a_version_nobody_measured_says_so(trained_settings: Settings, tmp_path: Path) -> None:
    standing = lab_over(trained_settings, tmp_path).ranges.standing("1")
    assert (standing.figures, standing.reason) == ({}, "The range of this version has not been measured.")


def test_asked_for_twice_it_is_measured_once(lab: Lab) -> None:
    job_id = lab.assess("2", actor=named("ann"))
    assert lab.assess("2", actor=named("bob")) == job_id
    other = lab.assess("1", actor=named("ann"))
    assert {job.job_id for job in lab.ranges.under_way()} == {job_id, other}
    standing = lab.ranges.standing("2")
    assert standing.is_under_way
    assert standing.figures == {}, "what is measured anew is not told as measured"
    assert standing.job is not None
    assert standing.job.request.title == "measuring the range of boosted_60"
    lab.cancel(job_id, actor=named("ann"))
    stopped = lab.ranges.standing("2")
    assert stopped.job is not None
    assert (stopped.job.state, stopped.reason) == (JobState.CANCELLED, ""), "the range measured before still holds"
    assert stopped.figures
    assert lab.active_jobs() == [], "no training is under way"


def test_a_spatial_score_is_asked_for_without_measuring_the_range_again(lab: Lab, ranged_settings: Settings) -> None:
    job_id = lab.ranges.start("2", actor=named("ann"), only_spatial=True)
    standing = lab.ranges.standing("2")
    assert standing.job is not None
    assert (standing.job.job_id, standing.job.request.title) == (job_id, "measuring the spatial score of boosted_60")
    lab.cancel(job_id, actor=named("ann"))
    assert lab.ranges.standing("2").has_range
    assert not lab.ranges.standing("2").has_spatial_score


def test_what_cannot_be_measured_never_comes_on_the_queue(lab: Lab, trained_settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        lab.assess("99", actor=named("ann"))
    off = lab_over(trained_settings, tmp_path)
    assert off.settings.evaluation.range_folds == 0
    with pytest.raises(InvalidSettings, match="range_folds is 0"):
        off.assess("1", actor=named("ann"))
    assert lab.ranges.under_way() == []
