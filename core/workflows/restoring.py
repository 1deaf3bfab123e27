"""Bringing back what one registry lost from the other: MLflow's versions from the model files, files from MLflow.

The doctor does this only when asked to. A version that a person deleted in MLflow comes back as well.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.domain.access import Actor, Deed
from core.domain.errors import LabError, NotFound, RecordsError, UntrustedModel
from core.domain.files import draft_of
from core.domain.promotion import THE_LAB, Act, Stage
from core.domain.provenance import INTERVALS_TAG
from core.domain.runs import Alias, ModelVersion, RunStatus
from core.domain.settings import Settings
from core.models.packaged import file_sha256
from core.tracking.audit_lines import Move
from core.tracking.intervals import restore_intervals
from core.tracking.leftovers import logged_model_of
from core.tracking.local_registry import ModelRegistry, open_registry
from core.tracking.local_version import LocalVersion
from core.tracking.registry import (
    LOCAL_FILE_TAG,
    alias_holders,
    all_versions,
    get_version,
    model_file_of,
    note_local_version,
    register_version,
    set_alias,
    withdraw_version,
)
from core.tracking.runs import get_run
from core.tracking.store import Store
from core.tracking.tracker import MLflowTracker
from core.workflows.mending import Treated
from core.workflows.promotion_records import PromotionRecords
from core.workflows.training_state import Connect

RESTORED_TAG = "restored.from"
_STAGES = {Alias.CHAMPION: Stage.PRODUCTION, Alias.CHALLENGER: Stage.STAGING}


def restore(settings: Settings, connect: Connect, *, actor: Actor) -> Iterator[Treated]:
    """Each thing brought back, as it is done.

    Raises:
        Forbidden: the actor may not; at once.
        StoreUnavailable: MLflow's store does not answer; nothing is changed then.
        RecordsError: the local registry cannot be read or written.
    """
    actor.require(Deed.MEND)
    return _restore(settings, connect)


def _restore(settings: Settings, connect: Connect) -> Iterator[Treated]:
    store = connect()
    registry = open_registry(settings, connect)
    # What MLflow never lost comes first, so that registry.json is whole before it is restored from.
    entered = registry.complete([version.version for version in all_versions(store)])
    yield from (
        Treated(f"entered version {entry.mlflow_version} of MLflow in registry.json", True) for entry in entered
    )
    yield from _fetch_files(settings, store, registry)
    wanted = _last_holders(registry.list_models())
    lost = _lost(store, registry.list_models())
    numbers: dict[str, str] = {}
    for entry in lost:
        try:
            version = _bring_back(settings, store, registry, entry)
            numbers[entry.version] = version
            yield Treated(f"restored {entry.version} as version {version} of MLflow", done=True)
        except LabError as error:
            yield Treated(f"could not restore {entry.version}: {error.what}", done=False)
    if numbers:
        yield from _restore_aliases(PromotionRecords(settings, connect), store, wanted)


def _lost(store: Store, entries: Sequence[LocalVersion]) -> list[LocalVersion]:
    """Entries whose model MLflow's registry does not hold, oldest first. Its file tells, for numbers are given anew."""
    held = {version.sha256 for version in all_versions(store)}
    return [entry for entry in entries if entry.sha256 not in held]


def _bring_back(settings: Settings, store: Store, registry: ModelRegistry, entry: LocalVersion) -> str:
    """Register an entry's model, under its old number where that is still to be given; the number."""
    file = registry.model_file(entry)
    if not entry.model_path or not file.is_file():
        raise NotFound("its model file is gone.", where=str(file), remedy="Restore it from a backup.")
    if file_sha256(file) != entry.sha256:
        raise UntrustedModel(
            "its model file is not the one that was recorded.", where=str(file), remedy="Restore it from a backup."
        )
    run_id, model_id = _run_and_model(settings, store, entry, file)

    # What is known of its errors is brought back by itself: the tag alone would promise a file the run may lack.
    tags = {name: value for name, value in entry.tags.items() if name != INTERVALS_TAG}

    def register() -> ModelVersion:
        return register_version(
            store, run_id=run_id, model_id=model_id, sha256=entry.sha256, family=entry.family, tags=tags
        )

    version = register()
    while entry.mlflow_version is not None and int(version.version) < int(entry.mlflow_version):
        # MLflow counts on and never gives a number twice: those of versions deleted before are used up.
        withdraw_version(store, run_id)
        version = register()
    note_local_version(store, version.version, entry.version, file.name)
    restore_intervals(store, version, registry, entry)
    registry.relink(entry.version, run_id=run_id, mlflow_version=version.version)
    return version.version


