"""Runs that an import brought in, as our store holds them: how the next import knows them again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from core.domain.imports import DONE, IMPORT_LEFT_OUT_TAG, IMPORT_RUN_TAG, IMPORT_STATE_TAG
from core.tracking.store import Store, mlflow_errors

_PAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class ImportedRun:
    """A run of an old store as ours holds it. ``left_out`` of its files waited for trust when it came in."""

    run_id: str
    experiment_id: str
    done: bool
    left_out: int
    deleted: bool


def imported_runs(store: Store) -> dict[str, ImportedRun]:
    """By its old id each run that was ever brought in, of all experiments, deleted ones too."""
    from mlflow.entities import ViewType

    found: dict[str, ImportedRun] = {}
    token: str | None = None
    with mlflow_errors(store.uri):
        experiments = [str(one.experiment_id) for one in store.client.search_experiments(ViewType.ALL)]
        while True:
            page = store.client.search_runs(
                experiments,
                filter_string=f"tags.`{IMPORT_RUN_TAG}` LIKE '%'",
                run_view_type=ViewType.ALL,
                max_results=_PAGE,
                page_token=token,
            )
            for run in page:
                tags = run.data.tags
                left_out = tags.get(IMPORT_LEFT_OUT_TAG, "0")
                found[tags[IMPORT_RUN_TAG]] = ImportedRun(
                    run_id=run.info.run_id,
                    experiment_id=run.info.experiment_id,
                    done=tags.get(IMPORT_STATE_TAG) == DONE,
                    left_out=int(left_out) if left_out.isdecimal() else 0,
                    deleted=run.info.lifecycle_stage == "deleted",
                )
            token = page.token
            if not token:
                return found


@contextmanager
def active(store: Store, run: ImportedRun) -> Iterator[None]:
    """The run as one that can be written to: a deleted one is restored for as long as the block takes."""
    if not run.deleted:
        yield
        return
    with mlflow_errors(store.uri):
        store.client.restore_run(run.run_id)
    try:
        yield
    finally:
        with mlflow_errors(store.uri):
            store.client.delete_run(run.run_id)
