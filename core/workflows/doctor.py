"""A look at everything the lab stands on, and what to do where something is wrong."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.data.ingest import DataIngestor, known_source
from core.domain.errors import LabError, StoreUnavailable
from core.domain.provenance import DataSource
from core.domain.runs import RunStatus
from core.domain.settings import Settings
from core.jobs.engine import JobQueue
from core.models.packaged import file_sha256
from core.tracking.local_registry import open_registry
from core.tracking.registry import all_versions
from core.tracking.runs import list_runs
from core.workflows.training_state import Connect

_RUNNING: Final = f"attributes.status = '{RunStatus.RUNNING}'"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: whether it is as it should be, what was found, and the remedy where it is not."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def examine(settings: Settings, connect: Connect) -> Iterator[Finding]:
    """Every finding, as it is made. Nothing is changed; a part that fails does not hide the others."""
    looks: tuple[tuple[str, Callable[[Settings, Connect], Finding]], ...] = (
        ("state folder", _state),
        ("data", _data),
        ("MLflow", _mlflow),
        ("job queue", _jobs),
        ("open runs", _open_runs),
        ("registries", _registries),
        ("model files", _model_files),
    )
    for name, look in looks:
        try:
            yield look(settings, connect)
        except LabError as error:
            yield Finding(name, ok=False, detail=error.what, remedy=error.remedy)


def _state(settings: Settings, connect: Connect) -> Finding:
    folder = _existing_part_of(settings.home)
    if os.access(folder, os.W_OK):
        return Finding("state folder", ok=True, detail=f"{settings.home} can be written.")
    return Finding(
        "state folder",
        ok=False,
        detail=f"{folder} cannot be written.",
        remedy="Allow writing there, or set HOUSING_LAB_HOME to a folder of your own.",
    )


def _data(settings: Settings, connect: Connect) -> Finding:
    source = known_source(settings)
    if source is None:
        return Finding("data", ok=True, detail=f"No file yet; the first training downloads it to {settings.data_path}.")
    dataset = DataIngestor(settings).ingest()
    detail = f"{len(dataset.rows):,} rows in {dataset.path}, SHA-256 {dataset.sha256[:12]}…"
    if source is DataSource.DEMO:
        return Finding(
            "data",
            ok=False,
            detail=f"Invented demo data: {detail}",
            remedy=f"Put the real file at {settings.data_path}, or connect to the network and train again.",
        )
    return Finding("data", ok=True, detail=detail + (" (the census file)" if dataset.is_reference else ""))


def _mlflow(settings: Settings, connect: Connect) -> Finding:
    if not settings.training.enable_mlflow:
        return Finding("MLflow", ok=True, detail="Switched off by training.enable_mlflow.")
    store = connect()
    return Finding("MLflow", ok=True, detail=f"{store.uri} answers; {len(all_versions(store)):,} versions.")


def _jobs(settings: Settings, connect: Connect) -> Finding:
    queue = JobQueue(settings)
    try:
        active = queue.list_jobs(active_only=True)
        workers = queue.live_workers()
    finally:
        queue.close()
    detail = f"{len(active)} jobs queued or running, {len(workers)} workers alive."
    if active and not workers:
        return Finding(
            "job queue", ok=False, detail=detail, remedy="Open the app, or start one with `python -m core worker`."
        )
    return Finding("job queue", ok=True, detail=detail)


def _open_runs(settings: Settings, connect: Connect) -> Finding:
    """Runs that say RUNNING and that no job on the queue stands for."""
    try:
        running = list_runs(connect(), filter_text=_RUNNING)
    except StoreUnavailable as error:
        return Finding("open runs", ok=True, detail=f"Not looked at: {error.what}")
    queue = JobQueue(settings)
    try:
        alive = {job.job_id for job in queue.list_jobs(active_only=True, limit=1000)}
    finally:
        queue.close()
    orphans = [run for run in running if run.tags.get("job.id") not in alive]
    if not orphans:
        return Finding("open runs", ok=True, detail=f"{len(running)} runs are open, each with its job.")
    names = ", ".join(run.name for run in orphans[:5])
    return Finding(
        "open runs",
        ok=False,
        detail=f"{len(orphans)} runs say RUNNING without a job: {names}.",
        remedy="They were cut off, or another program writes them; end them in MLflow if it is gone.",
    )


def _registries(settings: Settings, connect: Connect) -> Finding:
    entries = open_registry(settings, connect).read_file()  # answered from MLflow, a corrupt one would look whole
    try:
        versions = {version.version for version in all_versions(connect())}
    except StoreUnavailable as error:
        return Finding("registries", ok=True, detail=f"registry.json holds {len(entries):,} versions. {error.what}")
    known = {entry.mlflow_version for entry in entries if entry.mlflow_version}
    gone, unknown = sorted(known - versions), sorted(versions - known)
    if not gone and not unknown:
        return Finding("registries", ok=True, detail=f"MLflow and registry.json agree on {len(versions):,} versions.")
    return Finding(
        "registries",
        ok=False,
        detail=f"Only in registry.json: {', '.join(gone) or 'none'}. Only in MLflow: {', '.join(unknown) or 'none'}.",
        remedy="A version deleted in MLflow stays in registry.json; one made elsewhere is not entered there. "
        "Move registry.json away, and the next training builds it anew from MLflow.",
    )


def _model_files(settings: Settings, connect: Connect) -> Finding:
    registry = open_registry(settings, connect)
    entries = registry.list_models()
    wrong = [entry.version for entry in entries if not _is_whole(registry.model_file(entry), entry.sha256)]
    if not wrong:
        return Finding("model files", ok=True, detail=f"All {len(entries):,} files match their SHA-256.")
    return Finding(
        "model files",
        ok=False,
        detail=f"Missing or changed: {', '.join(wrong)}.",
        remedy="Restore them from a backup; a changed file is never loaded.",
    )


def _is_whole(file: Path, sha256: str) -> bool:
    return file.is_file() and file_sha256(file) == sha256


def _existing_part_of(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())
