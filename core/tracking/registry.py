"""Versions of the price model in MLflow's registry, and loading one with its digest checked."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from core.domain.errors import NotFound
from core.domain.imports import IMPORT_VERSION_TAG
from core.domain.runs import Alias, ModelVersion
from core.models.packaged import read_model
from core.tracking.lineage import as_strings
from core.tracking.packaging import DATA_FOLDER, data_file
from core.tracking.runs import fetch, local_path
from core.tracking.store import Store, mlflow_errors

SHA256_TAG: Final = "model.sha256"
LOCAL_VERSION_TAG: Final = "local.version"
LOCAL_FILE_TAG: Final = "local.file"
_PAGE: Final = 1000
_DESCRIPTION: Final = "MLmodel"
_LONGEST_VERSION: Final = 9


def register_version(
    store: Store, *, run_id: str, model_id: str, sha256: str, family: str, tags: Mapping[str, object]
) -> ModelVersion:
    """Register the logged model of a run as the next version.

    A run has one version, however often this is called for it: a job that died after registering finds its
    version instead of making a second.
    """
    existing = version_of_run(store, run_id)
    if existing is not None:
        return existing
    with mlflow_errors(store.uri):
        source = store.client.get_logged_model(model_id).artifact_location
        created = store.client.create_model_version(
            store.model_name,
            source=source,
            run_id=run_id,
            model_id=model_id,
            tags=as_strings({**tags, SHA256_TAG: sha256, "family": family}),
        )
    return _version(created)


def version_of_run(store: Store, run_id: str) -> ModelVersion | None:
    """The version a run was registered as, if it was."""
    found = _search(store, f"name = '{store.model_name}' and run_id = '{run_id}'", limit=1)
    return found[0] if found else None


def list_versions(store: Store, *, limit: int = 100) -> list[ModelVersion]:
    """The newest versions first."""
    return _search(store, f"name = '{store.model_name}'", limit=limit)


def all_versions(store: Store) -> list[ModelVersion]:
    """Every version, newest first, page after page."""
    versions: list[ModelVersion] = []
    token: str | None = None
    while True:
        with mlflow_errors(store.uri):
            page = store.client.search_model_versions(
                f"name = '{store.model_name}'", max_results=_PAGE, order_by=["version_number DESC"], page_token=token
            )
        versions.extend(_version(version) for version in page)
        token = page.token
        if not token:
            return versions


def note_local_version(store: Store, version: str, local_version: str, file_name: str) -> None:
    """Write the local registry's names on MLflow's version, so that either registry can restore the other."""
    with mlflow_errors(store.uri):
        for key, value in ((LOCAL_VERSION_TAG, local_version), (LOCAL_FILE_TAG, file_name)):
            store.client.set_model_version_tag(store.model_name, version, key, value)


def get_version(store: Store, version: str) -> ModelVersion:
    """One version by number or alias.

    Raises:
        NotFound: there is none, or nobody holds the alias.
    """
    if version in set(Alias):
        with mlflow_errors(store.uri):
            holder = store.client.get_registered_model(store.model_name).aliases.get(version)
        if holder is None:
            raise NotFound(f"There is no {version} yet.", remedy="Promote a version, or name one by its number.")
        version = str(holder)
    # MLflow refuses a number its database cannot hold as if the request were broken.
    if not version.isdecimal() or len(version) > _LONGEST_VERSION:
        raise NotFound(f"There is no version {version!r}.", remedy=f"Give a number, or {' or '.join(Alias)}.")
    with mlflow_errors(store.uri):
        return _version(store.client.get_model_version(store.model_name, version))


def version_before(store: Store, version: str) -> ModelVersion | None:
    """The newest version older than this one; None for the first."""
    found = _search(store, f"name = '{store.model_name}' and version_number < {int(version)}", limit=1)
    return found[0] if found else None


def withdraw_version(store: Store, run_id: str) -> None:
    """Take back the version a run was registered as, if it was: its training was cancelled meanwhile."""
    registered = version_of_run(store, run_id)
    if registered is not None:
        with mlflow_errors(store.uri):
            store.client.delete_model_version(store.model_name, registered.version)


def alias_holders(store: Store) -> dict[str, str]:
    """By alias the version that holds it, the lab's two aliases alone; read afresh, in one request."""
    with mlflow_errors(store.uri):
        held = store.client.get_registered_model(store.model_name).aliases
    return {str(alias): str(held[alias]) for alias in Alias if alias in held}