def _run_and_model(settings: Settings, store: Store, entry: LocalVersion, file: Path) -> tuple[str, str]:
    """The run and the logged model of an entry: its own where MLflow still has them, else made of what it says."""
    tracker = MLflowTracker(settings, store)
    run_id = entry.run_id
    try:
        if run_id is None:
            raise NotFound("It has no run.", remedy="One is made.")
        get_run(store, run_id)
    except NotFound:
        run_id = tracker.start_run(entry.version, {**entry.tags, RESTORED_TAG: entry.version})
        tracker.log_params(entry.params)
        tracker.log_metrics(entry.metrics)
    else:
        logged = logged_model_of(store, run_id)
        if logged is not None:
            return run_id, logged
        tracker.continue_run(run_id)
    model_id = tracker.log_model(file, family=entry.family)
    tracker.end_run(RunStatus.FINISHED)
    return run_id, model_id


def _fetch_files(settings: Settings, store: Store, registry: ModelRegistry) -> Iterator[Treated]:
    """Copy model files out of MLflow that entries once had and have no more."""
    for entry in registry.list_models():
        name = Path(entry.tags.get(LOCAL_FILE_TAG, "")).name
        if entry.model_path or not name or entry.mlflow_version is None:
            continue
        target = settings.paths.saved_models / name
        try:
            with (
                model_file_of(store, get_version(store, entry.mlflow_version)) as source,
                draft_of(target) as draft,
            ):
                shutil.copyfile(source, draft)
                if file_sha256(draft) != entry.sha256:
                    raise UntrustedModel("MLflow holds another file.", where=str(source), remedy="Train it again.")
            registry.place_file(entry.version, target)
            yield Treated(f"copied the model file of {entry.version} out of MLflow", done=True)
        except (LabError, OSError) as error:
            reason = error.what if isinstance(error, LabError) else f"{error.strerror or error}."
            yield Treated(f"could not copy the model file of {entry.version}: {reason}", done=False)


def _last_holders(entries: Sequence[LocalVersion]) -> dict[Alias, str]:
    """By alias the local version that holds it by its stage; of champions also the last that ever did.

    A store that lost its versions lost its champion with them, and that may have been noticed as a change already.
    """
    found = {alias: entry.version for alias, stage in _STAGES.items() for entry in entries if entry.stage == stage}
    if Alias.CHAMPION not in found:
        served = [
            (change.when, entry.version)
            for entry in entries
            for change in entry.history
            if change.stage == Stage.PRODUCTION
        ]
        if served:
            found[Alias.CHAMPION] = max(served)[1]
    return found


def _restore_aliases(records: PromotionRecords, store: Store, wanted: dict[Alias, str]) -> Iterator[Treated]:
    """Give aliases that nobody holds to those that held them, and enter it in the ledger."""
    numbers = {entry.version: entry.mlflow_version for entry in records.registry.list_models()}
    try:
        with records.ledger.lock():
            held = alias_holders(store)
            for alias, local in wanted.items():
                version = numbers.get(local)
                if alias in held or version is None:
                    continue
                newest = records.ledger.newest().get(alias)
                before = newest.version_to if newest else None
                if before != version:
                    told = f"Restored from registry.json, where {local} held it last."
                    move = Move(THE_LAB, Act.RECONCILED, alias, before, version, told)
                    set_alias(store, alias, version)
                    records.ledger.append([move], seen={})
                else:
                    set_alias(store, alias, version)
                yield Treated(f"gave the alias {alias} to version {version} again", done=True)
            records.agree(store)
            records.mirror()
    except RecordsError as error:
        yield Treated(f"could not restore the aliases: {error.what}", done=False)
    finally:
        records.ledger.close()
