"""What a crash may leave in MLflow: runs that say RUNNING, versions of runs that failed, models never finished."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from core.domain.runs import Run, RunStatus
from core.domain.settings import SQLITE
from core.tracking.registry import get_version, version_of_run
from core.tracking.runs import list_runs
from core.tracking.store import Store, mlflow_errors

if TYPE_CHECKING:
    from mlflow.entities import LoggedModelStatus

_MOST: Final = 50_000
"""What one search of MLflow answers at most."""

_PAGE: Final = 100
_IDS_A_SEARCH: Final = 500


@dataclass(frozen=True, slots=True)
class PendingModel:
    """A logged model whose files were never said to be complete."""

    model_id: str
    run_id: str


def open_runs(store: Store) -> list[Run]:
    """The experiment's runs that say RUNNING, newest first."""
    return list_runs(store, limit=_MOST, filter_text=f"attributes.status = '{RunStatus.RUNNING}'")


def unfinished_among(store: Store, run_ids: Iterable[str]) -> list[Run]:
    """Those of these runs that are not FINISHED; runs that were deleted are left out."""
    found: list[Run] = []
    wanted_ids = sorted(set(run_ids))
    for start in range(0, len(wanted_ids), _IDS_A_SEARCH):
        listed = ", ".join(f"'{run_id}'" for run_id in wanted_ids[start : start + _IDS_A_SEARCH])
        wanted = f"attributes.status != '{RunStatus.FINISHED}' AND attributes.run_id IN ({listed})"
        found += list_runs(store, limit=_MOST, filter_text=wanted)
    return found


def serving_version(store: Store, run_id: str) -> str | None:
    """The version a run was registered as, if an alias points to it: somebody relies on it."""
    registered = version_of_run(store, run_id)
    # A search tells no aliases; only the version itself does.
    return registered.version if registered and get_version(store, registered.version).aliases else None


def pending_models(store: Store) -> list[PendingModel]:
    """The experiment's logged models that a run began and nobody finished."""
    from mlflow.entities import LoggedModelStatus

    # The store compares with its own number for the state: the word matches nothing, and PostgreSQL refuses to
    # compare a number with either. What kind of database a server has, it does not say.
    is_comparable = store.uri.startswith(SQLITE)
    wanted = f"attributes.status = '{LoggedModelStatus.PENDING.to_int()}'" if is_comparable else None
    found: list[PendingModel] = []
    token: str | None = None
    while True:
        with mlflow_errors(store.uri):
            page = store.client.search_logged_models(
                [store.experiment_id], filter_string=wanted, max_results=_PAGE, page_token=token
            )
        found += [
            PendingModel(str(model.model_id), str(model.source_run_id))
            for model in page
            if model.status is LoggedModelStatus.PENDING and model.source_run_id
        ]
        token = page.token
        if not token:
            return found


def fail_model(store: Store, model_id: str) -> bool:
    """Say of a pending model that it failed; False when it is not pending any more."""
    from mlflow.entities import LoggedModelStatus

    with mlflow_errors(store.uri):
        if store.client.get_logged_model(model_id).status is not LoggedModelStatus.PENDING:
            return False
        store.client.finalize_logged_model(model_id, LoggedModelStatus.FAILED)
    return True


def fail_models_of(store: Store, run_id: str) -> None:
    """Say of the models that a run began to log and did not finish that they failed."""
    from mlflow.entities import LoggedModelStatus

    for model_id, status in _models_of(store, run_id):
        if status is LoggedModelStatus.PENDING:
            fail_model(store, model_id)


def logged_model_of(store: Store, run_id: str) -> str | None:
    """The id of the finished model a run logged; None where there is none."""
    from mlflow.entities import LoggedModelStatus

    ready = [model_id for model_id, status in _models_of(store, run_id) if status is LoggedModelStatus.READY]
    return ready[0] if ready else None


def _models_of(store: Store, run_id: str) -> list[tuple[str, LoggedModelStatus]]:
    """Id and state of every model a run logged."""
    with mlflow_errors(store.uri):
        page = store.client.search_logged_models(
            [store.experiment_id], filter_string=f"source_run_id = '{run_id}'", max_results=_PAGE
        )
    return [(str(model.model_id), model.status) for model in page]
