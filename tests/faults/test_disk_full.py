"""A disk that is full in the middle of a model's way to the records: the job says so, and nothing is half there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from core.domain.configuration import load_settings
from core.domain.errors import QueueUnavailable
from core.domain.jobs import Job, JobState
from core.domain.runs import RunStatus
from core.jobs.desk import INTERRUPTED
from core.jobs.engine import JobQueue
from core.tracking.local_registry import ModelRegistry
from core.tracking.registry import all_versions
from core.tracking.runs import list_runs
from core.tracking.store import open_store
from tests.conftest import rows_in
from tests.core.jobs.conftest import is_final, request_of, wait_for
from tests.core.workflows.conftest import with_empty_store
from tests.faults.conftest import Ward, kill_with_workers, mend, start_app, until
from tests.faults.disks import Disk, small_disk

DISK_MEGABYTES = 48
ROWS = 4_000
FOREST = {"n_estimators": 60, "max_depth": 14}
"""About 2 MB of model from these rows."""

JOB_SECONDS = 120


@dataclass(frozen=True)
class FullHome:
    """A home on a small disk, with one version whose model is so large."""

    ward: Ward
    disk: Disk
    model_bytes: int

    def train(self) -> str:
        job_id = self.ward.queue.submit(request_of("random_forest", **FOREST))
        self.ward.jobs.append(job_id)
        return job_id

    def ended(self, job_id: str) -> Job:
        return wait_for(self.ward.queue, job_id, is_final, seconds=JOB_SECONDS)

    def train_until_it_fits(self) -> str:
        job_id = self.train()
        until(lambda: self.ward.phase(job_id) == "fitting", f"{job_id} never came to its fit", pause=0.002)
        return job_id

    def leave_no_room_for_jobs(self) -> None:
        """Fill the disk, and leave the job database no room that it has taken already."""
        with closing(sqlite3.connect(self.ward.settings.paths.lab_db, timeout=30)) as database:
            # Otherwise it writes over what its log no longer needs, and goes on for as long as that lasts.
            until(lambda: database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0, "others read it")
            self.disk.fill()

    def is_cut_off(self) -> bool:
        """Whether the worker could not even say that it lives for a while; what is freed meanwhile is taken."""
        self.disk.fill()
        return not self.ward.queue.live_workers()

    def assert_whole(self, versions: int) -> None:
        """Nothing is half registered, still open or left lying about, and the doctor finds nothing to mend."""
        until(lambda: not self.ward.left_open(), lambda: f"open: {self.ward.left_open()}", seconds=JOB_SECONDS)
        assert not mend(self.ward)
        settings, store = self.ward.settings, open_store(self.ward.settings)
        entries = ModelRegistry(settings).read_file()
        in_mlflow = {version.version for version in all_versions(store)}
        assert in_mlflow == {str(entry.mlflow_version) for entry in entries}
        files = {file.name for file in settings.paths.saved_models.glob("model_*.joblib")}
        assert files == {Path(entry.model_path).name for entry in entries}
        assert len(in_mlflow) == len(files) == versions
        assert not [run.name for run in list_runs(store, limit=100) if run.status is RunStatus.RUNNING]
        assert not list(settings.paths.job_files.glob("*"))
        assert not list(settings.home.rglob(".*.part"))


@contextmanager
def full_home(folder: Path, rows: pd.DataFrame, store_file: Path) -> Iterator[FullHome]:
    """The home of one finished training, and the app over it."""
    file = folder / "housing.csv"
    rows.sample(ROWS, random_state=1).to_csv(file, index=False)
    with small_disk(folder / "home", DISK_MEGABYTES) as disk:
        settings = with_empty_store(load_settings(home=disk.place, environment=rows_in(file)), store_file)
        queue = JobQueue(settings)
        ward = Ward(settings, queue)
        app = start_app(settings)
        try:
            home = FullHome(ward, disk, 0)
            first = home.ended(home.train())
            assert first.state is JobState.SUCCEEDED, first
            (model,) = settings.paths.saved_models.glob("model_*.joblib")
            yield FullHome(ward, disk, model.stat().st_size)
        finally:
            kill_with_workers(app)
            queue.close()


@pytest.fixture(scope="module")
def home(
    tmp_path_factory: pytest.TempPathFactory, real_rows: pd.DataFrame, empty_store_file: Path
) -> Iterator[FullHome]:
    with full_home(tmp_path_factory.mktemp("full"), real_rows, empty_store_file) as home:
        yield home


@pytest.mark.parametrize(("moment", "left"), [("in the work folder", 0.5), ("on its way to MLflow", 1.5)])
def test_a_disk_that_is_full_while_a_model_is_written_fails_the_job_with_a_reason_and_the_next_one_succeeds(
    home: FullHome, moment: str, left: float
) -> None:
    versions = len(ModelRegistry(home.ward.settings).read_file())
    job_id = home.train_until_it_fits()
    home.disk.fill(leave=int(home.model_bytes * left))
    job = home.ended(job_id)
    assert job.state is JobState.FAILED, (moment, job)
    assert job.failure is not None
    assert "No space left" in job.failure.what or "full" in job.failure.what, job.failure
    assert "disk space" in job.failure.remedy, job.failure
    home.disk.clear()
    home.assert_whole(versions)
    assert home.ended(home.train()).state is JobState.SUCCEEDED
    home.assert_whole(versions + 1)
    print(f"\n{moment}: {job.failure.what} {job.failure.remedy}")


def test_a_job_waits_while_the_job_database_has_no_room_and_goes_on_by_itself_once_there_is_some(
    home: FullHome,
) -> None:
    versions = len(ModelRegistry(home.ward.settings).read_file())
    job_id = home.train_until_it_fits()
    home.leave_no_room_for_jobs()
    until(home.is_cut_off, "the worker goes on saying that it lives")
    with pytest.raises(QueueUnavailable, match="full") as refused:
        home.train()
    assert "disk space" in refused.value.remedy
    assert home.ward.queue.get(job_id).state is JobState.RUNNING
    home.disk.clear()
    wait_for(home.ward.queue, job_id, says_why_it_began_anew, seconds=JOB_SECONDS)
    job = home.ended(job_id)
    assert job.state is JobState.SUCCEEDED, job.failure
    home.assert_whole(versions + 1)
    assert home.ended(home.train()).state is JobState.SUCCEEDED
    home.assert_whole(versions + 2)


def says_why_it_began_anew(job: Job) -> bool:
    return job.progress is not None and any(line.endswith(INTERRUPTED) for line in job.progress.log)
