"""Bringing in what the old project recorded: an ``mlruns`` folder of MLflow's file store, and its registry.json.

Safe to repeat: what is in already is known by its old name. What cannot be read is told and never stops the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from core.domain.access import Actor, Deed
from core.domain.errors import NotFound, RecordsError, UnreadableRecord
from core.domain.imports import ImportProblem, ImportReport, ImportRequest
from core.domain.jobs import Progress
from core.domain.settings import Settings
from core.tracking.import_file_store import OldRun, read_experiments, read_run, run_places, writable
from core.tracking.import_folder import ImportFolder
from core.tracking.import_known_runs import ImportedRun
from core.tracking.import_registrations import Registered, VersionImporter
from core.tracking.import_registry_file import read_registry
from core.tracking.import_runs import Coming, RunImporter
from core.tracking.import_versions import OldVersion, read_versions
from core.tracking.local_registry import open_registry
from core.tracking.store import tune
from core.workflows.training_state import Connect


def import_records(
    settings: Settings,
    request: ImportRequest,
    connect: Connect,
    *,
    actor: Actor,
    report: Callable[[Progress], None] = lambda progress: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> ImportReport:
    """Bring in runs, then versions.

    Args:
        actor: who asked; stands on runs whose record names nobody.
        report: told how far it is.
        should_stop: asked between two runs or versions; all that was begun is whole then.

    Raises:
        Forbidden: the actor may not.
        NotFound: there is no such folder or file, or the folder holds no file store.
        UnreadableRecord: the registry is no registry.
        StoreUnavailable: our store does not answer. The same import goes on where this one stopped.
        RecordsError: another import is under way.
    """
    actor.require(Deed.IMPORT)
    with _alone(settings):
        return _Import(settings, request, connect, actor.name, report, should_stop).run()


class _Import:
    def __init__(
        self,
        settings: Settings,
        request: ImportRequest,
        connect: Connect,
        actor: str,
        report: Callable[[Progress], None],
        should_stop: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._request = request
        self._connect = connect
        self._actor = actor
        self._report = report
        self._should_stop = should_stop
        self._problems: dict[ImportProblem, None] = {}
        self._counts: Counter[str] = Counter()
        self._stopped = False

    def run(self) -> ImportReport:
        # Both are looked at before anything is written: a wrong path should cost nothing.
        old = [] if self._request.registry is None else read_registry(self._request.registry, self._note)
        folder = None if self._request.mlruns is None else _file_store(self._request.mlruns)
        self._report(Progress("looking for what is in already"))
        store = self._connect()
        runs = RunImporter(
            store,
            self._note,
            experiment=self._request.experiment,
            trust=self._request.trust,
            actor=self._actor,
        )
        versions = VersionImporter(store, self._note, trust=self._request.trust)
        try:
            if folder is not None:
                read = self._bring_runs(folder, runs)
                old = [*read_versions(folder, read, self._note), *old]
            self._bring_versions(old, runs, versions)
        finally:
            tune(store)
        if versions.numbers:
            self._report(Progress("entering versions in registry.json"))
            open_registry(self._settings, self._connect).complete(versions.numbers)
        return ImportReport(
            runs=self._counts[Coming.NEW],
            completed=self._counts[Coming.COMPLETED],
            known_runs=self._counts[Coming.KNOWN],
            params=runs.counts["params"],
            metrics=runs.counts["metrics"],
            tags=runs.counts["tags"],
            files=runs.counts["files"],
            versions=self._counts["version"],
            known_versions=self._counts["known version"],
            experiments=runs.experiments.names,
            left_out=tuple({one.path: one for one in (*runs.left_out, *versions.left_out)}.values()),
            problems=tuple(self._problems),
            stopped=self._stopped,
        )

    def _bring_runs(self, folder: ImportFolder, runs: RunImporter) -> dict[str, OldRun]:
        """Every run, and by its id each that could be read: their models lie among their files."""
        experiments = read_experiments(folder, self._note)
        places = [
            (experiment, name) for experiment in experiments for name in run_places(folder, experiment, self._note)
        ]
        read: dict[str, OldRun] = {}
        for done, (experiment, name) in enumerate(places):
            self._report(Progress("importing runs", done, len(places), "runs"))
            if self._is_stopped():
                break
            try:
                run = read_run(folder, experiment, name, self._note)
            except UnreadableRecord as error:
                self._note(error.where, f"{error.what} The run was not brought in.")
                continue
            if name in read:
                self._note(folder.shown(run.place), "A run of this id lies in another experiment already.")
                continue
            read[name] = run
            self._counts[runs.bring(folder, run)] += 1
        return read

    def _bring_versions(self, old: list[OldVersion], runs: RunImporter, versions: VersionImporter) -> None:
        for done, version in enumerate(old):
            self._report(Progress("importing versions", done, len(old), "versions"))
            if self._is_stopped():
                return
            came = versions.bring(version, self._run_of(version, runs))
            self._counts["version"] += came is Registered.NEW
            self._counts["known version"] += came is Registered.KNOWN

    def _run_of(self, version: OldVersion, runs: RunImporter) -> Callable[[], ImportedRun | None]:
        """How a version's run is found. An entry of registry.json without one leaves a run of its own, model or not."""
        known = runs.known.get(version.run_id) if version.run_id else None
        if known is None and not version.name:
            coming, known = runs.bring_entry(version)
            self._counts[coming] += 1
        return lambda: known

    def _is_stopped(self) -> bool:
        self._stopped = self._stopped or self._should_stop()
        return self._stopped

    def _note(self, where: str, reason: str) -> None:
        # Names of files may be no text, and then nothing could print them.
        self._problems[ImportProblem(writable(where), writable(reason))] = None


def _file_store(root: Path) -> ImportFolder:
    """The folder of a file store.

    Raises:
        NotFound: it holds none.
    """
    folder = ImportFolder(root)
    if not read_experiments(folder, lambda where, reason: None):
        raise NotFound(
            "The folder holds no experiment of MLflow's file store.",
            where=str(root),
            remedy="Give the folder mlruns itself: in it lie folders named 0 and the like, each with a meta.yaml.",
        )
    return folder


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Two imports of one folder at a time would bring each run in twice."""
    lock = settings.paths.locks / "import.lock"
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock, timeout=0):
            yield
    except Timeout as error:
        raise RecordsError(
            "Another import is under way.", where=str(lock), remedy="Wait until it has ended, then import again."
        ) from error
