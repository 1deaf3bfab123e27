"""What a version knows of its own errors, in the records: ``intervals.json`` of its run, and beside its model file.

The digest is written last, as a tag of the version and into registry.json: what has none was not measured.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from core.domain.errors import RecordsError, UntrustedModel
from core.domain.files import draft_of
from core.domain.provenance import INTERVALS_TAG
from core.domain.runs import ModelVersion
from core.evaluation.intervals import IntervalModel
from core.models.packaged import file_sha256
from core.tracking.local_registry import ModelRegistry
from core.tracking.local_version import LocalVersion, intervals_file
from core.tracking.runs import artifact_of
from core.tracking.store import Store, mlflow_errors
from core.tracking.tracker import MLflowTracker

INTERVALS_FILE: Final = "intervals.json"
_AGAIN: Final = "Measure the range again with `python -m core assess VERSION`."


def encoded(intervals: IntervalModel) -> bytes:
    """The document as it is kept: the same intervals make the same bytes."""
    document = json.dumps(intervals.as_document(), sort_keys=True, indent=1, allow_nan=False)
    return f"{document}\n".encode()


def record_intervals(store: Store, version: ModelVersion, folder: Path, metrics: Mapping[str, float]) -> None:
    """Log a folder that holds ``intervals.json`` to the version's run, the figures with it. Twice writes the same.

    Raises:
        NotFound: the version or its run is gone. StoreUnavailable: the store does not answer.
    """
    digest = hashlib.sha256((folder / INTERVALS_FILE).read_bytes()).hexdigest()
    if version.tags.get(INTERVALS_TAG, digest) != digest:
        # Nobody may read the new file and hold it against the old digest.
        with mlflow_errors(store.uri):
            store.client.delete_model_version_tag(store.model_name, version.version, INTERVALS_TAG)
    tracker = MLflowTracker(store=store, run_id=version.run_id)
    tracker.log_files(folder)
    if metrics:
        tracker.log_metrics(metrics)
    with mlflow_errors(store.uri):
        store.client.set_model_version_tag(store.model_name, version.version, INTERVALS_TAG, digest)


def read_intervals(store: Store, version: ModelVersion) -> IntervalModel | None:
    """What is recorded of a version's errors in MLflow; None where that was never measured.

    Raises:
        UntrustedModel: the file is not the one that was recorded.
        RecordsError: it is gone, or cannot be read.
    """
    digest = version.tags.get(INTERVALS_TAG)
    if digest is None:
        return None
    with artifact_of(store, version.run_id, INTERVALS_FILE) as file:
        return _read(file, digest)


def record_intervals_locally(
    registry: ModelRegistry, entry: LocalVersion, content: bytes, metrics: Mapping[str, float]
) -> None:
    """Keep the document beside the entry's model file and enter it in registry.json. Twice writes the same.

    Raises:
        NotFound: the entry was taken back meanwhile. RecordsError: it cannot be written.
    """
    file = intervals_file(registry.model_file(entry))
    try:
        with draft_of(file) as draft:
            draft.write_bytes(content)
    except OSError as error:
        raise RecordsError(
            f"The range could not be kept: {error.strerror or error}.",
            where=str(file),
            remedy="Free some disk space or correct the folder's permissions, then measure the range again.",
        ) from error
    entered = False
    try:
        registry.place_intervals(entry.version, file, hashlib.sha256(content).hexdigest(), metrics)
        entered = True
    finally:
        if not entered and not entry.intervals_path:
            file.unlink(missing_ok=True)  # no entry names it, so nothing would ever find it again


def read_local_intervals(registry: ModelRegistry, entry: LocalVersion) -> IntervalModel | None:
    """What is recorded of an entry's errors in the local registry; None where that was never measured.

    Raises:
        UntrustedModel: the file is not the one that was recorded.
        RecordsError: it is gone, or cannot be read.
    """
    if not entry.intervals_path:
        return None
    return _read(registry.settings.home / entry.intervals_path, entry.intervals_sha256)


def restore_intervals(store: Store, version: ModelVersion, registry: ModelRegistry, entry: LocalVersion) -> bool:
    """Log to MLflow what the local registry knows of a version's errors; False when it knows nothing, or is damaged."""
    file = registry.settings.home / entry.intervals_path
    if not entry.intervals_path or not file.is_file() or file_sha256(file) != entry.intervals_sha256:
        return False
    with tempfile.TemporaryDirectory(prefix="housing-lab-") as scratch:
        shutil.copyfile(file, Path(scratch, INTERVALS_FILE))
        record_intervals(store, version, Path(scratch), {})
    return True


def _read(file: Path, digest: str) -> IntervalModel:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise RecordsError(
            f"The record of its range cannot be read: {error.strerror or error}.", where=str(file), remedy=_AGAIN
        ) from error
    actual = hashlib.sha256(content).hexdigest()
    if actual != digest:
        raise UntrustedModel(
            f"The record of its range is not the one that was written: its SHA-256 is {actual[:12]}…, the records say "
            f"{digest[:12]}….",
            where=str(file),
            remedy=_AGAIN,
        )
    try:
        document = json.loads(content)
    except ValueError as error:
        raise RecordsError(f"The record of its range is no JSON: {error}.", where=str(file), remedy=_AGAIN) from error
    return IntervalModel.from_document(document)
