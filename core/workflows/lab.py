"""The lab as a screen sees it: one object a process, one call a question.

It keeps what is dear to make (the open store, the queue, loaded models) and hands out values. Safe to share
between sessions and threads.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from core.data.ingest import DataSource, known_source
from core.domain.errors import NotFound, StoreUnavailable
from core.domain.house import House
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import Job, JobState, TrainingRequest
from core.domain.runs import ModelVersion, Run
from core.domain.settings import Settings
from core.jobs.embedded import ensure_worker
from core.jobs.engine import JobQueue
from core.tracking.local_registry import ModelRegistry
from core.tracking.registry import champion_or_newest, list_versions
from core.tracking.runs import get_run, list_runs, read_importance, read_predictions
from core.tracking.store import Store, open_store
from core.workflows.expectation import expected_duration
from core.workflows.valuation import PriceSource, ServedModel, Valuation, choose_model, load_model, value
from core.workflows.views import Expectation, Overview, TrainingResult, VersionCard

KEPT_MODELS: Final = 3
"""Loaded models kept in memory: the one in use, and those looked at beside it. A deep forest is 200 MB."""

RECENT_RUNS: Final = 10
_LEARNT_FROM: Final = 200


class Lab:
    """Everything the screens ask for.

    Raises:
        LabError: by every method, when the records, the queue or the data cannot answer.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.RLock()
        self._store: Store | None = None
        self._queue: JobQueue | None = None
        self._models: OrderedDict[str, ServedModel] = OrderedDict()

    def connect(self) -> Store:
        """MLflow's store, opened on first use; a failure is not kept, so the next call tries again."""
        with self._lock:
            if self._store is None:
                self._store = open_store(self.settings)
            return self._store

    @property
    def queue(self) -> JobQueue:
        """The job queue, opened on first use."""
        with self._lock:
            if self._queue is None:
                self._queue = JobQueue(self.settings)
            return self._queue

    def data_is_demo(self) -> bool:
        """Whether a training now would use invented rows."""
        return known_source(self.settings) is DataSource.DEMO

    def submit(self, spec: TrainingSpec, *, actor: str, run_name: str = "") -> str:
        """Put a training on the queue, make sure somebody works on it, and return its id at once."""
        job_id = self.queue.submit(TrainingRequest.create(spec, actor=actor, run_name=run_name))
        self.keep_worker()
        return job_id

    def keep_worker(self) -> None:
        """Start the embedded worker if none is alive."""
        ensure_worker(self.settings, self.queue)

    def active_jobs(self) -> Sequence[Job]:
        """Queued and running trainings, newest first."""
        return self.queue.list_jobs(active_only=True)

    def job(self, job_id: str) -> Job:
        """One training as it stands now. Raises NotFound."""
        return self.queue.get(job_id)

    def latest_job(self) -> Job | None:
        """What to look at when nobody says what: the training under way, else the newest."""
        running = [job for job in self.active_jobs() if job.state is JobState.RUNNING]
        if running:
            return running[0]
        newest = self.queue.list_jobs(limit=1)
        return newest[0] if newest else None

    def cancel(self, job_id: str) -> None:
        """Ask a training to stop."""
        self.queue.cancel(job_id)

    def overview(self) -> Overview:
        """What the first screen shows. MLflow being out of reach leaves its part empty and says why."""
        local = len(ModelRegistry(self.settings).list_models())
        try:
            store = self.connect()
            serving = champion_or_newest(store)
            runs = list_runs(store, limit=RECENT_RUNS)
            card = self._card(store, serving) if serving else None
        except StoreUnavailable as error:
            return Overview(None, is_champion=False, runs=(), local_versions=local, unreachable=error.what)
        is_champion = serving is not None and "champion" in serving.aliases
        return Overview(card, is_champion, tuple(runs), local)

    def result(self, job: Job) -> TrainingResult | None:
        """A succeeded training with all the Train screen draws; None while MLflow holds no run of it."""
        if job.outcome is None or job.outcome.run_id is None or job.outcome.version is None:
            return None
        store = self.connect()
        run = get_run(store, job.outcome.run_id)
        reference = self._reference(store, job.outcome.version)
        row_ids, actual, predicted = read_predictions(store, run.run_id)
        method, importance = read_importance(store, run.run_id)
        return TrainingResult(
            job=job,
            run=run,
            reference=reference,
            not_compared=_why_not_compared(run, reference),
            row_ids=row_ids,
            actual=actual,
            predicted=predicted,
            importance_method=method,
            importance=tuple(importance.items()),
            threshold_checks=tuple(job.outcome.threshold_checks.items()),
        )

    def reference(self) -> VersionCard | None:
        """The version new ones are measured against: the champion, else the newest; None without any."""
        store = self.connect()
        serving = champion_or_newest(store)
        return self._card(store, serving) if serving else None

    def expected_duration(self, spec: TrainingSpec) -> Expectation | None:
        """How long a training should take; None while no run of its family has finished."""
        try:
            past = list_runs(self.connect(), limit=_LEARNT_FROM, filter_text=f"params.family = '{spec.family.value}'")
        except StoreUnavailable:
            return None
        return expected_duration(spec, past)

    def price_source(self, version: str | None = None) -> PriceSource:
        """The version a price would come from now. Raises NoModel, NotFound."""
        return choose_model(self.settings, self.connect, version)

    def value(self, house: House, version: str | None = None) -> Valuation:
        """The price of a house from the champion, the newest version, or the one named."""
        return value(self._model(self.price_source(version)), house)

    def _model(self, source: PriceSource) -> ServedModel:
        with self._lock:
            model = self._models.get(source.sha256)
            if model is None:
                model = load_model(self.settings, self.connect, source)
                self._models[source.sha256] = model
                while len(self._models) > KEPT_MODELS:
                    self._models.popitem(last=False)
            self._models.move_to_end(source.sha256)
        # The file is the same; who serves it (champion or not) may have changed since it was loaded.
        return ServedModel(model.pipeline, source)

    def _card(self, store: Store, version: ModelVersion) -> VersionCard:
        try:
            return VersionCard(version, get_run(store, version.run_id))
        except NotFound:
            return VersionCard(version, None)

    def _reference(self, store: Store, version: str) -> VersionCard | None:
        """The champion, unless it is this very version; else the version before this one."""
        serving = champion_or_newest(store)
        if serving is not None and "champion" in serving.aliases and serving.version != version:
            return self._card(store, serving)
        earlier = [found for found in list_versions(store, limit=1000) if int(found.version) < int(version)]
        return self._card(store, earlier[0]) if earlier else None


def _why_not_compared(run: Run, reference: VersionCard | None) -> str:
    """Why two runs have no difference worth a figure: other rows, or another split."""
    if reference is None or reference.run is None:
        return ""
    theirs = reference.run.tags
    if run.tags.get("data.sha256") != theirs.get("data.sha256"):
        return f"Version {reference.version.version} was trained on other data, so the scores are not compared."
    if run.tags.get("split") != theirs.get("split"):
        return f"Version {reference.version.version} was scored on other held-out rows, so the scores are not compared."
    return ""
