"""kill -9 at any moment: nothing is lost, nothing is registered twice, nothing says RUNNING for ever."""

from __future__ import annotations

import os
import random
import subprocess
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.faults.conftest import Counts, Ward, kill, kill_with_workers, mend, start_app, take_stock, until, ward_in
from tests.forked import start_worker

SEED = 20_261_123
HOMES = 2
"""Homes are hit side by side: a worker's start is one busy core."""

Round = Callable[[Ward, int, random.Random], None]


@pytest.mark.timeout(600)
def test_a_worker_killed_at_4_moments_loses_nothing_and_registers_nothing_twice(
    tmp_path: Path, data_file: Path
) -> None:
    _hit(tmp_path, data_file, 4, _kill_workers)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_an_app_killed_with_its_worker_at_2_moments_finds_everything_again(tmp_path: Path, data_file: Path) -> None:
    _hit(tmp_path, data_file, 2, _kill_apps)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_160_moments_of_the_worker_and_40_of_app_and_worker(tmp_path: Path, data_file: Path) -> None:
    _hit(tmp_path / "worker", data_file, 160, _kill_workers)
    _hit(tmp_path / "app", data_file, 40, _kill_apps)


def _hit(folder: Path, data_file: Path, moments: int, round_of_kills: Round) -> None:
    shares = [range(first, moments, HOMES) for first in range(HOMES)]

    def one_home(number: int) -> tuple[Counts, Counter[str], list[str]]:
        home = folder / f"home{number}"
        home.mkdir(parents=True)
        with ward_in(home, data_file) as ward:
            _go_through(ward, shares[number], round_of_kills)
            counts = take_stock(ward)
            counts.assert_whole()
            return counts, ward.hits, mend(ward)

    with ThreadPoolExecutor(HOMES) as pool:
        results = list(pool.map(one_home, range(HOMES)))
    hits = sum((hits for _, hits, _ in results), Counter())
    print(f"{hits.total()} kills, by phase: {dict(hits)}")
    for counts, _, mended in results:
        print(counts)
        print(f"the doctor had this to mend: {mended}")
    assert hits.total() == moments


def _go_through(ward: Ward, moments: range, kill_and_restart: Round) -> None:
    luck = random.Random(SEED + moments.start)  # noqa: S311 - moments, no secrets
    for moment in moments:
        kill_and_restart(ward, moment, luck)
    worker = start_worker(ward.settings, parent=os.getpid())
    try:
        ward.wait_for_all()
    finally:
        kill(worker)


def _kill_workers(ward: Ward, moment: int, luck: random.Random) -> None:
    """A job of its own for each kill; the one hit before goes first and is done by then."""
    worker = start_worker(ward.settings, parent=os.getpid())
    job_id = ward.submit()
    try:
        ward.wait_for_moment(job_id, moment, luck)
    finally:
        kill(worker)
    ward.count_hit(job_id)


def _kill_apps(ward: Ward, moment: int, luck: random.Random) -> None:
    app = start_app(ward.settings)
    try:
        until(lambda: _has_worker(ward, app), lambda: (ward.settings.home / "processes.log").read_text()[-2000:])
        job_id = ward.submit()
        ward.wait_for_moment(job_id, moment, luck)
    finally:
        kill_with_workers(app)
    ward.count_hit(job_id)


def _has_worker(ward: Ward, app: subprocess.Popen[bytes]) -> bool:
    """Whether a worker that this very app has started says that it lives."""
    children = {child.pid for child in psutil.Process(app.pid).children()}
    return any(worker.pid in children for worker in ward.queue.live_workers())
