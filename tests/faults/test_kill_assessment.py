"""kill -9 while a training hands over to the measuring of its range, and at any moment of that."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from core.domain.assessment import assessment_id
from core.domain.configuration import load_settings
from core.domain.jobs import JobState
from core.domain.provenance import INTERVALS_TAG
from core.domain.settings import Settings
from core.jobs.engine import JobQueue
from core.tracking.intervals import read_intervals, read_local_intervals
from core.tracking.local_registry import ModelRegistry
from core.tracking.registry import all_versions
from core.tracking.store import open_store
from tests.conftest import RANGE_VARIABLE, rows_in
from tests.core.jobs.conftest import request_of
from tests.faults.conftest import END_SECONDS, Ward, kill, mend, until
from tests.forked import start_worker, working

SEED = 20_261_124
MOMENTS = ("recording", "handed over", "fold 1 of 2", "fold 2 of 2", "making the ranges", "end")
"""From the training's last phase on; ``handed over``: its range is on the queue."""

FEW_MOMENTS = ("handed over", "making the ranges")


@pytest.fixture
def ward(tmp_path: Path, real_rows: pd.DataFrame) -> Ward:
    file = tmp_path / "housing.csv"
    real_rows.sample(2_000, random_state=1).to_csv(file, index=False)
    settings = load_settings(home=tmp_path / "home", environment={**rows_in(file), RANGE_VARIABLE: "2"})
    settings.home.mkdir()
    return Ward(settings, JobQueue(settings))


@pytest.mark.timeout(600)
def test_a_worker_killed_at_the_worst_moments_leaves_each_version_with_one_range(ward: Ward) -> None:
    kill_at(FEW_MOMENTS, ward)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_worker_killed_at_any_moment_leaves_each_version_with_one_range(ward: Ward) -> None:
    kill_at(MOMENTS, ward)


def kill_at(moments: Sequence[str], ward: Ward) -> None:
    luck = random.Random(SEED)  # noqa: S311 - moments, no secrets
    for moment in moments:
        worker = start_worker(ward.settings, parent=os.getpid())
        # Killed again and again a job would be given up: what was hit before is done first.
        until(lambda: not _unfinished(ward), lambda: f"{_states(ward)}", seconds=END_SECONDS)
        training = ward.queue.submit(request_of("random_forest", n_estimators=40, max_depth=8))
        ward.jobs.append(training)
        until(lambda training=training, moment=moment: _has_come(ward, training, moment), moment, pause=0.002)
        if moment != "handed over":
            time.sleep(luck.uniform(0, 0.1))
        kill(worker)
        ward.hits[_stands(ward, training)] += 1
    with working(ward.settings, parent=os.getpid()):
        until(lambda: not _unfinished(ward) and not ward.left_open(), lambda: f"{_states(ward)}", seconds=END_SECONDS)
    print(f"{len(moments)} kills: {dict(ward.hits)}")
    assert set(_states(ward).values()) == {JobState.SUCCEEDED}, _states(ward)
    assert len(ward.queue.list_assessments()) == len(moments)
    _assert_each_has_one_range(ward.settings, len(moments))
    mend(ward)
    ward.queue.close()


def _has_come(ward: Ward, training: str, moment: str) -> bool:
    measuring = assessment_id(training)
    states = ward.queue.states([training, measuring])
    if moment == "recording":
        return ward.phase(training) == moment or measuring in states
    if moment == "handed over":
        return measuring in states
    if measuring in states and states[measuring].is_final:
        return True
    reached = MOMENTS[MOMENTS.index(moment) :]
    return moment != "end" and ward.phase(measuring) in (*reached, "recording")


def _stands(ward: Ward, training: str) -> str:
    """Where its killed worker has left it."""
    states = ward.queue.states([training, assessment_id(training)])
    if not states[training].is_final:
        return "training"
    state = states.get(assessment_id(training))
    return "handed over" if state is None else f"range {state}"


def _states(ward: Ward) -> dict[str, JobState]:
    wanted = [*ward.jobs, *map(assessment_id, ward.jobs)]
    # An assessment that is not on the queue yet is still to come.
    return dict.fromkeys(wanted, JobState.QUEUED) | ward.queue.states(wanted)


def _unfinished(ward: Ward) -> list[str]:
    return [job_id for job_id, state in _states(ward).items() if not state.is_final]


def _assert_each_has_one_range(settings: Settings, count: int) -> None:
    store, registry = open_store(settings), ModelRegistry(settings)
    entries = {entry.mlflow_version: entry for entry in registry.read_file()}
    versions = all_versions(store)
    assert len(versions) == len(entries) == count
    for version in versions:
        entry = entries[version.version]
        assert version.tags[INTERVALS_TAG] == entry.intervals_sha256
        assert read_intervals(store, version) is not None
        assert read_local_intervals(registry, entry) is not None
        assert store.client.get_run(version.run_id).info.status == "FINISHED"
    assert len(list(settings.paths.saved_models.glob("*.intervals.json"))) == count
    assert not list(settings.paths.job_files.glob("*"))
