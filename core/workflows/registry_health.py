"""Whether MLflow's registry, registry.json and the model files tell one story."""

from __future__ import annotations

from core.domain.errors import CorruptRegistry, StoreUnavailable
from core.domain.provenance import JOB_TAG
from core.domain.runs import ModelVersion
from core.models.packaged import file_sha256
from core.tracking.leftovers import unfinished_among
from core.tracking.local_version import LocalVersion
from core.workflows.evidence import Evidence, Fate
from core.workflows.findings import (
    RUN_DOCTOR,
    CompleteRegistry,
    Finding,
    Mend,
    RebuildRegistry,
    RestoreModelFile,
    listed,
)

REGISTRIES = "registries"
MODEL_FILES = "model files"


def look_at_registries(evidence: Evidence) -> Finding:
    """Versions that only one registry has.

    An entry whose version was deleted in MLflow is well: a person did that, and the entry and its file stay
    what they are. So is a version of MLflow that another program registered without the lab's digest.
    """
    try:
        versions = evidence.versions
    except StoreUnavailable as error:
        entries = evidence.registry.read_file()
        return Finding(REGISTRIES, ok=True, detail=f"registry.json holds {len(entries):,} versions. {error.what}")
    try:
        unknown = [version for version in versions if version.version not in _numbers(evidence)]
        unknown = _whole(evidence, unknown) if unknown else []
        # Read once more: a training may have ended, and entered its version, while its job was asked for.
        entries = evidence.registry.read_file()
    except CorruptRegistry as error:
        return Finding(
            REGISTRIES, ok=False, detail=error.what, remedy=RUN_DOCTOR, mends=(RebuildRegistry(corrupt=True),)
        )
    known = {entry.mlflow_version for entry in entries if entry.mlflow_version}
    missing = tuple(version.version for version in reversed(unknown) if version.sha256 and version.version not in known)
    if missing and not evidence.registry.path.exists():
        detail = f"registry.json is missing; MLflow holds {len(missing):,} versions."
        return Finding(REGISTRIES, ok=False, detail=detail, remedy=RUN_DOCTOR, mends=(RebuildRegistry(corrupt=False),))
    gone = sorted(known - {version.version for version in versions}, key=lambda number: (len(number), number))
    strange = [version.version for version in unknown if not version.sha256]
    details, remedies = [], []
    if missing:
        details.append(f"Only in MLflow: {listed(missing)}.")
        remedies.append(RUN_DOCTOR)
    if gone:
        details.append(f"Only in registry.json: {listed(gone)}, deleted in MLflow.")
        remedies.append("Entries and files of versions deleted in MLflow are kept; delete them if nobody wants them.")
    if strange:
        details.append(f"Registered in MLflow by another program: {listed(strange)}.")
    if not missing:
        details.insert(0, f"MLflow and registry.json agree on {len(known) - len(gone):,} versions.")
    mends: tuple[Mend, ...] = (CompleteRegistry(missing),) if missing else ()
    return Finding(REGISTRIES, ok=not missing, detail=" ".join(details), remedy=" ".join(remedies), mends=mends)


def look_at_model_files(evidence: Evidence) -> Finding:
    """Files that entries name and that are lost or changed, and files that no entry names."""
    registry = evidence.registry
    entries = [entry for entry in registry.list_models() if entry.model_path]
    lost = [entry for entry in entries if not registry.model_file(entry).is_file()]
    changed = [e for e in entries if e not in lost and file_sha256(registry.model_file(e)) != e.sha256]
    mends = tuple(_restorable(evidence, lost)) if lost else ()
    details, remedies = [], []
    if lost or changed:
        details.append(f"Missing or changed: {listed([entry.version for entry in (*lost, *changed)])}.")
    else:
        details.append(f"All {len(entries):,} files match their SHA-256.")
    if mends:
        remedies.append(RUN_DOCTOR)
    if changed or len(mends) < len(lost):
        remedies.append("Restore what MLflow cannot give back from a backup; a changed file is never loaded.")
    named = {registry.model_file(entry).resolve() for entry in entries}
    found = sorted(evidence.settings.paths.saved_models.glob("model_*.joblib"))
    unnamed = [file.name for file in found if file.resolve() not in named]
    if unnamed:
        details.append(f"{len(unnamed):,} are named by no entry: {listed(unnamed)}.")
        remedies.append("Files no entry names may be your own: register them with ModelRegistry, or delete them.")
    return Finding(
        MODEL_FILES, ok=not lost and not changed, detail=" ".join(details), remedy=" ".join(remedies), mends=mends
    )


def _numbers(evidence: Evidence) -> set[str]:
    return {entry.mlflow_version for entry in evidence.registry.read_file() if entry.mlflow_version}


def _whole(evidence: Evidence, versions: list[ModelVersion]) -> list[ModelVersion]:
    """Those that are not just being made, nor half made: a training's run is FINISHED only once it is registered."""
    unfinished = {run.run_id for run in unfinished_among(evidence.store, {version.run_id for version in versions})}
    fates = evidence.fates_of(version for version in versions if version.run_id in unfinished)
    return [
        version
        for version in versions
        if version.run_id not in unfinished or fates.get(version.tags.get(JOB_TAG, "")) is Fate.SUCCEEDED
    ]


def _restorable(evidence: Evidence, lost: list[LocalVersion]) -> list[RestoreModelFile]:
    """Lost files whose very bytes lie in MLflow."""
    try:
        in_mlflow = {version.version: version.sha256 for version in evidence.versions}
    except StoreUnavailable:
        return []
    return [
        RestoreModelFile(entry.version, entry.mlflow_version)
        for entry in lost
        if entry.mlflow_version and in_mlflow.get(entry.mlflow_version) == entry.sha256
    ]