def set_alias(store: Store, alias: str, version: str | None) -> None:
    """Give the alias to that version; to nobody with None.

    Raises:
        NotFound: there is no such version.
    """
    with mlflow_errors(store.uri):
        if version is None:
            store.client.delete_registered_model_alias(store.model_name, alias)
        else:
            store.client.set_registered_model_alias(store.model_name, alias, version)


@dataclass(frozen=True, slots=True)
class InputColumn:
    """One column a model's signature takes; ``kind`` is MLflow's word for its type."""

    name: str
    kind: str
    required: bool


def input_columns(store: Store, version: ModelVersion) -> tuple[InputColumn, ...] | None:
    """The columns of a version's signature; None where it has none.

    Raises:
        NotFound: the version or its files are gone.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.models import Model

    with tempfile.TemporaryDirectory(prefix="housing-lab-") as scratch, mlflow_errors(store.uri):
        source = store.client.get_model_version_download_uri(store.model_name, version.version)
        folder = local_path(source)
        file = folder / _DESCRIPTION if folder is not None else fetch(store, f"{source}/{_DESCRIPTION}", Path(scratch))
        signature = Model.load(str(file)).signature
        if signature is None or signature.inputs is None:
            return None
        try:
            names, kinds = signature.inputs.input_names(), signature.inputs.input_types()
            required = set(signature.inputs.required_input_names())
        except MlflowException:  # a signature of tensors has no columns
            return None
    return tuple(
        InputColumn(str(name), str(getattr(kind, "name", kind)), name in required)
        for name, kind in zip(names, kinds, strict=True)
    )


def champion(store: Store) -> ModelVersion | None:
    """The version in production; None while nothing was promoted."""
    try:
        return get_version(store, Alias.CHAMPION)
    except NotFound:
        return None


def champion_or_newest(store: Store) -> ModelVersion | None:
    """What a price comes from when nobody names a version; None on an empty registry.

    A version that was imported prices when it is named or promoted: another program made its model, perhaps of other
    columns.
    """
    holder = champion(store)
    if holder is not None:
        return holder
    newest = list_versions(store, limit=1)
    if newest and IMPORT_VERSION_TAG in newest[0].tags:
        newest = [version for version in all_versions(store) if IMPORT_VERSION_TAG not in version.tags]
    return newest[0] if newest else None


def load_version(store: Store, version: ModelVersion) -> Any:
    """The fitted Pipeline of a version, its file compared against the recorded SHA-256 first.

    Raises:
        UntrustedModel: the file is not the one that was recorded.
        NotFound: the version or its files are gone.
    """
    with model_file_of(store, version) as file:
        return read_model(file, version.sha256)


@contextmanager
def model_file_of(store: Store, version: ModelVersion) -> Iterator[Path]:
    """A version's model file: in its place on a local store, else fetched and gone when the block ends.

    Raises:
        NotFound: the version or its files are gone.
    """
    with mlflow_errors(store.uri):
        source = store.client.get_model_version_download_uri(store.model_name, version.version)
    local = local_path(source)
    if local is not None:
        yield data_file(local)
        return
    with tempfile.TemporaryDirectory(prefix="housing-lab-") as scratch:
        # Not the whole model: its source is 60 files, and each is a request of its own.
        yield data_file(fetch(store, f"{source}/{DATA_FOLDER}", Path(scratch)).parent)


def _search(store: Store, filter_text: str, *, limit: int) -> list[ModelVersion]:
    with mlflow_errors(store.uri):
        found = store.client.search_model_versions(filter_text, max_results=limit, order_by=["version_number DESC"])
        return [_version(version) for version in found]


def _version(version: Any) -> ModelVersion:
    tags = dict(version.tags or {})
    return ModelVersion(
        version=str(version.version),
        run_id=version.run_id or "",
        created=datetime.fromtimestamp(version.creation_timestamp / 1000, UTC),
        family=tags.get("family", ""),
        aliases=tuple(version.aliases or ()),
        sha256=tags.get(SHA256_TAG, ""),
        tags=tags,
    )
