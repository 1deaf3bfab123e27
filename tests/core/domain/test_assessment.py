"""What is asked of an assessment and what comes of it cross the queue whole; one part is no cross-validation."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.assessment import Assessment, AssessmentRequest, assessment_id
from core.domain.configuration import load_settings
from core.domain.errors import InvalidSettings, NotFound
from core.domain.jobs import Job, JobState
from core.domain.metrics import figure_text
from core.domain.runs import TrainingOutcome
from tests.conftest import RANGE_VARIABLE, SPATIAL_VARIABLE

FIGURES = {"coverage": 0.9, "coverage_80": 0.8, "interval_width": 93_000.0, "out_of_fold_rmse": 40_000.0}
ASSESSMENT = Assessment("3", "a forest", "a run", 5, FIGURES, "f" * 64, 12.5, ("MLflow was away.",))


@given(version=st.text(min_size=1), name=st.text(), actor=st.text(), only_spatial=st.booleans())
def test_a_request_is_the_same_after_its_payload(version: str, name: str, actor: str, only_spatial: bool) -> None:
    request = AssessmentRequest(version, name, actor, only_spatial)
    assert AssessmentRequest.from_payload(json.loads(json.dumps(request.as_payload()))) == request
    assert name in request.title


def test_a_request_and_a_report_from_before_there_were_spatial_scores_are_read() -> None:
    old = AssessmentRequest.from_payload({"version": "3", "run_name": "a forest", "actor": "ann"})
    assert old == AssessmentRequest("3", "a forest", "ann", only_spatial=False)
    report = {name: value for name, value in ASSESSMENT.as_report().items() if name != "spatial_folds"}
    assert Assessment.from_report(report) == ASSESSMENT


def test_what_came_of_it_is_the_same_after_its_report() -> None:
    assert Assessment.from_report(json.loads(json.dumps(ASSESSMENT.as_report()))) == ASSESSMENT


def test_a_training_has_one_assessment_however_often_it_is_asked_for() -> None:
    assert assessment_id("train-1") == assessment_id("train-1") != assessment_id("train-2")


def test_an_outcome_takes_the_figures_and_says_nothing_twice() -> None:
    outcome = TrainingOutcome("a", "ridge", {}, {"rmse": 1.0}, {}, None, None, "v_1", ("MLflow was away.",))
    whole = outcome.with_assessment(ASSESSMENT)
    assert whole.metrics == {"rmse": 1.0, **FIGURES}
    assert whole.notes == ("MLflow was away.",)


def test_the_figures_of_a_range_read_as_shares_and_dollars() -> None:
    assert {name: figure_text(name, value) for name, value in FIGURES.items()} == {
        "coverage": "90.0 %",
        "coverage_80": "80.0 %",
        "interval_width": "$93,000",
        "out_of_fold_rmse": "$40,000",
    }


@pytest.mark.parametrize("folds", [0, 2, 5, 20])
def test_ranges_and_blocks_are_measured_in_2_to_20_parts_or_not_at_all(tmp_path: Path, folds: int) -> None:
    given = {RANGE_VARIABLE: str(folds), SPATIAL_VARIABLE: str(folds)}
    evaluation = load_settings(home=tmp_path, environment=given).evaluation
    assert (evaluation.range_folds, evaluation.spatial_folds, evaluation.assesses) == (folds, folds, bool(folds))


@pytest.mark.parametrize("variable", [RANGE_VARIABLE, SPATIAL_VARIABLE])
@pytest.mark.parametrize("folds", [-1, 1, 21, "many"])
def test_another_number_of_parts_is_refused_by_its_key(tmp_path: Path, folds: object, variable: str) -> None:
    with pytest.raises(InvalidSettings, match=variable.rpartition("__")[2]):
        load_settings(home=tmp_path, environment={variable: str(folds)})


def test_both_are_measured_in_five_parts_when_nobody_says_otherwise(tmp_path: Path) -> None:
    evaluation = load_settings(home=tmp_path, environment={}).evaluation
    assert (evaluation.range_folds, evaluation.spatial_folds) == (5, 5)


def test_a_job_that_fits_nothing_has_no_spec() -> None:
    now = datetime.now(UTC)
    job = Job("assess-train-1", JobState.QUEUED, AssessmentRequest("1", "a", "b"), now, now)
    with pytest.raises(NotFound, match="is no training") as refused:
        _ = job.spec
    assert "address" in refused.value.remedy
