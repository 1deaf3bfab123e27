"""MLflow's store, opened once and tuned. Every foreign error is translated at this door."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from filelock import FileLock, Timeout

from core.domain.addresses import POSTGRESQL, patient, shown
from core.domain.errors import NotFound, StoreUnavailable
from core.domain.files import draft_of
from core.domain.settings import SQLITE, Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

_LOCK_SECONDS: Final = 120
_BUSY_SECONDS: Final = 30
RETRY_SECONDS: Final = 10.0
"""How long an unreachable store is taken at its word, so that nobody waits for it again and again."""

_LOCK_KEY: Final = 0x6D6C666C
"""``mlfl``: PostgreSQL's advisory locks are numbers."""
_ENVIRONMENT: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    # Where the store is a server, MLflow prints an address and draws a bar, also into `--json`.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # The object store's client tries five times by default, a minute each.
    "AWS_MAX_ATTEMPTS": "3",
}
_REFUSALS: Final = (401, 403)
_WHO: Final = "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD to a user of that server who may write here."
_OBJECT_STORE_ERRORS: Final = {
    "botocore.exceptions": ("BotoCoreError", "ClientError"),
    "boto3.exceptions": ("Boto3Error",),
}
"""They are no OSErrors, and the app runs without the library."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Store:
    """An open store: the client, where it points, and the two names all records stand under."""

    client: MlflowClient
    uri: str
    experiment_id: str
    model_name: str


class Connection:
    """Opens the store on first use. A failure is remembered for some seconds, so that nobody waits for it twice.

    Args:
        settings: whose store.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._away: tuple[float, StoreUnavailable] | None = None

    def __call__(self) -> Store:
        """The open store.

        Raises:
            StoreUnavailable: it cannot be opened now, or could not a moment ago.
        """
        with self._lock:
            if self._store is None:
                if self._away is not None and time.monotonic() - self._away[0] < RETRY_SECONDS:
                    raise self._away[1]
                try:
                    self._store = open_store(self._settings)
                except StoreUnavailable as error:
                    self._away = (time.monotonic(), error)
                    raise
            return self._store


