"""Two small tables beside the engine's own: how far each job is, and which workers are alive.

A screen only ever reads these; the worker that runs a job writes them. One row a job, overwritten as it
goes, so that a long training costs no more room than a short one.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from filelock import Timeout

from core.domain.errors import QueueUnavailable
from core.domain.jobs import Progress

HEARTBEAT_SECONDS: Final = 1.0
ALIVE_SECONDS: Final = 10.0
"""A worker that has not been heard of for this long counts as dead."""

_TABLES: Final = sa.MetaData()
_PROGRESS: Final = sa.Table(
    "lab_job_progress",
    _TABLES,
    sa.Column("job_id", sa.String(64), primary_key=True),
    sa.Column("run_id", sa.String(64)),
    sa.Column("progress", sa.Text, nullable=False),
    sa.Column("updated", sa.Float, nullable=False),
)
_WORKERS: Final = sa.Table(
    "lab_workers",
    _TABLES,
    sa.Column("worker_id", sa.String(128), primary_key=True),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("heartbeat", sa.Float, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Posted:
    """The last word on a job: its run, if one is open, and its progress."""

    run_id: str | None
    progress: Progress


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker process as it last reported."""

    worker_id: str
    host: str
    pid: int
    seconds_since_heartbeat: float

    @property
    def is_alive(self) -> bool:
        return self.seconds_since_heartbeat < ALIVE_SECONDS


class ProgressBoard:
    """Reads and writes the two tables.

    Raises:
        QueueUnavailable: by every method, when the database does not answer.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def create(self) -> None:
        """Create the tables where they are missing."""
        with self._begin() as connection:
            _TABLES.create_all(connection)

    def post(self, job_id: str, progress: Progress, run_id: str | None = None) -> None:
        """Overwrite what is known of a job."""
        values = {"run_id": run_id, "progress": json.dumps(progress.as_payload()), "updated": time.time()}
        self._upsert(_PROGRESS, {"job_id": job_id}, values)

    def read(self, job_ids: Iterable[str]) -> dict[str, Posted]:
        """What is known of these jobs; those nobody has begun are left out."""
        wanted = sa.select(_PROGRESS).where(_PROGRESS.c.job_id.in_(list(job_ids)))
        with self._begin() as connection:
            rows = connection.execute(wanted).all()
        return {row.job_id: Posted(row.run_id, Progress.from_payload(json.loads(row.progress))) for row in rows}

    def beat(self, worker_id: str) -> None:
        """Say that this process lives."""
        values = {"host": socket.gethostname(), "pid": os.getpid(), "heartbeat": time.time()}
        self._upsert(_WORKERS, {"worker_id": worker_id}, values)

    def leave(self, worker_id: str) -> None:
        """Say goodbye, so that nobody waits for a heartbeat that will not come."""
        with self._begin() as connection:
            connection.execute(sa.delete(_WORKERS).where(_WORKERS.c.worker_id == worker_id))

    def workers(self) -> list[Worker]:
        """Every worker that ever reported and did not leave."""
        with self._begin() as connection:
            rows = connection.execute(sa.select(_WORKERS).order_by(_WORKERS.c.worker_id)).all()
        now = time.time()
        return [Worker(row.worker_id, row.host, row.pid, now - row.heartbeat) for row in rows]

    def _upsert(self, table: sa.Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        # Each row has one writer at a time, so update-then-insert needs no dialect of its own.
        condition = sa.and_(*(table.c[name] == value for name, value in key.items()))
        with self._begin() as connection:
            if connection.execute(sa.update(table).where(condition).values(**values)).rowcount == 0:
                connection.execute(sa.insert(table).values(**key, **values))

    @contextmanager
    def _begin(self) -> Iterator[sa.Connection]:
        with database_errors(), self._engine.begin() as connection:
            yield connection


@contextmanager
def database_errors() -> Iterator[None]:
    """Translate what the database driver, the disk and the lock raise.

    Raises:
        QueueUnavailable: the job database does not answer.
    """
    try:
        yield
    except (sa.exc.SQLAlchemyError, OSError, Timeout) as error:
        reason = str(getattr(error, "orig", None) or error).split("\n", 1)[0]
        raise QueueUnavailable(
            f"The job database does not answer: {reason}.",
            where="jobs.database_url",
            remedy="Check jobs.database_url and free disk space, and run `python -m core doctor`.",
        ) from error
