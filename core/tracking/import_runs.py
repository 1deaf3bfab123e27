"""Runs of an old store written into ours, through MLflow's client.

The client gives each a new id, so the old one is a tag. A run is begun with the tag ``import.state`` = ``under way``
and ends with ``done``: one that was cut off in between is found by the next import and completed. All that is written
may be written again and stays the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from core.domain.errors import UnreadableRecord
from core.domain.imports import (
    DONE,
    IMPORT_LEFT_OUT_TAG,
    IMPORT_PREFIX,
    IMPORT_RUN_TAG,
    IMPORT_STATE_TAG,
    UNDER_WAY,
    LeftOutModel,
)
from core.domain.provenance import FAILURE_TAG, JOB_TAG
from core.domain.runs import RunStatus
from core.tracking.import_experiments import ExperimentNames
from core.tracking.import_file_store import (
    LONGEST_PARAM,
    LONGEST_TAG,
    MetricPoint,
    OldRun,
    read_datasets,
    read_metrics,
    read_texts,
)
from core.tracking.import_folder import ImportFolder, Note, join
from core.tracking.import_known_runs import ImportedRun, active, imported_runs
from core.tracking.import_models import ArtifactFiles, sort_artifacts, untrusted
from core.tracking.import_requests import each_or_noted
from core.tracking.import_versions import OldVersion
from core.tracking.store import Store, mlflow_errors

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

_METRICS_AT_A_TIME: Final = 800
_TEXTS_AT_A_TIME: Final = 100
"""One request of MLflow takes so many params and so many tags, and 1,000 values in all."""

_LONGEST_NAME: Final = 250
_UNFINISHED: Final = (RunStatus.RUNNING, RunStatus.SCHEDULED)


class Coming(StrEnum):
    """How a run came in."""

    NEW = "new"
    COMPLETED = "completed"
    KNOWN = "known"


class RunImporter:
    """Brings runs in, each once.

    Args:
        note: told what could not be brought in.
        experiment: all runs come into this one; empty: each keeps its experiment's name.
        trust: files of models come in as well.
        actor: who asked; stands on runs whose record names nobody.

    Raises:
        StoreUnavailable: by every method, when our store does not answer.
    """

    def __init__(self, store: Store, note: Note, *, experiment: str = "", trust: bool = False, actor: str = "") -> None:
        self.store = store
        self.counts: Counter[str] = Counter()
        self.left_out: list[LeftOutModel] = []
        self.experiments = ExperimentNames(store, experiment)
        self._note = note
        self._trust = trust
        self._actor = actor
        self.known = imported_runs(store)

    def bring(self, folder: ImportFolder, run: OldRun) -> Coming:
        """Write a run, or the rest of one that was begun, or the model files of one that waited for trust."""
        known = self.known.get(run.run_id)
        if known is not None and known.done:
            return self._look_after(folder, run, known)
        if known is None:
            experiment_id = self.experiments.id_of(folder, run.experiment, self._note)
            run_id = self._begin(folder, run, experiment_id)
            known = ImportedRun(run_id, experiment_id, done=False, left_out=0, deleted=False)
            self.known[run.run_id] = known
            coming = Coming.NEW
        else:
            coming = Coming.COMPLETED
        with active(self.store, known):
            last = self._write(folder, run, known.run_id)
            files = sort_artifacts(folder, run, self._note)
            left_out = self._copy(folder, run, files, known.run_id)
            self._finish(run, known.run_id, last, left_out)
        if run.deleted:
            with mlflow_errors(self.store.uri):
                self.store.client.delete_run(known.run_id)
        self.known[run.run_id] = ImportedRun(
            known.run_id, known.experiment_id, done=True, left_out=left_out, deleted=run.deleted
        )
        return coming

    def bring_entry(self, version: OldVersion) -> tuple[Coming, ImportedRun]:
        """The run of a registry.json's entry that names none of those brought in: made of what the entry says."""
        from mlflow.entities import Metric, Param

        known = self.known.get(version.key)
        if known is not None and known.done:
            return Coming.KNOWN, known
        coming = Coming.NEW if known is None else Coming.COMPLETED
        moment = version.created or 0
        if known is None:
            experiment_id = self.experiments.of_the_lab()
            tags = {IMPORT_RUN_TAG: version.key, IMPORT_STATE_TAG: UNDER_WAY, "mlflow.user": self._actor}
            name = version.key.removeprefix("registry ")[:_LONGEST_NAME]
            with mlflow_errors(self.store.uri):
                begun = self.store.client.create_run(experiment_id, start_time=moment, tags=tags, run_name=name)
            known = ImportedRun(begun.info.run_id, experiment_id, done=False, left_out=0, deleted=False)
        params = [Param(key, value[:LONGEST_PARAM]) for key, value in version.params.items()]
        metrics = [Metric(key, value, moment, 0) for key, value in version.metrics.items()]
        for entities in (params, metrics):
            for start in range(0, len(entities), _TEXTS_AT_A_TIME):
                self._log(version.key, known.run_id, entities[start : start + _TEXTS_AT_A_TIME])
        self._close(known.run_id, RunStatus.FINISHED, moment, {IMPORT_STATE_TAG: DONE})
        self.known[version.key] = replace(known, done=True)
        return coming, self.known[version.key]

    def _look_after(self, folder: ImportFolder, run: OldRun, known: ImportedRun) -> Coming:
        """A run that is in already: only the files of its models may still be wanted."""
        if not known.left_out:
            return Coming.KNOWN
        files = sort_artifacts(folder, run, self._note)
        waiting = ArtifactFiles(files.place, (), files.models)
        with active(self.store, known):
            left_out = self._copy(folder, run, waiting, known.run_id)
            if left_out != known.left_out:
                self._tag(known.run_id, {IMPORT_LEFT_OUT_TAG: str(left_out)})
        return Coming.COMPLETED if self._trust else Coming.KNOWN

    def _begin(self, folder: ImportFolder, run: OldRun, experiment_id: str) -> str:
        tags = {IMPORT_RUN_TAG: run.run_id, IMPORT_STATE_TAG: UNDER_WAY, "mlflow.user": run.user or self._actor}
        started = run.started
        if started is None:
            times = [point.time for point in read_metrics(folder, run, lambda where, reason: None)]
            started = min(times, default=0)
        with mlflow_errors(self.store.uri):
            begun = self.store.client.create_run(
                experiment_id, start_time=started, tags=tags, run_name=run.name[:_LONGEST_NAME] or None
            )
        return str(begun.info.run_id)

    def _write(self, folder: ImportFolder, run: OldRun, run_id: str) -> int:
        """Params, tags, metrics and datasets; the time of the last metric, 0 without one."""
        from mlflow.entities import Metric, Param, RunTag

        params = [Param(*p) for p in read_texts(folder, join(run.place, "params"), LONGEST_PARAM, self._note)]
        tags = [
            RunTag(key if key != JOB_TAG else f"{IMPORT_PREFIX}{key}", value)  # no job of ours stands for it
            for key, value in read_texts(folder, join(run.place, "tags"), LONGEST_TAG, self._note)
            if not key.startswith(IMPORT_PREFIX)
        ]
        last = 0
        points: Iterator[MetricPoint] = read_metrics(folder, run, self._note)
        while True:
            # The three together: a request costs far more than what is in it.
            some = list(islice(points, _METRICS_AT_A_TIME))
            last = max([last, *(point.time for point in some)])
            texts = [*params[:_TEXTS_AT_A_TIME], *tags[:_TEXTS_AT_A_TIME]]
            del params[:_TEXTS_AT_A_TIME], tags[:_TEXTS_AT_A_TIME]
            batch = [*texts, *(Metric(key, value, time, step) for key, value, time, step in some)]
            if not batch:
                break
            self._log(run.place, run_id, batch)
        datasets = [_as_input(one) for one in read_datasets(folder, run, self._note)]
        self._log_datasets(folder, run, run_id, datasets)
        return last

    def _log(self, where: str, run_id: str, batch: Sequence[Any]) -> None:
        """Log what the store takes of params, metrics and tags, at most 1,000; note what it refuses."""

        def write(some: Sequence[Any]) -> None:
            kinds = _by_kind(some)
            self.store.client.log_batch(
                run_id, kinds.get("metrics", ()), kinds.get("params", ()), kinds.get("tags", ())
            )

        def refused(entity: Any, reason: str) -> None:
            (kind,) = _by_kind([entity])
            self.counts[kind] -= 1
            self._note(f"{where}/{kind}/{entity.key[:200]}", reason)

        self.counts.update({kind: len(entities) for kind, entities in _by_kind(batch).items()})
        each_or_noted(self.store, batch, write, refused)

    def _log_datasets(self, folder: ImportFolder, run: OldRun, run_id: str, datasets: Sequence[DatasetInput]) -> None:
        if datasets:
            each_or_noted(
                self.store,
                datasets,
                lambda inputs: self.store.client.log_inputs(run_id, datasets=list(inputs)),
                lambda entity, reason: self._note(folder.shown(join(run.place, "inputs")), reason),
            )

    def _copy(self, folder: ImportFolder, run: OldRun, files: ArtifactFiles, run_id: str) -> int:
        """Copy what may be copied of a run's files; how many wait for trust."""
        wanted = (*files.plain, *files.models) if self._trust else files.plain
        for file in wanted:
            place = join(files.place, file)
            try:
                with folder.open(place):
                    path = folder.path(place)
            except UnreadableRecord as error:
                self._note(error.where, error.what)
                continue
            self.counts["files"] += each_or_noted(
                self.store,
                [path],
                partial(self._log_files, run_id, PurePosixPath(file).parent),
                lambda path, reason: self._note(str(path), reason),
            )
        if self._trust or not files.models:
            return 0
        self.left_out += untrusted(folder, files, f"run {run.name or run.run_id}", self._note)
        return len(files.models)

    def _log_files(self, run_id: str, into: PurePosixPath, paths: Sequence[Path]) -> None:
        for path in paths:
            self.store.client.log_artifact(run_id, str(path), None if str(into) == "." else str(into))

    def _finish(self, run: OldRun, run_id: str, last: int, left_out: int) -> None:
        status, tags = run.status, {IMPORT_STATE_TAG: DONE}
        if left_out:
            tags[IMPORT_LEFT_OUT_TAG] = str(left_out)
        if status in _UNFINISHED:
            tags[FAILURE_TAG] = f"The old record says {status}: its process ended without closing it."
            status = RunStatus.KILLED
        ended = run.ended if run.ended is not None else last or run.started or 0
        self._close(run_id, status, ended, tags)

    def _close(self, run_id: str, status: RunStatus, ended: int, tags: dict[str, str]) -> None:
        with mlflow_errors(self.store.uri):
            self.store.client.set_terminated(run_id, status=str(status), end_time=ended)
        self._tag(run_id, tags)

    def _tag(self, run_id: str, tags: dict[str, str]) -> None:
        from mlflow.entities import RunTag

        with mlflow_errors(self.store.uri):
            self.store.client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])


def _by_kind(entities: Sequence[Any]) -> dict[str, list[Any]]:
    """Params, metrics and tags as MLflow's request names them; kinds without one are left out."""
    from mlflow.entities import Metric, Param

    kinds: dict[str, list[Any]] = {}
    for entity in entities:
        kind = "params" if isinstance(entity, Param) else "metrics" if isinstance(entity, Metric) else "tags"
        kinds.setdefault(kind, []).append(entity)
    return kinds


def _as_input(dataset: Any) -> DatasetInput:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    whole = Dataset(
        name=dataset.name,
        digest=dataset.digest,
        source_type=dataset.source_type,
        source=dataset.source,
        schema=dataset.schema,
        profile=dataset.profile,
    )
    return DatasetInput(whole, [InputTag(key, value) for key, value in dataset.tags])
