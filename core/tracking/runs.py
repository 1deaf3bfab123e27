"""Reading runs back as values."""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from core.domain.errors import NotFound, StoreUnavailable
from core.domain.hyperparameters import FEATURES_PARAM, FeatureSet, whole_params
from core.domain.provenance import DATA_SHA256_TAG, JOB_TAG, SPLIT_TAG, SWEEP_TAG
from core.domain.run_query import Lifecycle
from core.domain.runs import Run, RunStatus
from core.tracking.run_filter import filter_errors, parse_filter
from core.tracking.store import Store, mlflow_errors

if TYPE_CHECKING:
    import numpy as np

PREDICTIONS_FILE: Final = "predictions.parquet"
OUT_OF_FOLD_FILE: Final = "out_of_fold.parquet"
IMPORTANCE_FILE: Final = "feature_importance.json"
NEWEST_FIRST: Final = ("attributes.start_time DESC",)
PAGE: Final = 250
"""Runs fetched at a time: MLflow takes 1 to 2 ms for each."""

_IDS_AT_A_TIME: Final = 100
_MOST_TWINS: Final = 100
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
_LATEST: Final = datetime.max.replace(microsecond=999_000, tzinfo=UTC)
TRAININGS_ONLY: Final = f"tags.`{SWEEP_TAG}` IS NULL"
"""A filter that leaves sweeps and their trials out: they have no score on the held-out rows."""


def list_runs(
    store: Store,
    *,
    limit: int = 100,
    filter_text: str = "",
    order_by: Sequence[str] = NEWEST_FIRST,
    lifecycle: Lifecycle = Lifecycle.ACTIVE,
) -> list[Run]:
    """The experiment's runs, newest first unless ``order_by`` says otherwise.

    Raises:
        InvalidFilter: the filter or the order is none.
        StoreUnavailable: the store does not answer.
    """
    runs, _ = page_of_runs(store, limit=limit, filter_text=filter_text, order_by=order_by, lifecycle=lifecycle)
    return runs


def page_of_runs(
    store: Store,
    *,
    limit: int = PAGE,
    filter_text: str = "",
    order_by: Sequence[str] = NEWEST_FIRST,
    lifecycle: Lifecycle = Lifecycle.ACTIVE,
    token: str | None = None,
) -> tuple[list[Run], str | None]:
    """Runs, and the token under which MLflow gives the next ones; None after the last.

    Raises:
        InvalidFilter: the filter or the order is none.
        StoreUnavailable: the store does not answer.
    """
    from mlflow.entities import ViewType

    views = {
        Lifecycle.ACTIVE: ViewType.ACTIVE_ONLY,
        Lifecycle.DELETED: ViewType.DELETED_ONLY,
        Lifecycle.ALL: ViewType.ALL,
    }
    parse_filter(filter_text)
    with mlflow_errors(store.uri), filter_errors():
        found = store.client.search_runs(
            [store.experiment_id],
            filter_string=filter_text.strip(),
            run_view_type=views[lifecycle],
            max_results=limit,
            order_by=list(order_by),
            page_token=token,
        )
    return [as_run(run) for run in found], found.token or None


def walk_runs(
    store: Store,
    *,
    filter_text: str = "",
    order_by: Sequence[str] = NEWEST_FIRST,
    lifecycle: Lifecycle = Lifecycle.ACTIVE,
    size: int = PAGE,
) -> Iterator[Run]:
    """All runs of the filter in their order, fetched page after page as they are taken. Raises as page_of_runs."""
    token: str | None = None
    while True:
        runs, token = page_of_runs(
            store, limit=size, filter_text=filter_text, order_by=order_by, lifecycle=lifecycle, token=token
        )
        yield from runs
        if token is None:
            return


def runs_by_id(store: Store, run_ids: Iterable[str]) -> dict[str, Run]:
    """The runs of these ids as they stand now, deleted ones too; ids that MLflow does not know are left out.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    # An id is 32 characters of MLflow's own making; whatever else was asked for is no run's.
    wanted = [run_id for run_id in dict.fromkeys(run_ids) if run_id.isalnum() and run_id.isascii()]
    found: dict[str, Run] = {}
    for start in range(0, len(wanted), _IDS_AT_A_TIME):
        some = wanted[start : start + _IDS_AT_A_TIME]
        named = ", ".join(f"'{run_id}'" for run_id in some)
        runs, _ = page_of_runs(
            store, limit=len(some), filter_text=f"attributes.run_id IN ({named})", lifecycle=Lifecycle.ALL
        )
        found |= {run.run_id: run for run in runs}
    return found


def get_run(store: Store, run_id: str) -> Run:
    """One run.

    Raises:
        NotFound: there is none of that id.
    """
    try:
        with mlflow_errors(store.uri):
            return as_run(store.client.get_run(run_id))
    except NotFound as error:
        raise NotFound(
            f"There is no run {run_id[:80]!r}.", remedy="Choose one of the runs in the table; it may have been deleted."
        ) from error


def find_run_of_job(store: Store, job_id: str) -> Run | None:
    """The run a job opened, if it got that far before its process died."""
    found = list_runs(store, limit=1, filter_text=f"tags.`{JOB_TAG}` = '{job_id}'")
    return found[0] if found else None


def earlier_twin(store: Store, run: Run) -> Run | None:
    """The newest finished run before this one with the very same params, data and split; None for the first.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    params = whole_params(run.params)
    # A run from before there were feature sets has none to ask for, so what is found is looked at once more.
    unasked = {FEATURES_PARAM} if params.get(FEATURES_PARAM) == FeatureSet.BASIC.value else set()
    same = [
        f"params.`{name}` = '{value}'" for name, value in params.items() if name not in unasked and "'" not in value
    ]
    same += [f"tags.`{tag}` = '{run.tags.get(tag, '')}'" for tag in (DATA_SHA256_TAG, SPLIT_TAG)]
    before = f"attributes.start_time < {round(run.started.timestamp() * 1000)}"
    wanted = [TRAININGS_ONLY, f"attributes.status = '{RunStatus.FINISHED}'", before, *same]
    found = list_runs(store, limit=_MOST_TWINS, filter_text=" and ".join(wanted))
    return next((other for other in found if whole_params(other.params) == params), None)


