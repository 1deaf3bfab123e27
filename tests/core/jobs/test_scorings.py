"""Files priced by real workers: beside a training, cancelled, cut off, taken up again, and cleaned away."""

from __future__ import annotations

import io
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from core.domain.errors import NotFound, QueueFull
from core.domain.jobs import Job, JobState
from core.domain.scoring import PRICE_COLUMNS, ScoredFile
from core.domain.settings import Settings
from core.jobs.desk import Workplace
from core.jobs.scoring_job import OldFiles
from core.tracking.store import Connection
from core.workflows.lab import Lab
from core.workflows.scored_files import ScoredFolder
from tests.actors import TESTER
from tests.core.jobs.conftest import is_final, request_of, wait_for
from tests.forked import working
from tests.scored import HOUSE, csv_text, raw_rows

MANY = 60_000
"""Rows that take a worker some seconds in parts of a hundred."""


@pytest.fixture
def home(trained_settings: Settings, tmp_path: Path) -> Settings:
    """The home of the shared training over again, its artifacts shared, with no worker started by the app."""
    copied = tmp_path / "home"
    shutil.copytree(trained_settings.home, copied, ignore=shutil.ignore_patterns("artifacts"))
    return trained_settings.model_copy(
        update={
            "home": copied,
            "jobs": trained_settings.jobs.model_copy(update={"embedded_worker": False}),
            "scoring": trained_settings.scoring.model_copy(update={"chunk_rows": 100}),
        }
    )


@pytest.fixture
def lab(home: Settings) -> Iterator[Lab]:
    made = Lab(home)
    yield made
    made.queue.close()


