"""What a crash left is mended, once; what lives is left alone; what somebody may have wanted is only told."""

from __future__ import annotations

import functools
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest
from mlflow.entities import LoggedModelStatus

from core.domain.configuration import load_settings
from core.domain.provenance import FAILURE_TAG, JOB_TAG, SWEEP_TAG
from core.domain.runs import Run, RunStatus
from core.domain.settings import PROJECT_ROOT, Settings
from core.jobs.engine import JobQueue
from core.models.packaged import file_sha256
from core.tracking.local_registry import ModelRegistry, open_registry
from core.tracking.registry import all_versions, version_of_run
from core.tracking.runs import get_run, list_runs
from core.tracking.store import Store, open_store
from core.workflows.doctor import examine
from core.workflows.findings import Finding
from core.workflows.inline_jobs import new_inline_job
from core.workflows.mending import Treated, treat
from core.workflows.training_state import WorkFolder
from tests.actors import TESTER
from tests.conftest import rows_in
from tests.core.workflows.conftest import ridge

SEAMS = ("fitting", "logging", "between the registries", "ending")

DIE_AT = """
import functools, os, signal, sys

from mlflow import MlflowClient

from core.domain.configuration import load_settings
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import TrainingRequest
from core.models.trainer import ModelTrainer
from core.tracking.store import open_store
from core.workflows import recording
from core.workflows.training import train_now

PLACES = {
    "fitting": (ModelTrainer, "train"),
    "logging": (MlflowClient, "log_model_artifacts"),
    "between the registries": (recording, "_record_locally"),
    "ending": (recording, "_end"),
}
settings = load_settings()
for seam in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        setattr(*PLACES[seam], lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
        request = TrainingRequest.create(TrainingSpec.create("ridge"), actor="tester", run_name=seam)
        train_now(settings, request, functools.cache(lambda: open_store(settings)))
    _, ended = os.waitpid(child, 0)
    assert os.WTERMSIG(ended) == signal.SIGKILL, (seam, ended)
"""


@pytest.fixture(scope="session")
def killed_settings(tmp_path_factory: pytest.TempPathFactory, small_file: Path, empty_store_file: Path) -> Settings:
    """A home in which four trainings were killed, each at another seam. Read only: take ``killed``."""
    home = tmp_path_factory.mktemp("killed")
    settings = load_settings(home=home, environment=rows_in(small_file))
    settings.paths.mlruns.mkdir(parents=True)
    shutil.copy(empty_store_file, settings.paths.mlflow_db)
    with closing(sqlite3.connect(settings.paths.mlflow_db)) as database, database:
        database.execute("UPDATE experiments SET artifact_location = ?", (settings.paths.mlflow_artifacts.as_uri(),))
    subprocess.run(
        [sys.executable, "-c", DIE_AT, *SEAMS],
        cwd=PROJECT_ROOT,
        env={**os.environ, **settings.as_environment()},
        check=True,
        timeout=120,
    )
    return settings


@pytest.fixture
def killed(killed_settings: Settings, tmp_path: Path) -> Settings:
    shutil.copytree(killed_settings.home, tmp_path / "killed")
    return killed_settings.model_copy(update={"home": tmp_path / "killed"})


def look(settings: Settings) -> list[Finding]:
    return list(examine(settings, functools.cache(lambda: open_store(settings))))


def finding(settings: Settings, name: str) -> Finding:
    return next(one for one in look(settings) if one.name == name)


def mend(settings: Settings) -> list[str]:
    """Look, mend, and prove that a second time finds nothing to do; what was done."""
    connect = functools.cache(lambda: open_store(settings))
    treated = list(treat(settings, connect, list(examine(settings, connect)), actor=TESTER))
    assert all(one.done for one in treated), treated
    after = list(examine(settings, connect))
    assert [one.mends for one in after if one.mends] == []
    assert list(treat(settings, connect, after, actor=TESTER)) == []
    return [one.sentence for one in treated]


def wrong(findings: Iterable[Finding]) -> list[str]:
    return [one.name for one in findings if not one.ok]


def run_named(store: Store, name: str) -> Run:
    return next(run for run in list_runs(store) if run.name == name)