def open_store(settings: Settings) -> Store:
    """The tracking store and registry of these settings, created on first use.

    Several processes may call this at once on an empty home: the first one creates the database under a
    lock, the others wait for it. (MLflow itself leaves the database broken for good in that race.)

    Raises:
        StoreUnavailable: the store cannot be reached, created or locked, or is switched off.
    """
    if not settings.training.enable_mlflow:
        raise StoreUnavailable(
            "MLflow is switched off.",
            where="training.enable_mlflow",
            remedy="Set training.enable_mlflow to true to record runs in MLflow as well.",
        )
    # Read by mlflow, so set before it is imported. Nothing of ours phones home, and a server that is away is
    # reported in seconds: by default a client tries for four minutes.
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    uri = patient(settings.tracking_uri)
    with mlflow_errors(uri), _initialisation_lock(settings):
        from mlflow import MlflowClient

        for chatty in ("mlflow", "alembic"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        if uri.startswith(SQLITE):
            _create_database(Path(uri.removeprefix(SQLITE).partition("?")[0]))
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        store = Store(client, uri, _experiment(client, settings), settings.tracking.registered_model_name)
        _registered_model(store)
        tune(store)
    return store


def _create_database(file: Path) -> None:
    """Create MLflow's tables in a draft that takes its place when they are whole.

    MLflow migrates in place: a process killed in the middle of it leaves a database that opens never again.
    """
    if file.exists():
        return
    import sqlalchemy as sa
    from mlflow.store.db.utils import _initialize_tables  # MLflow's own, pinned; its public word is a command

    with draft_of(file) as draft:
        engine = sa.create_engine(f"{SQLITE}{draft}")
        try:
            _initialize_tables(engine)  # type: ignore[no-untyped-call]
        finally:
            engine.dispose()


def tune(store: Store) -> None:
    """Keep a SQLite store fast: write-ahead log, and statistics so that metric sorts are not quadratic.

    Cheap enough to repeat after every run, and best effort: a slower store is no reason to fail a run. Other
    stores keep their own statistics.
    """
    if not store.uri.startswith(SQLITE):
        return
    file = store.uri.removeprefix(SQLITE).partition("?")[0]
    try:
        with closing(sqlite3.connect(file, timeout=_BUSY_SECONDS)) as database, database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA analysis_limit=1000")
            database.execute("ANALYZE")
    except sqlite3.Error as error:
        _log.warning("MLflow's store could not be tuned: %s", error)


@contextmanager
def mlflow_errors(where: str) -> Iterator[None]:
    """Translate what MLflow and its drivers raise into the lab's own errors.

    Raises:
        NotFound: MLflow knows no such run, model or version.
        StoreUnavailable: anything else that keeps the store from answering.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode

    where = shown(where)
    try:
        yield
    except MlflowException as error:
        if error.get_http_status_code() in _REFUSALS:  # type: ignore[no-untyped-call]
            raise StoreUnavailable(
                "MLflow's server does not know who asks, or does not let them.", where=where, remedy=_WHO
            ) from error
        if error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
            raise NotFound(
                f"MLflow has no such record: {error.message}.",
                where=where,
                remedy="Look at the list of runs and versions; it may have been deleted.",
            ) from error
        broken = _broken_connection(error.message)
        raise StoreUnavailable(
            f"MLflow's server does not answer: {broken}."
            if broken
            else f"MLflow refused: {_first_line(error.message)}.",
            where=where,
            remedy="Check tracking.uri and run `python -m core doctor`.",
        ) from error
    except _drivers_errors() as error:
        reason = _broken_connection(str(error)) or _first_line(str(error))
        raise StoreUnavailable(
            f"MLflow's store does not answer: {reason}.",
            where=where,
            remedy="Check tracking.uri, free disk space and permissions, and run `python -m core doctor`.",
        ) from error


def _drivers_errors() -> tuple[type[Exception], ...]:
    """What databases, networks and disks raise, and the object store's client where it was loaded."""
    import requests
    import sqlalchemy.exc

    always = (sqlalchemy.exc.SQLAlchemyError, sqlite3.Error, requests.RequestException, OSError, Timeout, ImportError)
    loaded = ((sys.modules[module], names) for module, names in _OBJECT_STORE_ERRORS.items() if module in sys.modules)
    return (*always, *(getattr(module, name) for module, names in loaded for name in names))


def _initialisation_lock(settings: Settings) -> AbstractContextManager[Any]:
    """A lock between processes where MLflow would create tables; a server looks after its own."""
    if settings.tracking_uri.startswith(POSTGRESQL):
        return _advisory_lock(patient(settings.tracking_uri))
    if not settings.tracking_uri.startswith(SQLITE):
        return nullcontext()
    settings.paths.locks.mkdir(parents=True, exist_ok=True)
    return FileLock(settings.paths.locks / "mlflow.lock", timeout=_LOCK_SECONDS)


@contextmanager
def _advisory_lock(uri: str) -> Iterator[None]:
    """PostgreSQL's own lock, for workers may start on several hosts at once. It ends with the connection."""
    import sqlalchemy as sa

    engine = sa.create_engine(uri, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SET lock_timeout = '{_LOCK_SECONDS}s'")
        connection.execute(sa.select(sa.func.pg_advisory_lock(_LOCK_KEY)))
        yield


def _experiment(client: MlflowClient, settings: Settings) -> str:
    name = settings.tracking.experiment_name
    existing = client.get_experiment_by_name(name)
    if existing is None:
        # Without an absolute location a database store drops artifacts into whatever folder one stands in;
        # a server over HTTP has a place of its own.
        remote = settings.tracking_uri.startswith(("http://", "https://"))
        location = settings.tracking.artifact_location or (None if remote else settings.paths.mlflow_artifacts.as_uri())
        with _already_there():
            return str(client.create_experiment(name, artifact_location=location))
        existing = client.get_experiment_by_name(name)
    if existing.lifecycle_stage == "deleted":
        client.restore_experiment(existing.experiment_id)
    return str(existing.experiment_id)


def _registered_model(store: Store) -> None:
    if not store.client.search_registered_models(f"name = '{store.model_name}'", max_results=1):
        with _already_there():
            store.client.create_registered_model(store.model_name, description="Median house value, 1990 US dollars.")


@contextmanager
def _already_there() -> Iterator[None]:
    """Another process, perhaps on another host, may create the same thing first."""
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode

    try:
        yield
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
            raise


def _first_line(message: str) -> str:
    return message.strip().split("\n", 1)[0].rstrip(".")


def _broken_connection(message: str) -> str:
    """Why a connection broke, of what an HTTP client says of it in names of Python's; empty for anything else."""
    if "ConnectionPool(" not in message:
        return ""
    reason = re.search(r"\[Errno -?\d+\] ([^'\")]+)", message)
    if reason is not None:
        return reason[1].strip().lower()
    return "it took too long" if "timed out" in message else "the connection broke"
