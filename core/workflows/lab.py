"""The lab as a screen sees it: one object a server, one call a question.

It keeps what is dear to make (the open store, the queue, loaded models) and hands out values. Safe to share
between sessions and threads: no lock is held while a network, a disk or a model is waited for by others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from core.data.ingest import known_source
from core.domain.access import Actor
from core.domain.datasets import CONFIGURED
from core.domain.errors import NotFound, StoreUnavailable
from core.domain.house import House
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import Job, JobState, Progress
from core.domain.provenance import DataSource, why_not_compared
from core.domain.runs import Alias, ModelVersion, Run, Scores, TrainingOutcome
from core.domain.settings import Settings
from core.domain.sweep_plans import SweepPlan
from core.jobs.embedded import ensure_worker
from core.jobs.engine import JobQueue
from core.tracking.local_registry import open_registry
from core.tracking.local_version import LocalVersion
from core.tracking.registry import champion, champion_or_newest, version_before
from core.tracking.runs import TRAININGS_ONLY, get_run, list_runs
from core.tracking.store import Connection, Store
from core.workflows.browsing import Browsing
from core.workflows.chosen_data import settings_on
from core.workflows.comparing import Comparing
from core.workflows.data_desk import DataDesk
from core.workflows.expectation import expect, rows_to_fit
from core.workflows.loaded_models import LoadedModels
from core.workflows.measuring import Measuring
from core.workflows.price_source import PriceSource
from core.workflows.promoting import Promoting
from core.workflows.recent import Recent
from core.workflows.repeats import compare_with_twin
from core.workflows.scenarios import Scenarios
from core.workflows.scoring_desk import Scoring
from core.workflows.submitting import cancel_job, submit_training
from core.workflows.tuning import Tuning
from core.workflows.valuation import Valuation, value
from core.workflows.views import Expectation, Overview, TrainingResult, VersionCard
from core.workflows.what_if import WhatIf

KEPT_RESULTS: Final = 20
RECENT_RUNS: Final = 10
_LEARNT_FROM: Final = 200
_LEARNT_FOR_SECONDS: Final = 20.0


class Lab:
    """Everything the screens ask for.

    Raises:
        LabError: by every method, when the records, the queue or the data cannot answer.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._queue_lock = threading.Lock()
        self.connect = Connection(settings)
        self._queue: JobQueue | None = None
        self._past: Recent[str, list[Run]] = Recent(KEPT_RESULTS)
        self._repeats: Recent[str, str] = Recent(KEPT_RESULTS)
        self.tuning = Tuning(settings, lambda: self.queue, self.connect, self.keep_worker)
        self.scoring = Scoring(settings, lambda: self.queue, self.connect, self.keep_worker)
        self.ranges = Measuring(settings, lambda: self.queue, self.connect, self.keep_worker)
        self.comparing = Comparing(settings, self.connect)
        self.runs = Browsing(settings, self.connect)
        self.promotions = Promoting(settings, self.connect)
        self.scenarios = Scenarios(settings)
        self.data = DataDesk(settings, lambda: self.queue, self.connect)
        self.models = LoadedModels(settings, self.connect)
        self.what_if = WhatIf(self.models)

    @property
    def queue(self) -> JobQueue:
        """The job queue, opened on first use."""
        with self._queue_lock:
            if self._queue is None:
                self._queue = JobQueue(self.settings)
            return self._queue

    def data_is_demo(self) -> bool:
        """Whether a training now would use invented rows."""
        return known_source(self.settings) is DataSource.DEMO

    def submit(self, spec: TrainingSpec, *, actor: Actor, run_name: str = "", data_sha256: str = CONFIGURED) -> str:
        """Put a training on the queue, make sure somebody works on it, and return its id at once.

        Args:
            data_sha256: of the dataset to train on; by default the configured file.

        Raises:
            Forbidden: the actor may not. NotFound: there is no such dataset.
        """
        return submit_training(
            self.settings, lambda: self.queue, spec, actor=actor, run_name=run_name, data_sha256=data_sha256
        )

    def assess(self, version: str, *, actor: Actor) -> str:
        """Have a version's range measured, again where it was before; return the job's id at once. Raises Forbidden."""
        return self.ranges.start(version, actor=actor)

    def keep_worker(self) -> None:
        """Start the embedded worker if none is alive."""
        ensure_worker(self.settings, self.queue)

    def is_busy(self) -> bool:
        """Whether any training, sweep, scoring or measuring of a range is under way."""
        return bool(
            self.active_jobs()
            or self.tuning.heads(under_way=True)
            or self.scoring.under_way()
            or self.ranges.under_way()
        )

    def active_jobs(self) -> Sequence[Job]:
        """Queued and running trainings, newest first."""
        return self.queue.list_jobs(active_only=True)

    def job(self, job_id: str) -> Job:
        """One training as it stands now. Raises NotFound."""
        return self.queue.get(job_id)

    def training(self, job_id: str) -> Job:
        """The same, of a job that fits a model. Raises NotFound for any other."""
        job = self.queue.get(job_id)
        _ = job.spec
        return job

    def progress(self, job_id: str) -> Progress | None:
        """How far a training or a trial is; None while nobody has begun it."""
        posted = self.queue.board.read([job_id]).get(job_id)
        return posted.progress if posted else None

    def latest_job(self) -> Job | None:
        """What to look at when nobody says what: the training under way, else the newest."""
        running = [job for job in self.active_jobs() if job.state is JobState.RUNNING]
        newest = running or self.queue.list_jobs(limit=1)
        return newest[0] if newest else None

    def cancel(self, job_id: str, *, actor: Actor) -> Job:
        """Ask a job of any kind to stop. Raises Forbidden, NotFound."""
        return cancel_job(self.settings, lambda: self.queue, job_id, actor=actor)

    def overview(self) -> Overview:
        """What the first screen shows; from the local registry where MLflow is off or away."""
        try:
            store = self.connect()
            serving = champion_or_newest(store)
            runs = list_runs(store, limit=RECENT_RUNS, filter_text=TRAININGS_ONLY)
            newest = None if serving else open_registry(self.settings, self.connect).latest()
            card = _card(store, serving) if serving else _local_card(newest) if newest else None
        except StoreUnavailable as error:
            newest = open_registry(self.settings, self.connect).latest()
            return Overview(
                serving=_local_card(newest) if newest else None,
                is_champion=False,
                unreachable=error.what,
                mlflow_is_off=not self.settings.training.enable_mlflow,
            )
        return Overview(card, serving is not None and Alias.CHAMPION in serving.aliases, tuple(runs))

    def result(self, outcome: TrainingOutcome) -> TrainingResult:
        """A finished training with all the Train screen draws; without plots where MLflow holds no run of it."""
        run_id = outcome.run_id
        if run_id is None or outcome.version is None:
            apart = "MLflow holds no run of it, so the scores are not compared."
            return TrainingResult(outcome, reference=None, not_compared=apart, held_out=None)
        try:
            store = self.connect()
            run = get_run(store, run_id)
            reference = self._reference(store, outcome.version)
            held_out = self.runs.held_out(run_id)
            repeated = self._repeats.get(run_id, lambda: compare_with_twin(store, run, held_out.predicted))
        except (StoreUnavailable, NotFound) as error:
            told = replace(outcome, notes=(*outcome.notes, f"Its plots cannot be drawn. {error.what}"))
            apart = "MLflow's records of it cannot be read, so the scores are not compared."
            return TrainingResult(told, reference=None, not_compared=apart, held_out=None)
        return TrainingResult(
            outcome=outcome,
            reference=reference,
            not_compared=why_not_compared(run.tags, reference.tags, reference.title) if reference else "",
            held_out=held_out,
            repeated=repeated,
        )

    def reference_for(self, job: Job) -> VersionCard | None:
        """The version whose score a growing model is drawn against; None where there is none on the same data."""
        try:
            store = self.connect()
            serving = champion_or_newest(store)
            if serving is None or job.run_id is None or serving.run_id == job.run_id:
                return None
            card, run = _card(store, serving), get_run(store, job.run_id)
        except (StoreUnavailable, NotFound):
            return None
        return None if why_not_compared(run.tags, card.tags, card.title) else card

    def expectation(self, spec: TrainingSpec, data_sha256: str = CONFIGURED) -> Expectation | None:
        """How long a training on those rows should take and how large its model will be; None while nothing tells."""
        # Asked at every move of a slider, so the past is read again only now and then, or when a job has moved.
        now = int(time.monotonic() / _LEARNT_FOR_SECONDS)
        moved = [(job.job_id, job.state) for job in self.queue.list_jobs(limit=1)]
        try:
            past = self._past.get(f"{spec.family.value} {now} {moved}", lambda: self._past_runs(spec))
        except StoreUnavailable:
            past = []
        chosen = settings_on(self.settings, data_sha256)
        return expect(
            spec,
            past,
            on_demo=known_source(chosen) is DataSource.DEMO,
            rows=lambda: rows_to_fit(chosen),
            on_data=None if chosen is self.settings else data_sha256,
        )

    def expected_sweep(self, plan: SweepPlan) -> Expectation | None:
        """How long a sweep should take if each trial took as long as its base; None while nobody can tell."""
        one = self.expectation(plan.base, plan.data_sha256)
        return None if one is None or one.seconds is None else replace(one, seconds=one.seconds * plan.whole_fits)

    def price_source(self, version: str | None = None) -> PriceSource:
        """The version a price would come from now. Raises NoModel, NotFound."""
        return self.models.source(version)

    def value(self, house: House, version: str | None = None) -> Valuation:
        """The price of a house from the champion, the newest version, or the one named."""
        return value(self.models.served(version), house)

    def _past_runs(self, spec: TrainingSpec) -> list[Run]:
        of_family = f"{TRAININGS_ONLY} and params.family = '{spec.family.value}'"
        return list_runs(self.connect(), limit=_LEARNT_FROM, filter_text=of_family)

    def _reference(self, store: Store, version: str) -> VersionCard | None:
        """The champion, unless it is this very version; else the version before this one."""
        holder = champion(store)
        other = holder if holder is not None and holder.version != version else version_before(store, version)
        return _card(store, other) if other else None


def _card(store: Store, version: ModelVersion) -> VersionCard:
    run: Run | None
    try:
        run = get_run(store, version.run_id)
    except NotFound:
        run = None
    return VersionCard(
        version=version.version,
        run_id=version.run_id,
        run_name=run.name if run else "",
        started=run.started if run else None,
        scores=run.scores if run else None,
        tags=version.tags,
    )


def _local_card(entry: LocalVersion) -> VersionCard:
    return VersionCard(
        version=entry.version,
        run_id=entry.run_id,
        run_name="",
        started=entry.created_at,
        scores=Scores.from_metrics(entry.metrics),
        tags=entry.tags,
    )
