"""Entries of the local registry from MLflow's, for when registry.json is lost or corrupt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.domain.errors import NotFound
from core.domain.imports import IMPORT_CREATED_TAG
from core.domain.provenance import INTERVALS_TAG
from core.domain.runs import ModelVersion, Run
from core.domain.settings import Settings
from core.tracking.local_version import LocalVersion, free_version, intervals_file
from core.tracking.registry import LOCAL_FILE_TAG, LOCAL_VERSION_TAG, all_versions
from core.tracking.runs import get_run
from core.tracking.store import Store


def entries_from_mlflow(settings: Settings, store: Store) -> list[LocalVersion]:
    """One entry a version, oldest first, under the local version it was first given.

    A version that never had a local entry gets the name of its second of creation, or of the first free one
    after it.
    """
    versions = all_versions(store)[::-1]
    names = {
        version.version: version.tags[LOCAL_VERSION_TAG] for version in versions if LOCAL_VERSION_TAG in version.tags
    }
    for version in versions:
        names.setdefault(version.version, free_version(version.created, set(names.values())))
    return [_entry(settings, names[version.version], version, _run_of(store, version)) for version in versions]


def entries_to_add(entries: Sequence[LocalVersion], wanted: Iterable[LocalVersion]) -> list[LocalVersion]:
    """What ``wanted`` adds to a registry: entries it lacks, under free names, and those it has without their number.

    An entry that was made while MLflow was away keeps its name and gets the number of its run's version.
    """
    known = {entry.mlflow_version for entry in entries}
    of_run = {entry.run_id: entry for entry in entries if entry.run_id and not entry.mlflow_version}
    taken = {entry.version for entry in entries}
    added = []
    for entry in wanted:
        if entry.mlflow_version in known:
            continue
        local = of_run.get(entry.run_id or "")
        if local is not None:
            added.append(replace(local, mlflow_version=entry.mlflow_version))
            continue
        name = free_version(entry.created_at, taken) if entry.version in taken else entry.version
        taken.add(name)
        added.append(replace(entry, version=name))
    return added


def _run_of(store: Store, version: ModelVersion) -> Run | None:
    try:
        return get_run(store, version.run_id) if version.run_id else None
    except NotFound:
        return None


def _entry(settings: Settings, name: str, version: ModelVersion, run: Run | None) -> LocalVersion:
    file_name = version.tags.get(LOCAL_FILE_TAG, "")
    saved = settings.paths.saved_models / file_name
    is_here = bool(file_name) and saved.is_file()  # another lab's model may lie in MLflow alone
    intervals = intervals_file(saved)
    is_measured = is_here and INTERVALS_TAG in version.tags and intervals.is_file()
    return LocalVersion(
        version=name,
        created=version.tags.get(IMPORT_CREATED_TAG) or version.created.isoformat(),
        family=version.family,
        model_path=str(saved.relative_to(settings.home)) if is_here else "",
        sha256=version.sha256,
        metrics=run.metrics if run else {},
        params=run.params if run else {},
        tags=version.tags,
        run_id=version.run_id or None,
        mlflow_version=version.version,
        intervals_path=str(intervals.relative_to(settings.home)) if is_measured else "",
        intervals_sha256=version.tags[INTERVALS_TAG] if is_measured else "",
    )
