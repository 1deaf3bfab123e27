"""Carrying out what the doctor found mendable. Every act looks again first: the world has moved since the look."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.domain.access import Actor, Deed
from core.domain.errors import JobFailed, LabError, NotFound, RecordsError, TrainingCancelled
from core.domain.files import draft_of
from core.domain.runs import RunStatus
from core.domain.settings import Settings
from core.models.packaged import file_sha256
from core.tracking.leftovers import fail_model, serving_version
from core.tracking.local_registry import open_registry
from core.tracking.local_version import LocalVersion
from core.tracking.registry import (
    LOCAL_VERSION_TAG,
    get_version,
    model_file_of,
    note_local_version,
    version_of_run,
    withdraw_version,
)
from core.tracking.runs import get_run
from core.tracking.store import Store
from core.tracking.tracker import MLflowTracker
from core.workflows.doctor import examine_traces
from core.workflows.findings import (
    CloseRun,
    CompleteRegistry,
    FailModel,
    Finding,
    Mend,
    RebuildRegistry,
    ReconcileAliases,
    RemoveDraft,
    RemoveWorkFolder,
    RestoreModelFile,
    TakeBack,
)
from core.workflows.leftover_files import is_dead_draft
from core.workflows.promotion_records import PromotionRecords
from core.workflows.recording import abandon
from core.workflows.training_state import Connect, OpenedRun, WorkFolder
from core.workflows.trials import abandon_trial

ROUNDS: Final = 3
"""A mend may lay open another trace (a closed run its unfinished model); nothing takes more looks than this."""


@dataclass(frozen=True, slots=True)
class Treated:
    """What came of one mend, as a sentence; ``done`` is False when it could not be carried out."""

    sentence: str
    done: bool


def treat(settings: Settings, connect: Connect, findings: Iterable[Finding], *, actor: Actor) -> Iterator[Treated]:
    """Carry out every mend of these findings, and those which that lays open. Each is told as it is done.

    Raises:
        Forbidden: the actor may not; at once, before anything is told.
    """
    actor.require(Deed.MEND)
    return _treat(settings, connect, findings)


def _treat(settings: Settings, connect: Connect, findings: Iterable[Finding]) -> Iterator[Treated]:
    refused: set[Mend] = set()
    due = [mend for finding in findings for mend in finding.mends]
    for _ in range(ROUNDS):
        for mend in due:
            try:
                if carry_out(settings, connect, mend):
                    yield Treated(mend.deed, done=True)
            except LabError as error:
                refused.add(mend)
                yield Treated(f"could not {mend.attempt}: {error.what}", done=False)
        if not due:
            return
        found = examine_traces(settings, connect)
        due = [mend for finding in found for mend in finding.mends if mend not in refused]


def carry_out(settings: Settings, connect: Connect, mend: Mend) -> bool:
    """Mend one thing; False when there was nothing left to do.

    Raises:
        LabError: it could not be done.
    """
    match mend:
        case CloseRun():
            return _close_run(settings, connect, mend)
        case TakeBack():
            return _take_back(settings, connect, mend)
        case FailModel(model_id):
            return fail_model(connect(), model_id)
        case RebuildRegistry():
            return _complete(settings, connect, ())
        case CompleteRegistry(versions):
            return _complete(settings, connect, versions)
        case ReconcileAliases():
            return _reconcile(settings, connect)
        case RestoreModelFile():
            return _restore(settings, connect, mend)
        case RemoveWorkFolder(job_id):
            return _remove(WorkFolder(settings, job_id).root)
        case RemoveDraft(file):
            return is_dead_draft(file) and _remove(file)
        case _:
            raise TypeError(f"{type(mend).__name__} has no act")


def _close_run(settings: Settings, connect: Connect, mend: CloseRun) -> bool:
    store = connect()
    if get_run(store, mend.run_id).status is not RunStatus.RUNNING:
        return False
    reason = _sentence(mend.reason)
    if mend.takes_back:
        _refuse_if_it_serves(store, mend.run_id)
        why = TrainingCancelled() if mend.status is RunStatus.KILLED else JobFailed(reason, remedy="Train again.")
        give_up = abandon_trial if mend.is_trial else abandon
        troubles = give_up(settings, connect, mend.job_id, OpenedRun(mend.run_id), why)
        if troubles:
            raise RecordsError(" ".join(troubles), remedy="Run `python -m core doctor` again when MLflow answers.")
        return True
    tracker = MLflowTracker(settings, store)
    tracker.continue_run(mend.run_id)
    tracker.end_run(mend.status, "" if mend.status is RunStatus.FINISHED else reason)
    version = version_of_run(store, mend.run_id)
    entries = open_registry(settings, connect).list_models()
    if version is not None:
        _note(connect, [entry for entry in entries if entry.mlflow_version == version.version])
    return True


def _take_back(settings: Settings, connect: Connect, mend: TakeBack) -> bool:
    store = connect()
    if get_run(store, mend.run_id).status is not mend.status:
        return False
    _refuse_if_it_serves(store, mend.run_id)
    open_registry(settings, connect).withdraw(mend.job_id, mend.run_id)
    withdraw_version(store, mend.run_id)
    return True


def _refuse_if_it_serves(store: Store, run_id: str) -> None:
    serving = serving_version(store, run_id)
    if serving is not None:
        raise RecordsError(
            f"An alias points to version {serving} by now.",
            where=run_id,
            remedy="Move the alias in MLflow to another version, then run the doctor again.",
        )


def _complete(settings: Settings, connect: Connect, versions: tuple[str, ...]) -> bool:
    entered = open_registry(settings, connect).complete(versions)
    _note(connect, entered)
    return bool(entered)


def _note(connect: Connect, entries: Iterable[LocalVersion]) -> None:
    """Write the entries' names on MLflow's versions where they have none yet."""
    store = connect()
    for entry in entries:
        if entry.mlflow_version is None:
            continue
        version = get_version(store, entry.mlflow_version)
        if LOCAL_VERSION_TAG not in version.tags:
            note_local_version(store, version.version, entry.version, Path(entry.model_path).name)


def _reconcile(settings: Settings, connect: Connect) -> bool:
    records = PromotionRecords(settings, connect)
    try:
        return records.mend()
    finally:
        records.ledger.close()


def _restore(settings: Settings, connect: Connect, mend: RestoreModelFile) -> bool:
    registry = open_registry(settings, connect)
    entry = registry.get_model(mend.local_version)
    target = registry.model_file(entry)
    if target.exists():
        return False
    store = connect()
    try:
        with model_file_of(store, get_version(store, mend.mlflow_version)) as source, draft_of(target) as draft:
            shutil.copyfile(source, draft)
            if file_sha256(draft) != entry.sha256:
                raise NotFound(
                    f"Version {mend.mlflow_version} of MLflow holds another file.",
                    where=str(source),
                    remedy="Restore the model file from a backup, or train the model again.",
                )
    except OSError as error:
        raise _unwritable(target, error) from error
    return True


def _remove(place: Path) -> bool:
    try:
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unwritable(place, error) from error
    return True


def _unwritable(place: Path, error: OSError) -> RecordsError:
    return RecordsError(
        f"{error.strerror or error}.",
        where=str(place),
        remedy="Free some disk space or correct the folder's permissions.",
    )


def _sentence(reason: str) -> str:
    return reason[:1].upper() + reason[1:] + ("" if reason.endswith(".") else ".")
