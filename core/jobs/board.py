"""What is known of jobs beside the engine's own state: how far each is, and who holds what open.

A screen only ever reads these; the worker that runs a job writes them. One row a job, overwritten as it
goes, so that a long training costs no more room than a short one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from core.domain.jobs import Progress
from core.jobs.database import SCHEMA, Tables

_PROGRESS: Final = sa.Table(
    "lab_job_progress",
    SCHEMA,
    sa.Column("job_id", sa.String(64), primary_key=True),
    sa.Column("run_id", sa.String(64)),
    sa.Column("progress", sa.Text, nullable=False),
    sa.Column("updated", sa.Float(53), nullable=False),
)
_OPEN: Final = sa.Table(
    "lab_open_jobs",
    SCHEMA,
    sa.Column("job_id", sa.String(64), primary_key=True),
    sa.Column("worker_id", sa.String(128), nullable=False),
)
_CHUNKS: Final = sa.Table(
    "lab_checkpoints",
    SCHEMA,
    sa.Column("job_id", sa.String(64), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
)


@dataclass(frozen=True, slots=True)
class Posted:
    """The last word on a job: its run, if one is open, and its progress."""

    run_id: str | None
    progress: Progress


class ProgressBoard(Tables):
    """Reads and writes what is known of jobs.

    Raises:
        QueueUnavailable: by every method, when the database does not answer.
    """

    def post(self, job_id: str, progress: Progress, run_id: str | None = None) -> None:
        """Overwrite what is known of a job."""
        values = {"run_id": run_id, "progress": json.dumps(progress.as_payload()), "updated": time.time()}
        self.upsert(_PROGRESS, {"job_id": job_id}, values)

    def read(self, job_ids: Iterable[str]) -> dict[str, Posted]:
        """What is known of these jobs; those nobody has begun are left out."""
        wanted = sa.select(_PROGRESS).where(_PROGRESS.c.job_id.in_(list(job_ids)))
        with self.begin() as connection:
            rows = connection.execute(wanted).all()
        return {row.job_id: Posted(row.run_id, Progress.from_payload(json.loads(row.progress))) for row in rows}

    def open(self, job_id: str, worker_id: str) -> None:
        """Note who works on a job, so that what it leaves open is found when that worker is gone."""
        self.upsert(_OPEN, {"job_id": job_id}, {"worker_id": worker_id})

    def close(self, job_id: str) -> None:
        """The job has ended and left nothing open; its checkpoints mean nothing any more."""
        with self.begin() as connection:
            connection.execute(sa.delete(_CHUNKS).where(_CHUNKS.c.job_id == job_id))
            connection.execute(sa.delete(_OPEN).where(_OPEN.c.job_id == job_id))

    def open_jobs(self) -> dict[str, str]:
        """Job → the worker that last took it up, for every job that is not closed."""
        with self.begin() as connection:
            return {row.job_id: row.worker_id for row in connection.execute(sa.select(_OPEN))}

    def checkpoints(self, job_id: str) -> JobCheckpoints:
        """The checkpoints of a job."""
        return JobCheckpoints(self, job_id)


class JobCheckpoints:
    """The files a job may go on from after a crash, with the digest each must have."""

    def __init__(self, tables: Tables, job_id: str) -> None:
        self._tables = tables
        self._job_id = job_id

    def chunks(self) -> Sequence[tuple[str, str]]:
        """(name, SHA-256) in the order they were entered."""
        wanted = sa.select(_CHUNKS).where(_CHUNKS.c.job_id == self._job_id).order_by(_CHUNKS.c.place)
        with self._tables.begin() as connection:
            return [(row.name, row.sha256) for row in connection.execute(wanted)]

    def enter(self, name: str, sha256: str) -> None:
        """Add one that is wholly written."""
        place = sa.select(sa.func.count()).where(_CHUNKS.c.job_id == self._job_id).scalar_subquery()
        row = {"job_id": self._job_id, "place": place, "name": name, "sha256": sha256}
        with self._tables.begin() as connection:
            connection.execute(sa.insert(_CHUNKS).values(**row))
