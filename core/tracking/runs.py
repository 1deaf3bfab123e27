"""Reading runs back as values."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.domain.errors import NotFound
from core.domain.provenance import DATA_SHA256_TAG, JOB_TAG, SPLIT_TAG, SWEEP_TAG
from core.domain.runs import Run, RunStatus
from core.tracking.store import Store, mlflow_errors

if TYPE_CHECKING:
    import numpy as np

PREDICTIONS_FILE: Final = "predictions.parquet"
OUT_OF_FOLD_FILE: Final = "out_of_fold.parquet"
IMPORTANCE_FILE: Final = "feature_importance.json"
NEWEST_FIRST: Final = ("attributes.start_time DESC",)
TRAININGS_ONLY: Final = f"tags.`{SWEEP_TAG}` IS NULL"
"""A filter that leaves sweeps and their trials out: they have no score on the held-out rows."""


def list_runs(
    store: Store, *, limit: int = 100, filter_text: str = "", order_by: Sequence[str] = NEWEST_FIRST
) -> list[Run]:
    """The experiment's runs, newest first unless ``order_by`` says otherwise.

    Raises:
        StoreUnavailable: the store does not answer, or refuses the filter.
    """
    with mlflow_errors(store.uri):
        found = store.client.search_runs(
            [store.experiment_id], filter_string=filter_text, max_results=limit, order_by=list(order_by)
        )
    return [_run(run) for run in found]


def get_run(store: Store, run_id: str) -> Run:
    """One run.

    Raises:
        NotFound: there is none of that id.
    """
    with mlflow_errors(store.uri):
        return _run(store.client.get_run(run_id))


def find_run_of_job(store: Store, job_id: str) -> Run | None:
    """The run a job opened, if it got that far before its process died."""
    found = list_runs(store, limit=1, filter_text=f"tags.`{JOB_TAG}` = '{job_id}'")
    return found[0] if found else None


def earlier_twin(store: Store, run: Run) -> Run | None:
    """The newest finished run before this one with the very same params, data and split; None for the first.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    same = [f"params.`{name}` = '{value}'" for name, value in run.params.items() if "'" not in value]
    same += [f"tags.`{tag}` = '{run.tags.get(tag, '')}'" for tag in (DATA_SHA256_TAG, SPLIT_TAG)]
    before = f"attributes.start_time < {round(run.started.timestamp() * 1000)}"
    wanted = [TRAININGS_ONLY, f"attributes.status = '{RunStatus.FINISHED}'", before, *same]
    found = list_runs(store, limit=1, filter_text=" and ".join(wanted))
    return found[0] if found else None


def read_predictions(
    store: Store, run_id: str, file_name: str = PREDICTIONS_FILE
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row ids, actual and predicted prices, each of shape (n,): of the held-out rows, or of a trial's own.

    Raises:
        NotFound: the run logged none.
    """
    import pandas as pd

    with _artifact(store, run_id, file_name) as file:
        table = pd.read_parquet(file)
    return table["row_id"].to_numpy(), table["actual"].to_numpy(), table["predicted"].to_numpy()


def read_importance(store: Store, run_id: str) -> tuple[str, dict[str, float]]:
    """How the importance was measured, and column → share, largest first.

    Raises:
        NotFound: the run logged none.
    """
    with _artifact(store, run_id, IMPORTANCE_FILE) as file:
        content = json.loads(file.read_text(encoding="utf-8"))
    return content["method"], content["shares"]


@contextmanager
def _artifact(store: Store, run_id: str, file: str) -> Iterator[Path]:
    """A file of the run: in its place on a local store, else fetched and gone when the block ends."""
    from mlflow.artifacts import download_artifacts

    with mlflow_errors(store.uri):
        uri = f"{store.client.get_run(run_id).info.artifact_uri}/{file}"
    local = local_path(uri)
    if local is not None:
        if not local.is_file():
            raise NotFound(f"The run has no file {file}.", where=run_id, remedy="Train again: every training logs it.")
        yield local
        return
    with tempfile.TemporaryDirectory(prefix="housing-lab-") as scratch:
        with mlflow_errors(store.uri):
            fetched = Path(download_artifacts(artifact_uri=uri, dst_path=scratch, tracking_uri=store.uri))
        yield fetched


def local_path(uri: str) -> Path | None:
    """The path behind a ``file:`` address; None for one that lies elsewhere."""
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    parts = urlsplit(uri)
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


def _run(run: Any) -> Run:
    info, data = run.info, run.data
    return Run(
        run_id=info.run_id,
        name=info.run_name or info.run_id,
        status=RunStatus(info.status),
        started=_time(info.start_time),
        ended=_time(info.end_time) if info.end_time else None,
        params=dict(data.params),
        metrics=dict(data.metrics),
        tags=dict(data.tags),
    )


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
