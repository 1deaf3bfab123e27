"""Versions of an old registry registered in ours: each as a model of MLflow's around the file as it was.

No model is opened here. Its digest is recorded, and every later load of the lab compares the file with it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from core.domain.errors import NotFound, UnreadableRecord, UntrustedModel
from core.domain.imports import (
    IMPORT_ALIASES_TAG,
    IMPORT_CREATED_TAG,
    IMPORT_STAGE_TAG,
    IMPORT_VERSION_TAG,
    LeftOutModel,
)
from core.domain.knobs import ModelFamily
from core.tracking.import_folder import Note, unreadable
from core.tracking.import_known_runs import ImportedRun, active
from core.tracking.import_models import model_file
from core.tracking.import_requests import refusal
from core.tracking.import_versions import OldVersion
from core.tracking.registry import LOCAL_VERSION_TAG, SHA256_TAG
from core.tracking.runs import moment
from core.tracking.store import Store, mlflow_errors
from core.tracking.tracker import MLflowTracker

if TYPE_CHECKING:
    from mlflow.entities.logged_model import LoggedModel

_PAGE: Final = 1_000
_SUFFIX: Final = ".joblib"
"""By this the lab finds the model file inside an MLflow model; any pickle is read under it."""


class Registered(StrEnum):
    """How a version came in."""

    NEW = "new"
    KNOWN = "known"
    NOT = "not"


class VersionImporter:
    """Registers old versions, each once.

    Args:
        note: told what could not be brought in.
        trust: model files may come in. Without it they are listed in ``left_out``.

    Raises:
        StoreUnavailable: by every method, when our store does not answer.
    """

    def __init__(self, store: Store, note: Note, *, trust: bool) -> None:
        self.store = store
        self.left_out: list[LeftOutModel] = []
        self.numbers: list[str] = []
        self._note = note
        self._trust = trust
        self._known, self._names = imported_versions(store)
        self._models = {store.model_name}

    def bring(self, version: OldVersion, find_run: Callable[[], ImportedRun | None]) -> Registered:
        """Register a version.

        Args:
            find_run: its run as our store holds it, or None; asked only when it is needed.
        """
        if version.key in self._known:
            return Registered.KNOWN
        try:
            if version.lacking:
                raise unreadable(version.lacking, version.label)
            place = model_file(version.folder, version.model)
            if not self._trust:
                shown = version.folder.shown(place)
                self.left_out.append(LeftOutModel(shown, version.folder.sha256(place), version.label))
                return Registered.NOT
            run = find_run()
            if run is None:
                raise unreadable("Its run was not brought in.", version.label)
            with active(self.store, run):
                self._register(version, place, run)
        except (UnreadableRecord, UntrustedModel) as error:
            self._note(version.label, error.what)
            return Registered.NOT
        self._known.add(version.key)
        return Registered.NEW

    def _register(self, version: OldVersion, place: str, run: ImportedRun) -> None:
        name = version.name or self.store.model_name
        family = version.family if version.family in set(ModelFamily) else ""
        with tempfile.TemporaryDirectory(prefix="housing-lab-") as scratch:
            file = Path(scratch) / (PurePosixPath(place).stem + _SUFFIX)
            sha256 = version.folder.copy(place, file)
            if version.sha256 and version.sha256 != sha256:
                raise UntrustedModel(
                    f"Its model file has the SHA-256 {sha256[:12]}…, its record says {version.sha256[:12]}….",
                    where=version.folder.shown(place),
                    remedy="Restore the file from a backup and import again.",
                )
            model = self._logged(run, sha256) or self._log(file, run, sha256, family)
        tags = {
            **version.tags,
            **_told(version),
            **self._local_name(version),
            IMPORT_VERSION_TAG: version.key,
            SHA256_TAG: sha256,
            "family": family,
        }
        created: list[str] = []

        def create() -> None:
            self._make_model(name)
            made = self.store.client.create_model_version(
                name,
                source=model.artifact_location,
                run_id=run.run_id,
                model_id=model.model_id,
                tags=tags,
                description=version.description or None,
            )
            created.append(str(made.version))

        reason = refusal(self.store, create)
        if reason is not None:
            raise unreadable(reason, version.label)
        if name == self.store.model_name:
            # Under the lab's own name an alias is given by promotion alone.
            self.numbers += created
            return
        for alias in version.aliases:
            set_alias = partial(self.store.client.set_registered_model_alias, name, alias, created[0])
            reason = refusal(self.store, set_alias)
            if reason is not None:
                self._note(f"{version.label}, alias {alias}", reason)

    def _log(self, file: Path, run: ImportedRun, sha256: str, family: str) -> LoggedModel:
        tracker = MLflowTracker(store=self._store_of(run), run_id=run.run_id)
        model_id = tracker.log_model(file, _logged_name(sha256), family=family)
        with mlflow_errors(self.store.uri):
            return self.store.client.get_logged_model(model_id)

    def _logged(self, run: ImportedRun, sha256: str) -> LoggedModel | None:
        """The very model, when an import that was cut off logged it, or another version of the run is the same."""
        from mlflow.entities import LoggedModelStatus

        with mlflow_errors(self.store.uri):
            found = self.store.client.search_logged_models(
                [run.experiment_id], filter_string=f"source_run_id = '{run.run_id}'"
            )
        whole = [one for one in found if one.status is LoggedModelStatus.READY and one.name == _logged_name(sha256)]
        return whole[0] if whole else None

    def _store_of(self, run: ImportedRun) -> Store:
        return replace(self.store, experiment_id=run.experiment_id)

    def _make_model(self, name: str) -> None:
        if name in self._models:
            return
        try:
            with mlflow_errors(self.store.uri):
                self.store.client.get_registered_model(name)
        except NotFound:
            self.store.client.create_registered_model(name)
        self._models.add(name)

    def _local_name(self, version: OldVersion) -> dict[str, str]:
        """The name a version had in a registry.json, where no version of ours has it already."""
        name = version.local_name
        if not name or name in self._names:
            return {}
        self._names.add(name)
        return {LOCAL_VERSION_TAG: name}


def imported_versions(store: Store) -> tuple[set[str], set[str]]:
    """The keys of all versions that were ever brought in and are still there, and the local names that are taken."""
    keys: set[str] = set()
    names: set[str] = set()
    token: str | None = None
    while True:
        with mlflow_errors(store.uri):
            page = store.client.search_model_versions(max_results=_PAGE, page_token=token)
        for tags in (version.tags or {} for version in page):
            keys.add(tags.get(IMPORT_VERSION_TAG, ""))
            names.add(tags.get(LOCAL_VERSION_TAG, ""))
        token = page.token
        if not token:
            return keys, names


def _logged_name(sha256: str) -> str:
    return f"imported-{sha256[:16]}"


def _told(version: OldVersion) -> Mapping[str, str]:
    """What the old record says of a version and MLflow has no place for."""
    told = {
        IMPORT_CREATED_TAG: "" if version.created is None else moment(version.created).isoformat(),
        IMPORT_STAGE_TAG: "" if version.stage == "None" else version.stage,
        IMPORT_ALIASES_TAG: ", ".join(version.aliases),
    }
    return {key: value for key, value in told.items() if value}
