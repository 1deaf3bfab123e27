"""Scores on whole blocks of the map: of the training rows alone, in every record, part after part, and in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.data.blocks import block_parts, spatial_blocks
from core.data.split import split_rows
from core.domain.errors import AssessmentCancelled, InvalidSettings
from core.domain.feature_sets import FeatureSet
from core.domain.jobs import Progress
from core.domain.runs import TrainingOutcome
from core.domain.settings import Settings
from core.models.trainer import ModelTrainer
from core.tracking.local_registry import ModelRegistry
from core.tracking.runs import get_run
from core.tracking.store import open_store
from core.workflows.assessing import assess
from core.workflows.comparison_views import Comparison
from core.workflows.lab import Lab
from core.workflows.spatial import BLOCKS, with_spatial_score
from core.workflows.spatial_words import spatial_findings, spatial_words
from core.workflows.training import train_now
from core.workflows.training_state import Connect
from tests.core.charts.compared import compared
from tests.core.workflows.conftest import MakeHome, ridge, small_forest

FIGURES = {"spatial_rmse", "spatial_mae", "spatial_folds"}


@pytest.fixture
def home(make_home: MakeHome) -> Settings:
    return make_home(evaluation__spatial_folds="3")


@pytest.fixture
def connect(home: Settings) -> Connect:
    store = open_store(home)
    return lambda: store


def asking_for(settings: Settings, **folds: int) -> Settings:
    return settings.model_copy(update={"evaluation": settings.evaluation.model_copy(update=folds)})


@pytest.fixture
def bare(home: Settings, connect: Connect) -> TrainingOutcome:
    """A version nothing was measured of."""
    return train_now(asking_for(home, spatial_folds=0), ridge("bare"), connect)


def test_the_score_is_that_of_models_that_saw_nothing_of_a_block(
    home: Settings, connect: Connect, bare: TrainingOutcome
) -> None:
    done = assess(home, connect, "1")
    split = split_rows(pd.read_csv(home.data_path))
    X, y = split.X_train, split.y_train
    off = np.full(len(X), np.nan)
    for inside, outside in block_parts(spatial_blocks(X["longitude"], X["latitude"]), 3, 42):
        trainer = ModelTrainer(home, ridge().spec)
        trainer.train(X.iloc[inside], y.iloc[inside])
        off[outside] = trainer.predict(X.iloc[outside]) - y.iloc[outside]
    assert done.metrics == pytest.approx(
        {"spatial_rmse": np.sqrt(np.mean(off**2)), "spatial_mae": np.mean(np.abs(off)), "spatial_folds": 3.0}
    )
    assert (done.folds, done.spatial_folds, done.sha256, done.notes) == (0, 3, "", ())
    assert done.seconds > 0


def test_a_training_has_its_spatial_score_in_every_record(home: Settings, connect: Connect) -> None:
    outcome = train_now(home, ridge(), connect)
    assert set(outcome.metrics) >= FIGURES
    assert "coverage" not in outcome.metrics
    assert not outcome.notes
    figures = {name: outcome.metrics[name] for name in FIGURES}
    run = get_run(connect(), str(outcome.run_id))
    assert run.status == "FINISHED"
    (entry,) = ModelRegistry(home).read_file()
    assert {name: run.metrics[name] for name in FIGURES} == pytest.approx(figures)
    assert {name: entry.metrics[name] for name in FIGURES} == figures
    standing = Lab(home).ranges.standing("1")
    assert (standing.has_spatial_score, standing.has_range) == (True, False)
    assert not list(home.paths.job_files.glob("*"))


def test_the_range_comes_first_and_the_bar_counts_both(home: Settings, connect: Connect) -> None:
    both = asking_for(home, range_folds=2)
    forest = train_now(asking_for(home, spatial_folds=0), small_forest(), connect)
    told: list[Progress] = []
    done = assess(both, connect, str(forest.version), report=told.append)
    assert {"coverage", "out_of_fold_rmse", *FIGURES} <= set(done.metrics)
    phases = list(dict.fromkeys(progress.phase for progress in told))
    assert phases == [
        *("reading the data", "fold 1 of 2", "fold 2 of 2", "making the ranges", "recording"),
        *(f"{BLOCKS}, part {number} of 3" for number in (1, 2, 3)),
    ]
    assert all(progress.last_score is None for progress in told)
    counted = [(progress.done, progress.total) for progress in told if progress.total]
    assert counted == sorted(counted)
    assert counted[-1] == (50, 50)


def test_what_was_done_of_the_parts_is_not_done_again(home: Settings, connect: Connect, bare: TrainingOutcome) -> None:
    kept: dict[str, Mapping[str, Any]] = {}
    fits: list[str] = []

    def step(name: str, part: Callable[[], dict[str, Any]]) -> Mapping[str, Any]:
        if name not in kept:
            fits.append(name)
            kept[name] = part()
        return kept[name]

    def score(stop: Callable[[], bool]) -> float:
        found = with_spatial_score(home, connect, "1", None, report=lambda progress: None, should_stop=stop, step=step)
        return found.metrics["spatial_rmse"]

    with pytest.raises(AssessmentCancelled):
        score(lambda: len(kept) == 2)
    assert fits == ["blocks_1_of_3", "blocks_2_of_3", "blocks_3_of_3"]
    fits.clear()
    found = score(lambda: False)
    assert fits == ["blocks_3_of_3", "record_blocks"]
    assert found == pytest.approx(assess(home, connect, "1").metrics["spatial_rmse"])


def test_a_cancel_leaves_the_version_as_it_was(home: Settings, connect: Connect, bare: TrainingOutcome) -> None:
    before = ModelRegistry(home).read_file(), get_run(connect(), str(bare.run_id))
    with pytest.raises(AssessmentCancelled):
        assess(home, connect, "1", should_stop=lambda: True)
    assert (ModelRegistry(home).read_file(), get_run(connect(), str(bare.run_id))) == before


def test_a_range_stays_where_the_spatial_score_is_cancelled_or_cannot_be_had(
    home: Settings, connect: Connect, bare: TrainingOutcome
) -> None:
    phases: list[str] = []
    stopped = assess(
        asking_for(home, range_folds=2),
        connect,
        "1",
        report=lambda progress: phases.append(progress.phase),
        should_stop=lambda: bool(phases) and "recording" in phases,
    )
    assert "coverage" in stopped.metrics
    assert not FIGURES & set(stopped.metrics)
    assert len(stopped.notes) == 1
    assert "spatial score was not measured" in stopped.notes[0]
    assert "coverage" in get_run(connect(), str(bare.run_id)).metrics


def test_switched_off_it_is_refused_and_left_out(home: Settings, connect: Connect, bare: TrainingOutcome) -> None:
    assert not FIGURES & set(bare.metrics)
    off = asking_for(home, spatial_folds=0)
    with pytest.raises(InvalidSettings, match="spatial_folds"):
        assess(off, connect, "1")
    with pytest.raises(InvalidSettings, match="spatial_folds is 0"):
        with_spatial_score(off, connect, "1", None, report=lambda progress: None, should_stop=lambda: False)


def test_too_few_blocks_are_told_beside_the_training(
    home: Settings, connect: Connect, real_rows: pd.DataFrame, tmp_path: Path
) -> None:
    near = real_rows[real_rows["latitude"].between(34.0, 34.1) & real_rows["longitude"].between(-118.3, -118.2)]
    file = tmp_path / "near.csv"
    near.to_csv(file, index=False)
    small = home.model_copy(update={"data": home.data.model_copy(update={"path": file})})
    outcome = train_now(small, ridge(), connect)
    assert outcome.version == "1"
    assert "blocks of 25 km" in " ".join(outcome.notes)


def test_without_mlflow_the_score_is_kept_locally(make_home: MakeHome) -> None:
    settings = make_home(training__enable_mlflow="false", evaluation__spatial_folds="2")
    outcome = train_now(settings, ridge(), lambda: open_store(settings))
    assert set(outcome.metrics) >= FIGURES
    (entry,) = ModelRegistry(settings).read_file()
    assert entry.metrics["spatial_rmse"] == outcome.metrics["spatial_rmse"]


def test_two_lines_say_by_how_much_the_scores_differ_and_why() -> None:
    figures = {"spatial_rmse": 60_000.0, "out_of_fold_rmse": 40_000.0}
    said, why = spatial_words(figures, features=FeatureSet.LOCATION)
    assert "$60,000" in said
    assert "$40,000: 50 % more" in said
    assert "neighbours' prices" in why
    assert "neighbours' prices" not in spatial_words(figures, features=FeatureSet.BASIC)[1]
    assert "20 % less" in spatial_words({"spatial_rmse": 40_000.0, "out_of_fold_rmse": 50_000.0})[0]
    alone = spatial_words({"spatial_rmse": 60_000.0}, held_out_rmse=48_000.0)[0]
    assert "held-out rows, drawn at random, $48,000: 25 % more" in alone
    assert "more" not in spatial_words({"spatial_rmse": 60_000.0})[0]
    assert spatial_words({"out_of_fold_rmse": 40_000.0}) == ()


def profiled(*scores: tuple[float | None, float | None]) -> Comparison:
    """A comparison whose runs have these scores in random parts and on whole blocks."""
    found = compared()
    profiles = (
        replace(profile, out_of_fold_rmse=random, spatial_rmse=blocks)
        for profile, (random, blocks) in zip(found.profiles, scores, strict=False)
    )
    return replace(found, profiles=tuple(profiles))


def test_a_comparison_says_which_run_is_best_on_either_score() -> None:
    first, second = (one.label for one in compared().runs[:2])
    (apart,) = spatial_findings(profiled((39_000.0, 60_000.0), (45_000.0, 56_000.0)))
    assert f"{first} is best ($39,000), on whole blocks {second} ($56,000; {first} has $60,000 there)" in apart
    (alike,) = spatial_findings(profiled((39_000.0, 55_000.0), (45_000.0, 56_000.0)))
    assert alike.startswith(f"{first} is best on both")
    assert spatial_findings(profiled((39_000.0, 60_000.0), (45_000.0, None))) == ()
