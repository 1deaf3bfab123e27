"""A look at everything the lab stands on, and what to do where something is wrong."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from core.data.ingest import DataIngestor, known_source
from core.domain.addresses import shown
from core.domain.errors import LabError, StoreUnavailable
from core.domain.jobs import JobState
from core.domain.provenance import DataSource
from core.domain.settings import Settings
from core.jobs.engine import JobQueue
from core.tracking.registry import all_versions
from core.workflows.evidence import Evidence
from core.workflows.findings import Finding
from core.workflows.ledger_health import ALIASES, LEDGER, look_at_aliases, look_at_ledger
from core.workflows.leftover_files import look_at_leftover_files
from core.workflows.registry_health import MODEL_FILES, REGISTRIES, look_at_model_files, look_at_registries
from core.workflows.run_traces import look_at_half_registrations, look_at_logged_models, look_at_open_runs
from core.workflows.training_state import Connect

_NEED_MLFLOW: Final = {
    "open runs": look_at_open_runs,
    "half registrations": look_at_half_registrations,
    "logged models": look_at_logged_models,
}
_NEED_NO_MLFLOW: Final = {
    REGISTRIES: look_at_registries,
    MODEL_FILES: look_at_model_files,
    ALIASES: look_at_aliases,
    LEDGER: look_at_ledger,
    "leftover files": look_at_leftover_files,
}


def examine(settings: Settings, connect: Connect) -> Iterator[Finding]:
    """Every finding, as it is made. Nothing is changed; a part that fails does not hide the others."""
    looks: tuple[tuple[str, Callable[[Settings, Connect], Finding]], ...] = (
        ("state folder", _state),
        ("data", _data),
        ("MLflow", _mlflow),
        ("job queue", _jobs),
    )
    for name, look in looks:
        yield _found(name, functools.partial(look, settings, connect))
    yield from examine_traces(settings, connect)


def examine_traces(settings: Settings, connect: Connect) -> Iterator[Finding]:
    """What a crash may have left, in the order in which it is mended."""
    evidence = Evidence(settings, connect)
    try:
        for name, look in _NEED_MLFLOW.items():
            yield _found(name, functools.partial(_unless_mlflow_is_away, name, look, evidence))
        for name, look in _NEED_NO_MLFLOW.items():
            yield _found(name, functools.partial(look, evidence))
    finally:
        evidence.close()


def _found(name: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except LabError as error:
        return Finding(name, ok=False, detail=error.what, remedy=error.remedy)


def _unless_mlflow_is_away(name: str, look: Callable[[Evidence], Finding], evidence: Evidence) -> Finding:
    """What is wrong with MLflow itself is told once."""
    try:
        return look(evidence)
    except StoreUnavailable as error:
        return Finding(name, ok=True, detail=f"Not looked at: {error.what}")


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
    return Finding("MLflow", ok=True, detail=f"{shown(store.uri)} answers; {len(all_versions(store)):,} versions.")


def _jobs(settings: Settings, connect: Connect) -> Finding:
    queue = JobQueue(settings)
    try:
        active = queue.list_jobs(active_only=True, limit=1000, trials=True)
        workers = queue.live_workers()
    finally:
        queue.close()
    detail = f"{len(active)} jobs queued or running, {len(workers)} workers alive."
    if active and not workers:
        cut_off = sum(job.state is JobState.RUNNING for job in active)
        if cut_off:
            detail += f" {cut_off} of them lost their worker; the next one goes on with them."
        return Finding(
            "job queue", ok=False, detail=detail, remedy="Open the app, or start one with `python -m core worker`."
        )
    return Finding("job queue", ok=True, detail=detail)


def _existing_part_of(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())
