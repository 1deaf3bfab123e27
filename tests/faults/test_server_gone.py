"""MLflow's server is killed and comes back: trainings fall back and say so, REST goes on, and all is reconciled."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from core.domain.configuration import load_settings
from core.domain.house import House
from core.domain.jobs import Job, JobState
from core.domain.runs import RunStatus
from core.domain.settings import Settings
from core.jobs.engine import JobQueue
from core.tracking.local_registry import ModelRegistry
from core.tracking.registry import all_versions
from core.tracking.runs import list_runs
from core.tracking.store import open_store
from core.workflows.lab import Lab
from tests.browser.server import free_port
from tests.conftest import rows_in
from tests.core.jobs.conftest import is_final, request_of, wait_for
from tests.core.serving.service import Service, running_service, split_of
from tests.core.workflows.conftest import small_file  # noqa: F401 - a fixture
from tests.faults.conftest import Ward, mend, until
from tests.forked import working
from tests.pages.conftest import OpenScreen, _quick_screens, open_screen  # noqa: F401 - fixtures
from tests.team_servers import ObjectStore, mlflow_server

SHORT_SECONDS = 5.0
LONG_SECONDS = 60.0
JOB_SECONDS = 300
SLOW = {"n_estimators": 200, "max_depth": 12}
LOCALLY = "Recorded in the local registry only."


class Records:
    """A tracking server on one port, with its database and files, that can go and come back."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def come(self) -> None:
        nobody = ObjectStore("http://127.0.0.1:9")
        database, artifacts = f"sqlite:///{self._folder / 'records.db'}", str(self._folder / "artifacts")
        self._stack.enter_context(mlflow_server(database, artifacts, nobody, port=self.port))

    def go(self) -> None:
        """It and all its processes are killed."""
        self._stack.close()


def price(service: Service) -> object:
    answer = service.invoke(split_of([House.typical()]))
    assert answer.status == 200, answer.body
    return answer.json


def train(ward: Ward, family: str = "ridge", **knobs: object) -> Job:
    job_id = ward.queue.submit(request_of(family, **knobs))
    ward.jobs.append(job_id)
    return wait_for(ward.queue, job_id, is_final, seconds=JOB_SECONDS)


def go_through(settings: Settings, records: Records, seconds: float, open_screen: OpenScreen, log: Path) -> None:  # noqa: F811
    """A training before, one cut off, one without the server, and one after; REST and screens all the while."""
    records.come()
    queue = JobQueue(settings)
    ward = Ward(settings, queue)
    answers = 0
    with working(settings, parent=os.getpid()):
        first = train(ward)
        assert first.outcome is not None
        assert first.outcome.version == "1"
        with running_service(settings, log) as service:
            before = price(service)
            cut_off = queue.submit(request_of("random_forest", **SLOW))
            ward.jobs.append(cut_off)
            until(lambda: ward.phase(cut_off) == "fitting", "the forest never began to grow", pause=0.005)
            records.go()
            gone = time.monotonic()
            without = [wait_for(queue, cut_off, is_final, seconds=JOB_SECONDS), train(ward)]
            for job in without:
                assert job.state is JobState.SUCCEEDED, job
                assert job.outcome is not None
                assert job.outcome.version is None
                assert any(note.startswith(LOCALLY) for note in job.outcome.notes), job.outcome.notes
            said = Lab(settings).overview().unreachable
            assert "MLflow" in said
            for screen in ("", "runs", "models"):
                drawn = open_screen(settings, screen)
                assert not drawn.exception, screen
                told = " ".join(one.value for one in (*drawn.error, *drawn.warning, *drawn.info))
                assert "MLflow" in told.replace("\\", ""), screen
            while time.monotonic() - gone < seconds:
                assert price(service) == before
                answers += 1
                time.sleep(0.2)
            assert service.ask("GET", "/health").json["status"] == "degraded"
            records.come()
            until(lambda: service.ask("GET", "/health").json["status"] == "ok", "REST did not come round", seconds=60)
            assert price(service) == before
        until(lambda: not Lab(settings).overview().unreachable, "the app did not come round", seconds=60)
        # A worker takes an unreachable store at its word for some seconds.
        time.sleep(12)
        after = train(ward)
        assert after.outcome is not None
        assert after.outcome.version == "2", after.outcome
    mended = mend(ward)
    store = open_store(settings)
    entries = ModelRegistry(settings).read_file()
    assert {entry.mlflow_version for entry in entries} == {"1", "2", None}
    assert len(entries) == 4
    assert {version.version for version in all_versions(store)} == {"1", "2"}
    assert not [run for run in list_runs(store, limit=100) if run.status is RunStatus.RUNNING]
    queue.close()
    records.go()
    print(
        f"\nthe server was gone for {time.monotonic() - gone:.0f} s: 4 trainings, 4 models in registry.json, 2 of them "
        f"made without MLflow; {answers} REST answers meanwhile, none failed; the doctor mended {mended}"
    )


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path)


@pytest.fixture
def settings_of_team(tmp_path: Path, small_file: Path, records: Records) -> Settings:  # noqa: F811
    environment = {**rows_in(small_file), "HOUSING_LAB_TRACKING__URI": records.url}
    settings = load_settings(home=tmp_path / "home", environment=environment)
    settings.home.mkdir()
    return settings


@pytest.mark.timeout(900)
def test_a_server_that_goes_and_comes_back_loses_nothing(
    settings_of_team: Settings,
    records: Records,
    open_screen: OpenScreen,  # noqa: F811
    tmp_path: Path,
) -> None:
    go_through(settings_of_team, records, SHORT_SECONDS, open_screen, tmp_path / "serve.log")


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_server_gone_for_a_minute_loses_nothing(
    settings_of_team: Settings,
    records: Records,
    open_screen: OpenScreen,  # noqa: F811
    tmp_path: Path,
) -> None:
    go_through(settings_of_team, records, LONG_SECONDS, open_screen, tmp_path / "serve.log")
