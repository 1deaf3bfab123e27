"""The version that is assessed, as both registries know it, its prices of held-out rows, and what forbids it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.data.split import Split
from core.domain.errors import InvalidData, InvalidSettings, InvalidSpec, NotFound, RecordsError, StoreUnavailable
from core.domain.hyperparameters import TrainingSpec
from core.domain.provenance import DATA_SHA256_TAG, SPLIT_TAG
from core.domain.runs import ModelVersion, Run
from core.domain.settings import Settings
from core.models.packaged import read_model
from core.tracking.local_registry import open_registry
from core.tracking.local_version import LOCAL_PREFIX, LocalVersion
from core.tracking.registry import get_version, load_version
from core.tracking.runs import get_run, read_predictions
from core.tracking.store import Store
from core.workflows.training_state import LOCALLY, Connect

if TYPE_CHECKING:
    import numpy as np

    from core.workflows.rows import Rows


@dataclass(frozen=True, slots=True)
class AssessedVersion:
    """A version with what it takes to train its like again.

    ``version`` is None where MLflow does not hold it or does not answer (``note`` says so), ``entry`` where no model
    file of it lies under this home. ``tags`` say which rows it was fitted on.
    """

    name: str
    run_name: str
    spec: TrainingSpec
    tags: Mapping[str, str]
    version: ModelVersion | None
    entry: LocalVersion | None
    note: str = ""

    @property
    def data_sha256(self) -> str:
        """Of the rows it was fitted on; empty where nobody knows."""
        return self.tags.get(DATA_SHA256_TAG, "")

    @property
    def run_id(self) -> str | None:
        """Its MLflow run."""
        if self.version is not None:
            return self.version.run_id or None
        return self.entry.run_id if self.entry is not None else None


def find_version(settings: Settings, connect: Connect, name: str) -> AssessedVersion:
    """The version of that name: MLflow's number, an alias, or a ``v_…`` of the local registry.

    Raises:
        NotFound: there is none. StoreUnavailable: MLflow alone could hold it, and does not answer.
        RecordsError: nobody knows how it was trained.
    """
    entries = open_registry(settings, connect).list_models()
    is_local = name.startswith(LOCAL_PREFIX)
    entry = next((entry for entry in entries if name in (entry.version, entry.mlflow_version)), None)
    if is_local and entry is None:
        raise NotFound(
            f"The local registry has no version {name!r}.",
            where=str(settings.paths.registry),
            remedy="Give the number of a version on the Models screen, or a v_… of registry.json.",
        )
    number = entry.mlflow_version if is_local and entry else name
    version, run, note = None, None, ""
    if number is not None:
        try:
            version, run = _in_mlflow(connect(), number)
        except StoreUnavailable as error:
            if entry is None:
                raise
            note = f"{LOCALLY} {error.what}"
        except NotFound as error:
            if not is_local:
                raise
            note = f"{LOCALLY} {error.what}"
    if version is not None:
        # An alias names an entry only by the number behind it.
        entry = next((one for one in entries if one.mlflow_version == version.version), entry)
    if entry is not None and not entry.model_path:
        entry = None
    params = run.params if run else entry.params if entry else {}
    known = version.tags if version else entry.tags if entry else {}
    shown = version.version if version else name
    return AssessedVersion(
        name=shown,
        run_name=run.name if run else f"version {shown}",
        spec=_spec(shown, params),
        tags=known,
        version=version,
        entry=entry,
        note=note,
    )


def held_out_prices(settings: Settings, connect: Connect, found: AssessedVersion, split: Split) -> np.ndarray:
    """The version's prices of the held-out rows, 1990 USD, shape (n,): those its run logged, else the model's own.

    Raises:
        RecordsError: neither can be read.
    """
    import numpy as np
    import pandas as pd

    if found.version is not None and found.run_id is not None:
        try:
            row_ids, _, predicted = read_predictions(connect(), found.run_id)
        except NotFound:
            row_ids, predicted = np.array([]), np.array([])
        logged = pd.Series(predicted, index=row_ids).reindex(split.X_test.index)
        if len(row_ids) == len(split.X_test) and logged.notna().all():
            return logged.to_numpy(dtype=float)
    return np.asarray(_model(settings, connect, found).predict(split.X_test), dtype=float)


def refuse_nothing(settings: Settings) -> None:
    """Raises InvalidSettings where neither a range nor a spatial score is asked for."""
    if not settings.evaluation.assesses:
        raise InvalidSettings(
            "Nothing is measured: evaluation.range_folds is 0, and so is evaluation.spatial_folds.",
            where="evaluation.range_folds",
            remedy="Set them to 5, the usual number of parts, and start again.",
        )


def refuse_other_rows(found: AssessedVersion, rows: Rows) -> None:
    """Errors on other rows say nothing about this version's, and rows it was fitted on must not check it.

    Raises:
        InvalidData: it was trained on another data file, or nobody knows on which.
        InvalidSettings: the settings split the rows in another way.
    """
    if DATA_SHA256_TAG not in found.tags:
        raise InvalidData(
            f"Nobody knows which rows version {found.name} was trained on, so nothing can be measured of it.",
            remedy="Train it again.",
        )
    if found.tags[DATA_SHA256_TAG] != rows.lineage.data_sha256:
        raise InvalidData(
            f"Version {found.name} was trained on another data file, so nothing can be measured of it on this one.",
            where=str(rows.dataset.path),
            remedy="Set data.path to the file it was trained on, add that as a dataset, or train again on this one.",
        )
    if found.tags.get(SPLIT_TAG) != rows.split.name:
        raise InvalidSettings(
            f"Version {found.name} was trained on the split {found.tags.get(SPLIT_TAG)}, and the settings ask for "
            f"{rows.split.name}.",
            where="data.test_size, data.random_state",
            remedy="Set both as they were, or train again.",
        )


def _in_mlflow(store: Store, number: str) -> tuple[ModelVersion, Run | None]:
    version = get_version(store, number)
    try:
        return version, get_run(store, version.run_id) if version.run_id else None
    except NotFound:
        return version, None


def _spec(name: str, params: Mapping[str, object]) -> TrainingSpec:
    try:
        return TrainingSpec.from_params(params)
    except InvalidSpec as error:
        raise RecordsError(
            f"Nobody knows how version {name} was trained: {error.what}",
            remedy="Train it again; a range is measured with models of the same settings.",
        ) from error


def _model(settings: Settings, connect: Connect, found: AssessedVersion) -> Any:
    if found.entry is not None:
        return read_model(open_registry(settings, connect).model_file(found.entry), found.entry.sha256)
    if found.version is not None:
        return load_version(connect(), found.version)
    raise NotFound(
        f"Nobody holds a model of version {found.name}.", remedy="Restore it from a backup, or train it again."
    )
