"""Half an hour of mixed use of the real app, worker and REST service: nothing grows, leaks or complains."""

from __future__ import annotations

import io
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pytest

from core.domain.configuration import load_settings
from core.domain.house import House
from core.domain.jobs import Job, JobState
from core.domain.runs import Alias
from core.domain.settings import Settings
from core.workflows.lab import Lab
from tests.actors import TESTER
from tests.benchmarks.visitors import Plan, visit
from tests.browser.server import RunningApp, running_app
from tests.conftest import RANGE_VARIABLE, rows_in
from tests.core.jobs.conftest import request_of
from tests.core.serving.service import Service, running_service, split_of
from tests.faults.conftest import until
from tests.faults.watching import Watched, change_of, complaints, held_files, watching

MINUTES_VARIABLE = "SOAK_MINUTES"
MINUTES = 30.0
WARM_SHARE = 0.3
"""Of the time, after which everything was used at least a few times and caches are full."""

MOST_GROWTH = 0.10
MORE_HANDLES = 4
"""A pool may open another connection or two at any time; what leaks has leaked hundreds by the end."""

PAUSE_SECONDS = 2.0
BEGIN_SECONDS = 120
JOB_SECONDS = 600
JOBS = (
    ("ridge", {}),
    ("lightgbm", {"n_estimators": 80}),
    ("random_forest", {"n_estimators": 20, "max_depth": 8}),
)
REQUESTS = 60
SCORED_ROWS = 1_500
MALFORMED = (b"{", b'{"instances": [[1, 2]]}', b'{"dataframe_split": {}}', b"\xff\xfe", b"[]")