def open_run_of(store: Store, job_id: str, name: str = "left open", **tags: str) -> str:
    run = store.client.create_run(store.experiment_id, run_name=name, tags={JOB_TAG: job_id, **tags})
    return str(run.info.run_id)


def set_job_state(settings: Settings, job_id: str, state: str) -> None:
    """What a worker would have written of a job."""
    with closing(sqlite3.connect(settings.paths.lab_db)) as database, database:
        changed = database.execute(
            "UPDATE workflow_status SET status = ? WHERE workflow_uuid = ?", (state, job_id)
        ).rowcount
    assert changed == 1


def submitted(settings: Settings, state: str = "ENQUEUED") -> str:
    queue = JobQueue(settings)
    job_id = queue.submit(ridge())
    queue.close()
    set_job_state(settings, job_id, state)
    return job_id


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def rows(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as opened:
        return list(opened.iterdump())


def everything(settings: Settings) -> dict[str, object]:
    """Every file's bytes under home; of a database its rows, for reading moves bytes of its log."""
    kept: dict[str, object] = {}
    for file in sorted(path for path in settings.home.rglob("*") if path.is_file()):
        if file.name.endswith(("-wal", "-shm")):
            continue
        kept[str(file)] = rows(file) if file.suffix == ".db" else file.read_bytes()
    return kept


def test_four_killed_trainings_are_found_and_looking_changes_nothing(killed: Settings) -> None:
    look(killed)  # the first look creates the queue's tables
    before = everything(killed)
    found = {one.name: one for one in look(killed)}
    assert everything(killed) == before
    assert wrong(found.values()) == ["open runs", "logged models", "leftover files"]
    assert "4 runs say RUNNING and their jobs have ended" in found["open runs"].detail
    plans = [one.plan for one in found["open runs"].mends]
    assert "would close run fitting as FAILED: its worker ended in the middle of it" in plans


def test_killed_trainings_end_as_failed_with_their_reason_and_a_whole_one_as_finished(killed: Settings) -> None:
    store = open_store(killed)
    versions = {seam: version_of_run(store, run_named(store, seam).run_id) for seam in SEAMS}
    assert [seam for seam in SEAMS if versions[seam]] == ["between the registries", "ending"]

    told = mend(killed)

    runs = {seam: run_named(store, seam) for seam in SEAMS}
    assert {seam: run.status for seam, run in runs.items()} == {
        "fitting": RunStatus.FAILED,
        "logging": RunStatus.FAILED,
        "between the registries": RunStatus.FAILED,
        "ending": RunStatus.FINISHED,
    }
    for seam in SEAMS[:3]:
        assert runs[seam].tags[FAILURE_TAG] == "Its worker ended in the middle of it."
        assert f"closed run {seam} as FAILED: its worker ended in the middle of it" in told
    assert "closed run ending as FINISHED: its job had done all but this" in told
    (version,) = all_versions(store)
    (entry,) = ModelRegistry(killed).list_models()
    assert version.run_id == entry.run_id == runs["ending"].run_id
    assert version.tags["local.version"] == entry.version
    assert list(killed.paths.job_files.iterdir()) == []
    assert wrong(look(killed)) == []


def test_a_model_nobody_finished_is_marked_as_failed(killed: Settings) -> None:
    store = open_store(killed)

    def states() -> list[str]:
        models = store.client.search_logged_models([store.experiment_id])
        return sorted(str(model.status) for model in models)

    before = states()
    assert before.count(str(LoggedModelStatus.PENDING)) == 1
    mend(killed)
    assert states() == sorted(
        str(LoggedModelStatus.FAILED) if s == str(LoggedModelStatus.PENDING) else s for s in before
    )


def test_a_model_that_a_run_left_unfinished_when_it_ended_is_marked_as_failed(lab_home: Settings) -> None:
    store = open_store(lab_home)
    run_id = open_run_of(store, new_inline_job())
    model = store.client.create_logged_model(store.experiment_id, name="model", source_run_id=run_id)
    store.client.set_terminated(run_id, status=RunStatus.FAILED)
    assert mend(lab_home) == [f"marked MLflow's model {model.model_id} as FAILED: its run has ended"]
    assert store.client.get_logged_model(model.model_id).status is LoggedModelStatus.FAILED


def test_a_model_of_a_living_run_is_not_touched(lab_home: Settings) -> None:
    store = open_store(lab_home)
    for run_id in (open_run_of(store, submitted(lab_home, "PENDING")), open_run_of(store, new_inline_job())):
        store.client.create_logged_model(store.experiment_id, name="model", source_run_id=run_id)
    assert finding(lab_home, "logged models").ok
    assert mend(lab_home) == []


@pytest.mark.parametrize("state", ["ENQUEUED", "PENDING"])
def test_what_belongs_to_a_queued_or_running_job_is_left_alone(trained_copy: Settings, state: str) -> None:
    store = open_store(trained_copy)
    job_id = submitted(trained_copy, state)
    run_id = open_run_of(store, job_id)
    version = all_versions(store)[0]
    store.client.create_model_version(
        store.model_name, "file:///nowhere", run_id=run_id, tags={JOB_TAG: job_id, "model.sha256": version.sha256}
    )
    WorkFolder(trained_copy, job_id).artifacts.mkdir(parents=True)
    assert wrong(look(trained_copy)) == ["job queue"]
    assert mend(trained_copy) == []
    assert get_run(store, run_id).status is RunStatus.RUNNING
    assert WorkFolder(trained_copy, job_id).artifacts.is_dir()


def test_jobs_that_lost_their_worker_are_left_to_the_next_one(lab_home: Settings) -> None:
    submitted(lab_home, "PENDING")
    found = finding(lab_home, "job queue")
    assert not found.ok
    assert "1 of them lost their worker; the next one goes on with them" in found.detail


@pytest.mark.parametrize(
    ("state", "status", "failure"),
    [
        ("CANCELLED", RunStatus.KILLED, "The training was cancelled."),
        ("ERROR", RunStatus.FAILED, "Its worker ended in the middle of it."),
        ("MAX_RECOVERY_ATTEMPTS_EXCEEDED", RunStatus.FAILED, "too often"),
    ],
)
def test_a_run_ends_as_its_job_ended(lab_home: Settings, state: str, status: RunStatus, failure: str) -> None:
    store = open_store(lab_home)
    job_id = submitted(lab_home, state)
    run_id = open_run_of(store, job_id, "left")
    WorkFolder(lab_home, job_id).artifacts.mkdir(parents=True)
    (told,) = mend(lab_home)
    assert told.startswith(f"closed run left as {status}: ")
    run = get_run(store, run_id)
    assert run.status is status
    assert failure in run.tags[FAILURE_TAG]
    assert not WorkFolder(lab_home, job_id).root.exists()


def test_a_trial_whose_job_has_ended_is_closed_and_its_sweep_is_not_touched(lab_home: Settings) -> None:
    store = open_store(lab_home)
    sweep = str(store.client.create_run(store.experiment_id, run_name="sweep", tags={SWEEP_TAG: "s"}).info.run_id)
    trials = {
        state: open_run_of(store, submitted(lab_home, state), f"trial {state}", **{SWEEP_TAG: "s"})
        for state in ("SUCCESS", "ERROR", "CANCELLED")
    }
    lost = open_run_of(store, "trial-s-4", "trial lost", **{SWEEP_TAG: "s"})
    assert len(mend(lab_home)) == 4
    ended = {state: get_run(store, run_id).status for state, run_id in {**trials, "lost": lost}.items()}
    assert ended == {
        "SUCCESS": RunStatus.FINISHED,
        "ERROR": RunStatus.FAILED,
        "CANCELLED": RunStatus.KILLED,
        "lost": RunStatus.FAILED,
    }
    assert get_run(store, sweep).status is RunStatus.RUNNING
    assert wrong(look(lab_home)) == []


def test_a_succeeded_job_keeps_its_model_whatever_its_run_says(trained_copy: Settings) -> None:
    """MLflow went away before the run could be closed, so the run says RUNNING and the model is whole."""
    store, registry = open_store(trained_copy), ModelRegistry(trained_copy)
    (entry,) = registry.list_models()
    job_id = submitted(trained_copy, "SUCCESS")
    assert entry.run_id is not None
    store.client.set_tag(entry.run_id, JOB_TAG, job_id)
    store.client.update_run(entry.run_id, status="RUNNING")
    local_only = open_run_of(store, submitted(trained_copy, "SUCCESS"), "kept locally")
    saved = trained_copy.paths.saved_models / "model_ridge_local.joblib"
    saved.write_bytes(b"a model")
    registry.register_model(saved, run_id=local_only)
    mend(trained_copy)
    assert get_run(store, entry.run_id).status is RunStatus.FINISHED
    assert get_run(store, local_only).tags[FAILURE_TAG] == "Recorded in the local registry only."
    assert len(registry.list_models()) == 2
    assert registry.model_file(entry).is_file()
    assert saved.is_file()
    assert wrong(look(trained_copy)) == []


@pytest.mark.parametrize(("state", "status"), [("CANCELLED", "KILLED"), ("ERROR", "FAILED")])
def test_what_a_failed_or_cancelled_job_registered_is_taken_back_from_both_registries(
    trained_copy: Settings, state: str, status: str
) -> None:
    store, registry = open_store(trained_copy), ModelRegistry(trained_copy)
    (entry,) = registry.list_models()
    assert entry.run_id is not None
    store.client.set_tag(entry.run_id, JOB_TAG, submitted(trained_copy, state))
    store.client.set_terminated(entry.run_id, status)
    assert wrong(look(trained_copy)) == ["half registrations"]
    (told,) = mend(trained_copy)
    assert (
        told == f"took back version 1 of MLflow and {entry.version} of registry.json: its run forest_of_20 is {status}"
    )
    assert all_versions(store) == registry.list_models() == []
    assert not registry.model_file(entry).exists()
    assert wrong(look(trained_copy)) == []


@pytest.mark.parametrize("status", ["RUNNING", "FAILED"])
def test_a_version_with_an_alias_is_never_taken_back(trained_copy: Settings, status: str) -> None:
    """Neither one that has it when the doctor looks, nor one that gets it before the doctor acts."""
    store = open_store(trained_copy)
    (version,) = all_versions(store)
    store.client.set_tag(version.run_id, JOB_TAG, submitted(trained_copy, "ERROR"))
    store.client.update_run(version.run_id, status=status)
    seen_before = look(trained_copy)
    store.client.set_registered_model_alias(store.model_name, "champion", "1")
    refused, noticed = treat(trained_copy, lambda: store, seen_before, actor=TESTER)
    assert not refused.done
    assert noticed.done
    assert "champion is version 1 in MLflow and nobody in the ledger" in noticed.sentence
    assert "An alias points to version 1 by now" in refused.sentence
    (told,) = [one for one in look(trained_copy) if not one.ok]
    assert "alias" in told.remedy
    assert mend(trained_copy) == []
    assert [one.version for one in all_versions(store)] == ["1"]


def test_runs_of_other_programs_hosts_and_queues_are_told_and_not_touched(lab_home: Settings) -> None:
    store = open_store(lab_home)
    stranger = str(store.client.create_run(store.experiment_id, run_name="a notebook").info.run_id)
    elsewhere = open_run_of(store, new_inline_job() + ".example.org", "on another host")
    alive = open_run_of(store, new_inline_job(), "in this process")
    found = finding(lab_home, "open runs")
    assert "1 runs say RUNNING without a job: a notebook" in found.detail
    assert "on another host" in found.detail
    assert "in this process" not in found.detail
    assert mend(lab_home) == []
    assert {get_run(store, run_id).status for run_id in (stranger, elsewhere, alive)} == {RunStatus.RUNNING}

    uri = lab_home.tracking_uri
    shared = lab_home.model_copy(
        update={"home": lab_home.home.parent / "b", "tracking": lab_home.tracking.model_copy(update={"uri": uri})}
    )
    other = open_run_of(store, "train-of-another-lab", "of another lab")
    assert "of another lab" in finding(shared, "open runs").detail
    assert mend(shared) == []
    assert get_run(store, other).status is RunStatus.RUNNING
    assert mend(lab_home) == ["closed run of another lab as FAILED: its worker ended in the middle of it"]


def test_a_version_that_registry_json_lacks_is_entered(trained_copy: Settings) -> None:
    (before,) = ModelRegistry(trained_copy).list_models()
    trained_copy.paths.registry.write_text('{"schema": 1, "models": []}', encoding="utf-8")
    assert mend(trained_copy) == ["entered version 1 of MLflow in registry.json"]
    (after,) = ModelRegistry(trained_copy).list_models()
    assert (after.version, after.model_path, after.sha256) == (before.version, before.model_path, before.sha256)
    assert wrong(look(trained_copy)) == []


def test_an_entry_made_while_mlflow_was_away_gets_its_number(trained_copy: Settings) -> None:
    registry = open_registry(trained_copy, functools.cache(lambda: open_store(trained_copy)))
    (before,) = registry.list_models()
    text = trained_copy.paths.registry.read_text(encoding="utf-8")
    trained_copy.paths.registry.write_text(text.replace('"mlflow_version": "1"', '"mlflow_version": null'))
    mend(trained_copy)
    assert registry.list_models() == [before]


def test_a_version_another_program_registered_is_no_complaint(trained_copy: Settings) -> None:
    store = open_store(trained_copy)
    store.client.create_model_version(store.model_name, "file:///nowhere")
    found = finding(trained_copy, "registries")
    assert found.ok
    assert "by another program: 2" in found.detail
    assert mend(trained_copy) == []


def test_an_entry_whose_version_was_deleted_in_mlflow_is_kept_with_its_file(trained_copy: Settings) -> None:
    (entry,) = ModelRegistry(trained_copy).list_models()
    open_store(trained_copy).client.delete_model_version("housing_price_predictor", "1")
    found = finding(trained_copy, "registries")
    assert found.ok
    assert "Only in registry.json: 1, deleted in MLflow" in found.detail
    assert "delete them if nobody wants them" in found.remedy
    assert mend(trained_copy) == []
    assert ModelRegistry(trained_copy).model_file(entry).is_file()


def test_a_corrupt_registry_is_rebuilt_and_kept_beside_the_new_one(trained_copy: Settings) -> None:
    (before,) = ModelRegistry(trained_copy).list_models()
    trained_copy.paths.registry.write_bytes(b"not JSON")
    assert mend(trained_copy) == ["rebuilt registry.json from MLflow, the corrupt one kept beside it"]
    (after,) = ModelRegistry(trained_copy).read_file()
    assert (after.version, after.model_path) == (before.version, before.model_path)
    (aside,) = trained_copy.paths.registry.parent.glob("registry.json.corrupt-*")
    assert aside.read_bytes() == b"not JSON"


def test_a_corrupt_registry_is_not_touched_while_mlflow_is_away(trained_copy: Settings) -> None:
    for file in trained_copy.paths.mlruns.glob("mlflow.db*"):
        file.write_bytes(b"no database " * 1000)
    trained_copy.paths.registry.write_bytes(b"not JSON")
    assert "registries" in wrong(look(trained_copy))
    assert mend(trained_copy) == []
    assert trained_copy.paths.registry.read_bytes() == b"not JSON"
    assert len(list(trained_copy.paths.registry.parent.iterdir())) == 1


def test_a_missing_registry_is_rebuilt(trained_copy: Settings) -> None:
    (before,) = ModelRegistry(trained_copy).list_models()
    trained_copy.paths.registry.unlink()
    assert "missing" in finding(trained_copy, "registries").detail
    assert mend(trained_copy) == ["rebuilt registry.json from MLflow"]
    assert ModelRegistry(trained_copy).read_file()[0].version == before.version


def test_a_lost_model_file_is_copied_out_of_mlflow(trained_copy: Settings) -> None:
    (entry,) = ModelRegistry(trained_copy).list_models()
    file = ModelRegistry(trained_copy).model_file(entry)
    file.unlink()
    assert mend(trained_copy) == [f"copied the lost model file of {entry.version} out of version 1 of MLflow"]
    assert file_sha256(file) == entry.sha256


def test_a_model_file_no_entry_names_is_told_and_kept(trained_copy: Settings) -> None:
    own = trained_copy.paths.saved_models / "model_my_own.joblib"
    own.write_bytes(b"saved by hand")
    found = finding(trained_copy, "model files")
    assert found.ok
    assert "1 are named by no entry: model_my_own.joblib" in found.detail
    assert "register them" in found.remedy
    assert mend(trained_copy) == []
    assert own.is_file()


def test_half_written_files_of_dead_processes_are_removed_and_no_others(lab_home: Settings) -> None:
    dead = dead_process()
    hour_ago = time.time() - 3600

    def draft(folder: Path, pid: int, *, old: bool = True, name: str = "") -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / (name or f".registry.json.{pid}.0a1b2c3d.part")
        file.write_text("half")
        if old:
            os.utime(file, (hour_ago, hour_ago))
        return file

    home, own = lab_home.home, os.getpid()
    going = [
        draft(home / "models" / "saved_models", dead),
        draft(home / "data" / "raw", dead),
        draft(home / "logs", dead),
        draft(home / "models", own),  # older than this process: its writer had the same id, and is gone
    ]
    staying = [
        draft(home / "models" / "model_registry", dead, old=False),
        draft(home / "data", own, old=False),
        draft(home / "data", dead, name="housing.csv.part"),
        draft(home / "notes", dead),
    ]
    assert len(mend(lab_home)) == len(going)
    assert not any(file.exists() for file in going)
    assert all(file.exists() for file in staying)


def test_work_folders_of_jobs_that_have_ended_are_removed_and_no_others(lab_home: Settings) -> None:
    ended = [submitted(lab_home, "SUCCESS"), "train-nobodyknows", f"inline-{dead_process()}-1-00000000-{_host()}"]
    living = [submitted(lab_home, "PENDING"), new_inline_job(), new_inline_job() + ".example.org", "inline-123"]
    for job_id in (*ended, *living):
        WorkFolder(lab_home, job_id).artifacts.mkdir(parents=True)
    told = mend(lab_home)
    assert sorted(told) == sorted(f"removed the work folder of job {job_id}, which has ended" for job_id in ended)
    assert {folder.name for folder in lab_home.paths.job_files.iterdir()} == set(living)


def test_a_job_a_living_worker_still_has_in_hand_is_left_to_it(lab_home: Settings) -> None:
    """A cancelled training runs to the end of its step."""
    store = open_store(lab_home)
    job_id = submitted(lab_home, "CANCELLED")
    run_id = open_run_of(store, job_id)
    WorkFolder(lab_home, job_id).artifacts.mkdir(parents=True)
    queue = JobQueue(lab_home)
    queue.board.open(job_id, "a worker")
    queue.roster.beat("a worker")
    assert mend(lab_home) == []
    queue.roster.leave("a worker")
    queue.close()
    assert get_run(store, run_id).status is RunStatus.RUNNING
    assert len(mend(lab_home)) == 1


def test_one_mend_that_fails_is_told_and_holds_up_no_other(killed: Settings) -> None:
    lock = killed.paths.locks / "registry.lock"
    lock.unlink(missing_ok=True)
    lock.mkdir()
    connect = functools.cache(lambda: open_store(killed))
    treated = list(treat(killed, connect, list(examine(killed, connect)), actor=TESTER))
    refused = [one.sentence for one in treated if not one.done]
    assert len(treated) > len(refused) > 0
    assert all(sentence.startswith("could not ") and "registry" in sentence for sentence in refused), refused
    assert not any(folder.name.startswith("inline") for folder in killed.paths.job_files.iterdir())


def _host() -> str:
    return new_inline_job().split("-", 4)[4]


def test_an_act_that_nothing_is_left_of_is_not_told(killed: Settings) -> None:
    """Somebody else mended it between the look and the act."""
    connect = functools.cache(lambda: open_store(killed))
    found = list(examine(killed, connect))
    mend(killed)
    again: list[Treated] = list(treat(killed, connect, found, actor=TESTER))
    assert again == []
