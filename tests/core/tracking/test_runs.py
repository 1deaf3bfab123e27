"""Reading runs back as values."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from core.domain.configuration import load_settings
from core.domain.errors import InvalidFilter, NotFound
from core.domain.runs import RunStatus
from core.tracking.lineage import code_version
from core.tracking.runs import find_run_of_job, get_run, list_runs, read_importance, read_predictions
from core.tracking.store import Store, open_store
from core.tracking.tracker import MLflowTracker


@pytest.fixture(scope="module")
def diary(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """An experiment of this module's own: three runs of falling RMSE, the last one failed."""
    tracking = {"uri": store.uri, "experiment_name": "diary"}
    home = tmp_path_factory.mktemp("diary")
    own = open_store(load_settings(home=home, environment={}, values={"tracking": tracking}))
    tracker = MLflowTracker(store=own)
    for rmse, status in ((60_000.0, "FINISHED"), (50_000.0, "FINISHED"), (40_000.0, "FAILED")):
        tracker.start_run(f"rmse_{rmse:.0f}", {"job.id": f"job {rmse:.0f}"})
        tracker.log_metrics({"rmse": rmse})
        tracker.end_run(status)
    return own


def test_runs_come_newest_first(diary: Store) -> None:
    assert [run.name for run in list_runs(diary)] == ["rmse_40000", "rmse_50000", "rmse_60000"]
    assert [run.name for run in list_runs(diary, limit=1)] == ["rmse_40000"]


def test_runs_are_filtered_and_ordered_as_mlflow_words_it(diary: Store) -> None:
    below = list_runs(diary, filter_text="metrics.rmse < 55000", order_by=["metrics.rmse ASC"])
    assert [run.metrics["rmse"] for run in below] == [40_000.0, 50_000.0]
    assert [run.status for run in below] == [RunStatus.FAILED, RunStatus.FINISHED]


def test_a_filter_that_is_none_is_refused_with_the_reason(diary: Store) -> None:
    with pytest.raises(InvalidFilter, match="filter"):
        list_runs(diary, filter_text="this is no filter")


def test_a_run_is_found_by_its_job(diary: Store) -> None:
    found = find_run_of_job(diary, "job 50000")
    assert found is not None
    assert found == get_run(diary, found.run_id)
    assert find_run_of_job(diary, "job of nobody") is None


def test_times_are_utc_and_a_run_without_scores_has_none(diary: Store) -> None:
    run = list_runs(diary, limit=1)[0]
    assert run.ended is not None
    assert run.started <= run.ended
    assert str(run.started.tzinfo) == "UTC"
    assert (run.scores, run.fit_seconds) == (None, None)


@pytest.mark.parametrize("read", [read_predictions, read_importance])
def test_a_run_without_the_file_is_not_found_with_the_file_s_name(diary: Store, read: object) -> None:
    run = list_runs(diary, limit=1)[0]
    with pytest.raises(NotFound, match=r"predictions\.parquet|feature_importance\.json") as raised:
        read(diary, run.run_id)  # type: ignore[operator]
    assert raised.value.where == run.run_id


@pytest.mark.parametrize("read", [read_predictions, read_importance])
def test_files_of_an_unknown_run_are_not_found(diary: Store, read: object) -> None:
    with pytest.raises(NotFound, match="no_such_run"):
        read(diary, "no_such_run")  # type: ignore[operator]


def test_the_code_s_version_is_its_commit_and_says_when_files_differ(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        who = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org")
        return subprocess.run(
            ["git", *who, *words], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    assert code_version(tmp_path) == "unversioned"
    git("init", "-q")
    (tmp_path / "code.py").write_text("one = 1\n", encoding="utf-8")
    git("add", "code.py")
    git("commit", "-q", "-m", "One")
    commit = git("rev-parse", "--short=12", "HEAD")
    assert code_version(tmp_path) == commit
    (tmp_path / "code.py").write_text("one = 2\n", encoding="utf-8")
    assert code_version(tmp_path) == f"{commit}+changes"
