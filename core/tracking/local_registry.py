"""``models/model_registry/registry.json``: the registry that needs no server, kept beside MLflow's."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.domain.configuration import Config, settings_from
from core.domain.errors import CorruptRegistry, NotFound, RecordsError, StoreUnavailable
from core.domain.promotion import StageChange
from core.domain.provenance import JOB_TAG
from core.domain.settings import Settings
from core.models.packaged import file_sha256
from core.tracking.local_version import LocalVersion, free_version, mirrored_entry
from core.tracking.rebuild import entries_from_mlflow, entries_to_add
from core.tracking.registry_file import Rebuild, RegistryFile
from core.tracking.store import Store, open_store


def open_registry(settings: Settings, connect: Callable[[], Store]) -> ModelRegistry:
    """The local registry of these settings, rebuilt from MLflow where its file is corrupt or missing.

    Args:
        connect: opens MLflow's store, when it is needed.
    """
    return ModelRegistry(settings, rebuild=lambda: entries_from_mlflow(settings, connect()))


class ModelRegistry:
    """The local registry.

    Args:
        config: settings or the content of a config.yaml; by default the project's.
        rebuild: where entries come from when the file is corrupt or missing, oldest first; by default MLflow's
            store of these settings, which is opened for a corrupt file alone.
    """

    def __init__(self, config: Config = None, rebuild: Rebuild | None = None) -> None:
        self.settings = settings_from(config)
        self.path = self.settings.paths.registry
        self._file = RegistryFile(
            self.path,
            self.settings.paths.locks / "registry.lock",
            rebuild or (lambda: entries_from_mlflow(self.settings, open_store(self.settings))),
            is_rebuilt_when_missing=rebuild is not None,
        )

    def register_model(
        self,
        model_path: Path | str,
        metrics: Mapping[str, float] | None = None,
        *,
        family: str = "",
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
        run_id: str | None = None,
        mlflow_version: str | None = None,
        sha256: str | None = None,
    ) -> str:
        """Add a model file and return its version, ``v_YYYYMMDD_HHMMSS``.

        A run is registered once, and so is a job (the tag ``job.id``): a second call for it returns the first
        one's version, and adds what the first did not know yet.

        Raises:
            RecordsError: the model file or the registry cannot be read or written.
        """
        file = Path(model_path)
        try:
            digest = sha256 or file_sha256(file)
        except OSError as error:
            raise RecordsError(
                f"The model file cannot be read: {error.strerror or error}.",
                where=str(file),
                remedy="Save the model first, then register the path save_model() returned.",
            ) from error
        with self._file.changing() as entries:
            for place, entry in enumerate(entries):
                if _is_of(entry, run_id, (tags or {}).get(JOB_TAG)):
                    entries[place] = replace(
                        entry,
                        model_path=self._relative(file),
                        sha256=digest,
                        mlflow_version=entry.mlflow_version or mlflow_version,
                    )
                    self._file.write(entries)
                    return entry.version
            now = datetime.now(UTC)
            entry = LocalVersion(
                version=free_version(now, {entry.version for entry in entries}),
                created=now.isoformat(),
                family=family,
                model_path=self._relative(file),
                sha256=digest,
                metrics=dict(metrics or {}),
                params=dict(params or {}),
                tags=dict(tags or {}),
                run_id=run_id,
                mlflow_version=mlflow_version,
            )
            self._file.write([*entries, entry])
        return entry.version

    def list_models(self) -> list[LocalVersion]:
        """Every entry, oldest first. Reading never writes: a corrupt file is answered from what rebuilds it.

        Raises:
            RecordsError: the file is corrupt and there is nothing to rebuild it from.
        """
        try:
            return self.read_file()
        except CorruptRegistry as corrupt:
            try:
                return self._file.source()
            except StoreUnavailable:
                raise corrupt from None

    def read_file(self) -> list[LocalVersion]:
        """Every entry as the file stands, oldest first; none where there is no file.

        Raises:
            CorruptRegistry: the file is no registry. RecordsError: it cannot be read.
        """
        return self._file.read()

    def get_model(self, version: str) -> LocalVersion:
        """One entry.

        Raises:
            NotFound: there is none of that version.
        """
        for entry in self.list_models():
            if entry.version == version:
                return entry
        raise NotFound(
            f"The local registry has no version {version!r}.",
            where=str(self.path),
            remedy="List the versions with ModelRegistry().list_models().",
        )

    def latest(self) -> LocalVersion | None:
        """The newest entry; None on an empty registry."""
        entries = self.list_models()
        return entries[-1] if entries else None

    def model_file(self, entry: LocalVersion) -> Path:
        """Where the entry's model file lies."""
        return self.settings.home / entry.model_path

    def complete(self, versions: Collection[str] = ()) -> list[LocalVersion]:
        """Enter these versions of MLflow where the file lacks them, and return what was entered.

        A missing or corrupt file is built again, all of it; a corrupt one is set aside.

        Raises:
            StoreUnavailable: what it is built from is out of reach; nothing is changed then.
            RecordsError: the registry cannot be read or written.
        """
        source = self._file.source()
        with self._file.changing() as entries:
            if not self.path.exists():  # it was missing, or is set aside by now
                self._file.write(entries)
                return entries
            entered = entries_to_add(entries, [entry for entry in source if entry.mlflow_version in versions])
            if entered:
                self._file.write(list({entry.version: entry for entry in (*entries, *entered)}.values()))
        return entered

    def mirror(self, stages: Mapping[str, str], history: Mapping[str, Sequence[StageChange]]) -> bool:
        """Write stage and history of every entry as the ledger tells them, by MLflow's version; whether any changed.

        What an entry remembers of another ledger, or of one that was rewritten, is kept beside it.

        Raises:
            RecordsError: the registry cannot be read or written.
        """
        if not self.path.exists() and not history:
            return False
        with self._file.changing() as entries:
            is_new = not self.path.exists()
            mirrored = [mirrored_entry(entry, stages, history) for entry in entries]
            if mirrored == entries and not is_new:
                return False
            self._file.write(mirrored)
        return True

    def relink(self, version: str, *, run_id: str | None, mlflow_version: str) -> None:
        """Point an entry to the run and version of MLflow that were made for it.

        Raises:
            RecordsError: the registry cannot be read or written.
        """
        with self._file.changing() as entries:
            linked = [
                replace(entry, run_id=run_id, mlflow_version=mlflow_version) if entry.version == version else entry
                for entry in entries
            ]
            self._file.write(linked)

    def place_file(self, version: str, file: Path) -> None:
        """Say where an entry's model file lies.

        Raises:
            RecordsError: the registry cannot be read or written.
        """
        with self._file.changing() as entries:
            placed = self._relative(file)
            self._file.write([replace(e, model_path=placed) if e.version == version else e for e in entries])

    def place_intervals(self, version: str, file: Path, sha256: str, metrics: Mapping[str, float]) -> None:
        """Say where lies what is known of an entry's errors, and add its figures to the entry's.

        Raises:
            NotFound: the entry was taken back meanwhile. RecordsError: the registry cannot be read or written.
        """
        placed = self._relative(file)
        self._change(
            version,
            lambda entry: replace(
                entry, metrics={**entry.metrics, **metrics}, intervals_path=placed, intervals_sha256=sha256
            ),
        )

    def add_metrics(self, version: str, metrics: Mapping[str, float]) -> None:
        """Add figures that were measured after it was registered to an entry's. Twice writes the same.

        Raises:
            NotFound: the entry was taken back meanwhile. RecordsError: the registry cannot be read or written.
        """
        self._change(version, lambda entry: replace(entry, metrics={**entry.metrics, **metrics}))

    def withdraw(self, job_id: str, run_id: str | None) -> None:
        """Take back what a job registered, its files with it: it was cancelled meanwhile.

        Raises:
            RecordsError: the registry cannot be read or written.
        """
        if not self.path.exists():
            return
        with self._file.changing() as entries:
            withdrawn = [entry for entry in entries if _is_of(entry, run_id, job_id)]
            if withdrawn:
                self._file.write([entry for entry in entries if entry not in withdrawn])
        try:
            for path in (path for entry in withdrawn for path in (entry.model_path, entry.intervals_path) if path):
                (self.settings.home / path).unlink(missing_ok=True)
        except OSError as error:
            raise self._file.unwritable(error) from error

    def _change(self, version: str, change: Callable[[LocalVersion], LocalVersion]) -> None:
        with self._file.changing() as entries:
            place = next((place for place, entry in enumerate(entries) if entry.version == version), None)
            if place is None:
                raise NotFound(
                    f"The local registry has no version {version!r} any more.",
                    where=str(self.path),
                    remedy="It was taken back meanwhile; train again.",
                )
            entries[place] = change(entries[place])
            self._file.write(entries)

    def _relative(self, file: Path) -> str:
        home, absolute = self.settings.home.resolve(), file.resolve()
        return str(absolute.relative_to(home) if absolute.is_relative_to(home) else absolute)


def _is_of(entry: LocalVersion, run_id: str | None, job_id: str | None) -> bool:
    """Whether an entry is of this run or job; without MLflow there is a job alone."""
    of_run = run_id is not None and entry.run_id == run_id
    return of_run or (job_id is not None and entry.tags.get(JOB_TAG) == job_id)
