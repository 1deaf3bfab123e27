"""Homes whose processes are killed, and the look at what is left of their records."""

from __future__ import annotations

import functools
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil

from core.domain.configuration import load_settings
from core.domain.jobs import JobState
from core.domain.provenance import JOB_TAG
from core.domain.settings import PROJECT_ROOT, Settings
from core.jobs.engine import JobQueue
from core.models.packaged import file_sha256
from core.tracking.local_registry import ModelRegistry
from core.tracking.local_version import LocalVersion
from core.tracking.registry import all_versions
from core.tracking.runs import list_runs
from core.tracking.store import open_store
from core.workflows.doctor import examine
from core.workflows.mending import treat
from tests.actors import TESTER
from tests.browser.server import free_port
from tests.conftest import rows_in
from tests.core.jobs.conftest import request_of

PHASES = ("opening the run", "reading the data", "fitting", "writing the model", "recording")
BETWEEN = "between the registrations"
"""MLflow has the version, registry.json has not."""
MOMENTS = (*PHASES, BETWEEN)
SHORT_JOBS = (
    ("ridge", {}),
    ("lightgbm", {"n_estimators": 200}),
    ("random_forest", {"n_estimators": 20, "max_depth": 8}),
)
BEGIN_SECONDS = 90
END_SECONDS = 240
LONGEST_DELAY = 1.2