def read_predictions(
    store: Store, run_id: str, file_name: str = PREDICTIONS_FILE
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row ids, actual and predicted prices, each of shape (n,): of the held-out rows, or of a trial's own.

    Raises:
        NotFound: the run logged none.
    """
    import pandas as pd

    with artifact_of(store, run_id, file_name) as file:
        table = pd.read_parquet(file)
    return table["row_id"].to_numpy(), table["actual"].to_numpy(), table["predicted"].to_numpy()


def read_importance(store: Store, run_id: str) -> tuple[str, dict[str, float]]:
    """How the importance was measured, and column → share, largest first.

    Raises:
        NotFound: the run logged none.
    """
    with artifact_of(store, run_id, IMPORTANCE_FILE) as file:
        content = json.loads(file.read_text(encoding="utf-8"))
    return content["method"], content["shares"]


@contextmanager
def artifact_of(store: Store, run_id: str, file: str) -> Iterator[Path]:
    """A file of the run: in its place on a local store, else fetched and gone when the block ends.

    Raises:
        NotFound: the run has no such file. StoreUnavailable: the store, or where it keeps files, does not answer.
    """
    with mlflow_errors(store.uri):
        uri = f"{store.client.get_run(run_id).info.artifact_uri}/{file}"
    local = local_path(uri)
    if local is not None:
        if not local.is_file():
            raise NotFound(f"The run has no file {file}.", where=run_id, remedy="Train again: every training logs it.")
        yield local
        return
    with tempfile.TemporaryDirectory(prefix="housing-lab-") as scratch:
        yield fetch(store, uri, Path(scratch))


def fetch(store: Store, uri: str, folder: Path) -> Path:
    """Copy a file or a folder from where the store keeps files into ``folder``; where it then lies.

    Raises:
        NotFound: nothing lies there. StoreUnavailable: the store, or where it keeps files, does not answer.
    """
    from mlflow.artifacts import download_artifacts, list_artifacts

    try:
        with mlflow_errors(store.uri):
            return Path(download_artifacts(artifact_uri=uri, dst_path=str(folder), tracking_uri=store.uri))
    except StoreUnavailable:
        # Of a file that is not there each kind of store says something else, and none of them that alone.
        above, _, name = uri.rpartition("/")
        with mlflow_errors(store.uri):
            beside = list_artifacts(artifact_uri=above, tracking_uri=store.uri)
        if any(PurePosixPath(found.path).name == name for found in beside):
            raise
    raise NotFound(f"There is no file {name}.", where=above, remedy="Train again: every training logs its files.")


def local_path(uri: str) -> Path | None:
    """The path behind a ``file:`` address; None for one that lies elsewhere."""
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    parts = urlsplit(uri)
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


def as_run(run: Any) -> Run:
    """MLflow's run as ours."""
    info, data = run.info, run.data
    return Run(
        run_id=info.run_id,
        name=info.run_name or info.run_id,
        status=RunStatus(info.status),
        started=moment(info.start_time or 0),
        ended=moment(info.end_time) if info.end_time else None,
        params=dict(data.params),
        metrics={name: _figure(value) for name, value in data.metrics.items()},
        tags=dict(data.tags),
        deleted=info.lifecycle_stage == "deleted",
    )


def milliseconds(moment: datetime) -> int:
    """A moment as MLflow writes it: milliseconds since 1970."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def moment(since_1970: int) -> datetime:
    """A moment from MLflow's milliseconds. A client may have written any number: the calendar ends with year 9999."""
    try:
        return _EPOCH + timedelta(milliseconds=since_1970)
    except OverflowError:
        return _LATEST if since_1970 > 0 else _EARLIEST


def _figure(value: float) -> float:
    """A metric's value. MLflow's databases keep infinity as the largest number there is."""
    return math.copysign(math.inf, value) if abs(value) >= sys.float_info.max else value