class Soak:
    """One home, the processes over it, and what was done so far."""

    def __init__(self, settings: Settings, app: RunningApp, service: Service, rows: pd.DataFrame) -> None:
        self.lab = Lab(settings)
        self.counts: Counter[str] = Counter()
        self.errors: list[str] = []
        self._settings = settings
        self._app = app
        self._service = service
        self._houses = [House.from_mapping(row) for row in rows.head(20).to_dict("records")]
        self._file = rows.head(SCORED_ROWS).to_csv(index=False).encode()
        self._runs: list[str] = []

    def round(self, number: int) -> None:
        """Everything once: train and watch, look at the run, compare, promote, value, score, browse."""
        family, knobs = JOBS[number % len(JOBS)]
        job_id = self.lab.queue.submit(request_of(family, **knobs))
        self.open("train", job=job_id)
        job = self._ended(self.lab.queue.get, job_id)
        self.counts["trained"] += 1
        assert job.outcome is not None
        assert job.outcome.version is not None, job.outcome.notes
        self._runs = [*self._runs, str(job.outcome.run_id)][-3:]
        self.open("train", job=job_id)
        self.open("runs")
        self.open("runs", run=self._runs[-1])
        if len(self._runs) > 1:
            self.open("compare", runs=",".join(self._runs))
            self.counts["compared"] += 1
        self.open("models", version=job.outcome.version)
        self._promote(job.outcome.version)
        self._ask()
        self.open("")
        self.open("tune")
        move = Plan("what_if", {"median_income": "4"}, "median_income", [2.0, 3.0, 5.0, 6.0], moves=4, think=0.3)
        self._note(visit(self._app.url, move, 1).errors)
        self.counts["valued on What-if"] += move.moves
        self._score()
        if number % 3 == 2:
            self.lab.promotions.rollback(actor=TESTER, reason="soak")
            self.counts["rolled back"] += 1
            self._followed()
        self._wait_for_ranges()

    def open(self, screen: str, **address: str) -> None:
        """A visitor comes, sees the whole screen and goes."""
        self._note(visit(self._app.url, Plan(screen, address), 1).errors)
        self.counts["screens"] += 1

    def worker_pid(self) -> int | None:
        """The process that works now."""
        return next((worker.pid for worker in self.lab.queue.live_workers()), None)

    def _promote(self, version: str) -> None:
        verdict = self.lab.promotions.verdict(version, Alias.CHAMPION)
        self.lab.promotions.promote(verdict, actor=TESTER, reason="soak", override=True)
        self.counts["promoted"] += 1
        self._followed()

    def _followed(self) -> None:
        champion = self.lab.promotions.versions().champion
        until(lambda: self._service.ask("GET", "/version").json["version"] == champion, "REST did not follow", 30)

    def _ask(self) -> None:
        for number in range(REQUESTS):
            house = self._houses[number % len(self._houses)]
            answers = [self._service.invoke(split_of([house])), self._service.value(house.as_dict())]
            self._note([f"{one.status}: {one.body[:200]!r}" for one in answers if one.status != 200])
            self.counts["REST answers"] += len(answers)
        for bad in MALFORMED:
            answer = self._service.invoke(bad)
            self._note([] if 400 <= answer.status < 500 else [f"{answer.status} for {bad!r}"])
            self.counts["REST refusals"] += 1

    def _score(self) -> None:
        job_id = self.lab.scoring.start(io.BytesIO(self._file), "houses.csv", {}, actor=TESTER)
        self.open("score", job=job_id)
        self._ended(self.lab.scoring.get, job_id)
        self.open("score", job=job_id)
        self.counts["files scored"] += 1

    def _ended(self, get: Callable[[str], Job], job_id: str) -> Job:
        until(lambda: self.lab.queue.get(job_id).state.is_final, f"{job_id} does not end", JOB_SECONDS, pause=0.2)
        job = get(job_id)
        assert job.state is JobState.SUCCEEDED, job
        return job

    def _wait_for_ranges(self) -> None:
        until(lambda: not self.lab.ranges.under_way(), "the ranges are not measured", JOB_SECONDS, pause=0.2)
        self.counts["ranges"] = len(self.lab.queue.list_assessments(limit=1000))

    def _note(self, errors: list[str]) -> None:
        self.errors.extend(errors)


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
def test_mixed_use_leaves_memory_and_handles_flat_and_logs_clean(tmp_path: Path, real_rows: pd.DataFrame) -> None:
    seconds = 60 * float(os.environ.get(MINUTES_VARIABLE, MINUTES))
    file = tmp_path / "housing.csv"
    real_rows.sample(3_000, random_state=1).to_csv(file, index=False)
    environment = {**rows_in(file), RANGE_VARIABLE: "2"}
    settings = load_settings(home=tmp_path / "home", environment=environment)
    settings.home.mkdir()
    rest_log = tmp_path / "serve.log"
    with (
        running_app(settings.home, settings.as_environment()) as app,
        running_service(settings, rest_log) as service,
    ):
        soak = Soak(settings, app, service, real_rows.drop(columns="median_house_value"))
        until(lambda: soak.worker_pid() is not None, "the app started no worker", BEGIN_SECONDS)
        processes = {
            "app": lambda: app.process.pid,
            "worker": soak.worker_pid,
            "REST": lambda: service.process.pid,
            "this test": os.getpid,
        }
        with watching(processes) as watched:
            began = time.monotonic()
            rounds = 0
            while time.monotonic() - began < seconds:
                soak.round(rounds)
                rounds += 1
                time.sleep(PAUSE_SECONDS)
            ended = time.monotonic() - began
        held = {name: held_files(pid) for name, pid_of in processes.items() if (pid := pid_of()) is not None}
    for name, files in held.items():
        print(name, "holds", files.most_common(8))
    _judge(soak, watched, rounds, ended, [*settings.paths.logs.glob("*.log"), app.log, rest_log])


def _judge(soak: Soak, watched: Mapping[str, Watched], rounds: int, ended: float, logs: list[Path]) -> None:
    changes = [change_of(one, WARM_SHARE * ended, ended) for one in watched.values()]
    complained = complaints(logs)
    print(f"\n{rounds} rounds in {ended / 60:.1f} minutes: {dict(soak.counts)}")
    for change in changes:
        print(change)
    for one in watched.values():
        tenth = ended / 10
        pictures = [one.between(part * tenth, (part + 1) * tenth) for part in range(10)]
        print(one.name, [f"{part[-1].megabytes:.0f} MB {part[-1].handles}" for part in pictures if part])
    print(f"{len(logs)} logs, {len(complained)} complaints; {len(soak.errors)} errors met by visitors and callers")
    assert not soak.errors, soak.errors[:5]
    assert not complained, complained[:5]
    for change in changes:
        if change.name == "this test":
            continue
        assert change.growth <= MOST_GROWTH, str(change)
        assert change.handles[1] <= (1 + MOST_GROWTH) * change.handles[0] + MORE_HANDLES, str(change)
        assert (change.zombies, change.pids) == (0, 1), str(change)