@dataclass
class Ward:
    """A home under test: its jobs so far, and when each was hit."""

    settings: Settings
    queue: JobQueue
    jobs: list[str] = field(default_factory=list)
    hits: Counter[str] = field(default_factory=Counter)

    def submit(self) -> str:
        family, knobs = SHORT_JOBS[len(self.jobs) % len(SHORT_JOBS)]
        self.jobs.append(self.queue.submit(request_of(family, **knobs)))
        return self.jobs[-1]

    def phase(self, job_id: str) -> str:
        posted = self.queue.board.read([job_id]).get(job_id)
        return posted.progress.phase if posted else ""

    def wait_for_moment(self, job_id: str, moment: int, luck: random.Random) -> None:
        """Half of the moments lie anywhere in the job's life, the others shortly after a phase began."""
        if moment % 2:
            until(lambda: self.phase(job_id) != "" or self.is_final(job_id), f"{job_id} never began")
            time.sleep(luck.uniform(0, LONGEST_DELAY))
        else:
            wanted = MOMENTS[(moment // 2) % len(MOMENTS)]
            reached = PHASES[PHASES.index(wanted) :] if wanted in PHASES else ()
            until(
                lambda: self.phase(job_id) in reached or self.is_half_registered(job_id) or self.is_final(job_id),
                f"{job_id} never came to {wanted}",
                pause=0.002,
            )
            time.sleep(luck.uniform(0, 0.15) if wanted in PHASES else 0)

    def count_hit(self, job_id: str) -> None:
        """Note where the job stood when it was hit: its killed worker has left it as it was."""
        if self.is_final(job_id):
            self.hits["after its end"] += 1
        else:
            self.hits[BETWEEN if self.is_half_registered(job_id) else self.phase(job_id)] += 1

    def is_half_registered(self, job_id: str) -> bool:
        """Whether MLflow has the job's version and registry.json has not. Read off the files: it lasts milliseconds."""
        file = self.settings.paths.mlflow_db
        if not file.exists():
            return False
        with closing(sqlite3.connect(file, timeout=30)) as database:
            wanted = "SELECT count(*) FROM model_version_tags WHERE key = ? AND value = ?"
            registered = database.execute(wanted, (JOB_TAG, job_id)).fetchone()[0]
        if not registered:
            return False
        return all(entry.tags.get(JOB_TAG) != job_id for entry in self._entries())

    def _entries(self) -> list[LocalVersion]:
        return ModelRegistry(self.settings).read_file() if self.settings.paths.registry.exists() else []

    def is_final(self, job_id: str) -> bool:
        return self.queue.get(job_id).state.is_final

    def wait_for_all(self) -> None:
        until(
            lambda: all(state.is_final for state in self.queue.states(self.jobs).values()) and not self.left_open(),
            lambda: f"{self.queue.states(self.jobs)}, open: {self.left_open()}",
            seconds=END_SECONDS,
        )

    def left_open(self) -> dict[str, str]:
        return self.queue.board.open_jobs()


@dataclass(frozen=True)
class Counts:
    """What stands in the records of a home; everything but the first four should be nothing."""

    jobs: int
    succeeded: int
    versions: int
    entries: int
    running_runs: int
    lost_jobs: int
    double_runs: int
    double_registrations: int
    disagreements: tuple[str, ...]
    work_folders: tuple[str, ...]

    def assert_whole(self) -> None:
        assert (self.lost_jobs, self.running_runs, self.double_runs, self.double_registrations) == (0, 0, 0, 0), self
        assert not self.disagreements, self.disagreements
        assert not self.work_folders, self.work_folders
        assert self.succeeded == self.jobs == self.versions == self.entries, self


def take_stock(ward: Ward) -> Counts:
    """Count what the records say, MLflow's and the local registry's."""
    store = open_store(ward.settings)
    runs, versions = list_runs(store, limit=1000), all_versions(store)
    registry = ModelRegistry(ward.settings)
    entries = registry.read_file()
    states = ward.queue.states(ward.jobs)
    runs_of = Counter(run.tags["job.id"] for run in runs)
    disagreements = [
        *(f"run {run.run_id} is {run.status}" for run in runs if run.status not in ("FINISHED", "RUNNING")),
        *({version.run_id for version in versions} ^ {str(entry.run_id) for entry in entries}),
        *({version.version for version in versions} ^ {str(entry.mlflow_version) for entry in entries}),
        *({version.sha256 for version in versions} ^ {entry.sha256 for entry in entries}),
        *(entry.version for entry in entries if file_sha256(registry.model_file(entry)) != entry.sha256),
    ]
    return Counts(
        jobs=len(ward.jobs),
        succeeded=sum(state is JobState.SUCCEEDED for state in states.values()),
        versions=len(versions),
        entries=len(entries),
        running_runs=sum(run.status == "RUNNING" for run in runs),
        lost_jobs=len(ward.jobs) - sum(state.is_final for state in states.values()),
        double_runs=sum(count > 1 for count in runs_of.values()),
        double_registrations=len(entries)
        - len({entry.run_id for entry in entries})
        + len(versions)
        - len({version.run_id for version in versions}),
        disagreements=tuple(disagreements),
        work_folders=tuple(folder.name for folder in ward.settings.paths.job_files.glob("*")),
    )


def mend(ward: Ward) -> list[str]:
    """What the doctor had to do; afterwards there is nothing left for it."""
    connect = functools.cache(lambda: open_store(ward.settings))
    done = [
        treated.sentence
        for treated in treat(ward.settings, connect, list(examine(ward.settings, connect)), actor=TESTER)
    ]
    left = [finding for finding in examine(ward.settings, connect) if not finding.ok]
    assert not left, left
    return done


@contextmanager
def ward_in(home: Path, data_file: Path) -> Iterator[Ward]:
    """A fresh home."""
    settings = load_settings(home=home, environment=rows_in(data_file))
    queue = JobQueue(settings)
    yield Ward(settings, queue)
    queue.close()


def start_app(settings: Settings) -> subprocess.Popen[bytes]:
    """The real server; it starts its worker by itself."""
    port = ["--server.port", str(free_port()), "--server.headless", "true"]
    return _start([sys.executable, "-m", "streamlit", "run", "app.py", *port], settings)


def kill(process: subprocess.Popen[bytes] | BaseProcess) -> None:
    """SIGKILL, and wait until it is gone."""
    process.kill()
    if isinstance(process, BaseProcess):
        process.join()
    else:
        process.wait()


def kill_with_workers(app: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the app and to every worker it has started; a second one may just be starting."""
    workers = psutil.Process(app.pid).children()
    for worker in workers:
        worker.kill()
    kill(app)
    psutil.wait_procs(workers, timeout=BEGIN_SECONDS)


def until(
    condition: Callable[[], bool],
    why: str | Callable[[], str],
    seconds: float = BEGIN_SECONDS,
    pause: float = 0.02,
) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, why if isinstance(why, str) else why()
        time.sleep(pause)


def _start(command: list[str], settings: Settings) -> subprocess.Popen[bytes]:
    with (settings.home / "processes.log").open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=PROJECT_ROOT,
            env={**os.environ, **settings.as_environment()},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