@pytest.fixture(scope="module")
def many(real_rows: pd.DataFrame) -> bytes:
    rows = raw_rows(real_rows, 20_000)
    return pd.concat([rows] * (MANY // len(rows))).to_csv(index=False).encode()


def send(lab: Lab, content: bytes, name: str = "houses.csv") -> str:
    return lab.scoring.start(io.BytesIO(content), name, {}, actor=TESTER)


def is_under_way(job: Job) -> bool:
    return job.progress is not None and job.progress.done > 0


def test_a_file_is_priced_while_a_training_has_the_worker(lab: Lab, home: Settings) -> None:
    training = lab.queue.submit(request_of("random_forest", n_estimators=500, max_depth=30))
    with working(home):
        wait_for(lab.queue, training, is_under_way)
        bad = {**HOUSE, "latitude": "", "note": "=1+1"}
        job_id = send(lab, csv_text([{**HOUSE, "note": ""}, bad]).encode(), "my <b>houses</b>.csv")
        job = wait_for(lab.queue, job_id, is_final)
        assert lab.queue.get(training).state is JobState.RUNNING, "it did not wait for the forest"
        lab.queue.cancel(training)
    assert job.state is JobState.SUCCEEDED, job.failure
    assert job.scored is not None
    assert (job.scored.rows, job.scored.priced, job.scored.rejected) == (2, 1, 1)
    assert job.scored.source == "Priced by version 1, the newest: no champion is promoted yet."
    assert [one.job_id for one in lab.scoring.newest()] == [job_id]
    assert [one.name for one in lab.scoring.results(lab.scoring.get(job_id))] == [
        "my _b_houses_b_.priced.csv",
        "my _b_houses_b_.priced.parquet",
        "my _b_houses_b_.priced.rejected.csv",
    ]
    priced = pd.read_csv(io.BytesIO(lab.scoring.read(job_id, ScoredFile.CSV)))
    assert list(priced.columns) == [*HOUSE, "note", *PRICE_COLUMNS]
    again = pd.read_parquet(io.BytesIO(lab.scoring.read(job_id, ScoredFile.PARQUET)))
    assert again["price"][0] == pytest.approx(priced["price"][0], abs=0.006)
    assert again["latitude"].dtype == float
    assert b"'=1+1" in lab.scoring.read(job_id, ScoredFile.REJECTED)


def test_a_cancelled_scoring_stops_between_two_parts_and_leaves_nothing(lab: Lab, home: Settings, many: bytes) -> None:
    with working(home):
        job_id = send(lab, many)
        wait_for(lab.queue, job_id, is_under_way)
        began = time.monotonic()
        lab.scoring.cancel(job_id, actor=TESTER)
        assert lab.scoring.get(job_id).state is JobState.CANCELLED
        until(lambda: not (home.paths.scored / job_id).exists())
        print(f"gone after {time.monotonic() - began:.2f} s")
        # The worker is free for the next.
        assert wait_for(lab.queue, send(lab, csv_text([HOUSE]).encode()), is_final).state is JobState.SUCCEEDED
    with pytest.raises(NotFound, match="not here any more"):
        lab.scoring.read(job_id, ScoredFile.CSV)


def test_a_scoring_whose_worker_is_killed_is_begun_anew_and_ends_as_if_nothing_had_been(
    lab: Lab, home: Settings, many: bytes
) -> None:
    job_id = send(lab, many)
    folder = home.paths.scored / job_id
    with working(home, parent=os.getpid()):
        wait_for(lab.queue, job_id, is_under_way)
    assert [file for file in folder.iterdir() if file.suffix == ".part"], "it was cut off in its middle"
    assert not (folder / ScoredFile.CSV).exists()
    quick = home.model_copy(update={"scoring": home.scoring.model_copy(update={"chunk_rows": 20_000})})
    with working(quick, parent=os.getpid()):
        job = wait_for(lab.queue, job_id, is_final)
    assert job.state is JobState.SUCCEEDED, job.failure
    assert job.scored is not None
    assert job.scored.priced == MANY
    assert {file.name for file in folder.iterdir()} == {"input", *ScoredFile}
    assert len(pd.read_parquet(folder / ScoredFile.PARQUET)) == MANY
    assert not lab.queue.board.open_jobs()


def test_what_is_cancelled_while_no_worker_lives_is_removed_by_the_next_one(
    lab: Lab, home: Settings, many: bytes
) -> None:
    job_id = send(lab, many)
    with working(home, parent=os.getpid()):
        wait_for(lab.queue, job_id, is_under_way)
    lab.scoring.cancel(job_id, actor=TESTER)
    assert (home.paths.scored / job_id).exists(), "nobody could remove it yet"
    with working(home, parent=os.getpid()):
        until(lambda: not (home.paths.scored / job_id).exists())


def test_a_file_that_cannot_be_priced_says_why_and_is_not_kept(lab: Lab, home: Settings) -> None:
    content = csv_text([HOUSE] * 3) + '"open'
    with working(home):
        job = wait_for(lab.queue, send(lab, content.encode()), is_final)
        gone = send(lab, csv_text([HOUSE]).encode())
        (home.paths.scored / gone / "input").unlink(missing_ok=True)
        other = wait_for(lab.queue, gone, is_final)
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert "cannot be parsed as CSV" in job.failure.what
    assert not (home.paths.scored / job.job_id).exists()
    assert other.failure is None or "not on this host" in other.failure.what


def test_a_waiting_file_has_a_place_of_its_own_queue_and_is_listed_with_all_jobs(lab: Lab) -> None:
    lab.queue.submit(request_of())
    first, second = (send(lab, csv_text([HOUSE]).encode(), name) for name in ("a.csv", "b.csv"))
    assert [(job.job_id, job.queue_position) for job in lab.scoring.under_way()] == [(second, 2), (first, 1)]
    assert [job.request.title for job in lab.queue.list_jobs(trials=True)][:2] == ["scoring b.csv", "scoring a.csv"]
    assert len(lab.queue.list_jobs()) == 1, "the list of trainings has trainings alone"
    lab.scoring.cancel(first, actor=TESTER)
    assert [job.queue_position for job in lab.scoring.under_way()] == [1]


def test_a_full_queue_keeps_no_file(home: Settings) -> None:
    lab = Lab(home.model_copy(update={"jobs": home.jobs.model_copy(update={"queued": 1})}))
    send(lab, csv_text([HOUSE]).encode())
    with pytest.raises(QueueFull, match="files wait already"):
        send(lab, csv_text([HOUSE]).encode())
    assert len(list(home.paths.scored.iterdir())) == 1
    lab.queue.close()


def test_a_job_of_another_kind_is_no_scoring(lab: Lab) -> None:
    training = lab.queue.submit(request_of())
    with pytest.raises(NotFound, match="prices no file"):
        lab.scoring.get(training)


def test_files_are_removed_after_the_days_the_settings_keep_them_unless_their_job_still_waits(
    lab: Lab, home: Settings
) -> None:
    waiting, cancelled = (send(lab, csv_text([HOUSE]).encode()) for _ in range(2))
    lab.queue.cancel(cancelled)
    nobodys = ScoredFolder(home, "score-0123456789ab")
    nobodys.receive(io.BytesIO(b"a,b\n"))
    young = ScoredFolder(home, "score-ba9876543210")
    young.receive(io.BytesIO(b"a,b\n"))
    (home.paths.scored / "somebody else's").mkdir()
    for name in (waiting, cancelled, nobodys.root.name, "somebody else's"):
        old = time.time() - 7.1 * 86_400
        os.utime(home.paths.scored / name, (old, old))
    OldFiles(Workplace(home, lab.queue, Connection(home), "tester")).look()
    assert {folder.name for folder in home.paths.scored.iterdir()} == {waiting, young.root.name, "somebody else's"}


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
