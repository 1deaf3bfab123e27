"""Who works on what, who lives, and from which files a job may go on."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from core.domain.settings import Settings
from core.jobs.board import ProgressBoard
from core.jobs.database import create_tables
from core.jobs.embedded import _lives, ensure_worker
from core.jobs.engine import JobQueue
from core.jobs.roster import _WORKERS, ALIVE_SECONDS, Roster, Worker


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'lab.db'}")
    create_tables(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def board(engine: sa.Engine) -> ProgressBoard:
    return ProgressBoard(engine)


@pytest.fixture
def roster(engine: sa.Engine) -> Roster:
    return Roster(engine)


@pytest.fixture
def dead_pid() -> int:
    """The process id of one that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def _set(roster: Roster, worker_id: str, **values: object) -> None:
    with roster.begin() as connection:
        connection.execute(sa.update(_WORKERS).where(_WORKERS.c.worker_id == worker_id).values(**values))


def test_a_job_is_open_for_the_worker_that_took_it_up_last(board: ProgressBoard) -> None:
    assert board.open_jobs() == {}
    board.open("one", "ann")
    board.open("other", "ann")
    board.open("one", "bob")
    assert board.open_jobs() == {"one": "bob", "other": "ann"}


def test_a_closed_job_leaves_neither_an_open_mark_nor_checkpoints(board: ProgressBoard) -> None:
    for job_id in ("one", "other"):
        board.open(job_id, "ann")
        board.checkpoints(job_id).enter(f"{job_id}.trees", "0" * 64)
    board.close("one")
    board.close("one")
    board.close("nobody")
    assert board.open_jobs() == {"other": "ann"}
    assert board.checkpoints("one").chunks() == []
    assert board.checkpoints("other").chunks() == [("other.trees", "0" * 64)]


def test_checkpoints_come_in_the_order_they_were_entered_each_job_its_own(board: ProgressBoard) -> None:
    names = ["30", "4", "100", "aa"]
    for name in names:
        board.checkpoints("one").enter(name, f"digest of {name}")
        board.checkpoints("other").enter(name.upper(), "another digest")
    assert board.checkpoints("one").chunks() == [(name, f"digest of {name}") for name in names]
    assert [name for name, _ in board.checkpoints("other").chunks()] == ["30", "4", "100", "AA"]
    assert board.checkpoints("nobody").chunks() == []


def test_a_worker_that_never_beat_is_unknown(roster: Roster) -> None:
    assert roster.workers() == []
    roster.leave("nobody")
    roster.beat("ann")
    assert [worker.worker_id for worker in roster.workers()] == ["ann"]


def test_a_worker_says_where_it_is_and_beats_in_one_row(roster: Roster) -> None:
    for worker_id in ("bob", "ann", "bob"):
        roster.beat(worker_id)
    ann, bob = roster.workers()
    assert (ann.worker_id, bob.worker_id) == ("ann", "bob")
    assert (bob.host, bob.pid, bob.is_alive) == (socket.gethostname(), os.getpid(), True)


def test_a_worker_that_left_is_struck_off(roster: Roster) -> None:
    roster.beat("ann")
    roster.beat("bob")
    roster.leave("ann")
    assert [worker.worker_id for worker in roster.workers()] == ["bob"]


def test_a_worker_is_dead_after_so_much_silence_and_lives_with_its_next_beat(roster: Roster) -> None:
    roster.beat("ann")
    for silence, is_alive in ((ALIVE_SECONDS - 3, True), (ALIVE_SECONDS + 0.1, False)):
        _set(roster, "ann", heartbeat=roster.now - silence)
        (worker,) = roster.workers()
        assert worker.seconds_since_heartbeat == pytest.approx(silence, abs=2.5)
        assert worker.is_alive is is_alive
    roster.beat("ann")
    assert roster.workers()[0].is_alive


def test_a_worker_that_died_before_the_clock_was_set_back_counts_as_dead(roster: Roster) -> None:
    """Its heartbeat lies in the future, and nobody would take over its jobs until the clock has come there again."""
    roster.beat("ann")
    roster.beat("bob")
    for silence, is_alive in ((-ALIVE_SECONDS + 3, True), (-3600.0, False)):
        _set(roster, "ann", heartbeat=roster.now - silence)
        found = {worker.worker_id: worker.is_alive for worker in roster.workers()}
        assert found == {"ann": is_alive, "bob": True}
    roster.beat("ann")
    assert all(worker.is_alive for worker in roster.workers()), "who lives beats again by the new clock"


@pytest.mark.parametrize("ahead", [-3600.0, 3600.0])
def test_silence_is_counted_by_the_databases_clock(
    roster: Roster, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    """The clock of a host may be an hour off: its worker counts as alive all the same."""
    right = time.time
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: right() + ahead)
        roster.beat("ann")
    assert abs(roster.workers()[0].seconds_since_heartbeat) < 2.5


def test_a_process_that_is_gone_from_this_host_does_not_live_however_lately_it_beat(dead_pid: int) -> None:
    here = socket.gethostname()
    assert _lives(Worker("ann", here, os.getpid(), 0.5))
    assert not _lives(Worker("ann", here, dead_pid, 0.5))
    assert _lives(Worker("ann", f"not-{here}", dead_pid, 0.5)), "whether it is gone from another host, nobody can tell"


def test_a_killed_child_nobody_asked_after_does_not_live() -> None:
    """The app is its embedded worker's parent, and it does not wait for it."""
    child = subprocess.Popen(["sleep", "60"])
    worker = Worker("ann", socket.gethostname(), child.pid, 0.5)
    assert _lives(worker)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert psutil.pid_exists(child.pid)
    assert not _lives(worker)
    child.wait()


def test_a_worker_killed_a_moment_ago_does_not_keep_a_new_one_from_being_started(
    queue: JobQueue, settings: Settings, dead_pid: int
) -> None:
    queue.roster.beat("ann")
    assert ensure_worker(settings, queue) is None, "this process stands on the roster, and it lives"
    _set(queue.roster, "ann", pid=dead_pid)
    assert [worker.worker_id for worker in queue.live_workers()] == ["ann"], "it was heard of just now"
    forbidden = settings.model_copy(update={"jobs": settings.jobs.model_copy(update={"embedded_worker": False})})
    assert ensure_worker(forbidden, queue) is None
    started = ensure_worker(settings, queue)
    assert started is not None
    started.kill()
    started.wait()
