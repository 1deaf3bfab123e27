"""Which workers live. Each says so every second; one that has been silent for long counts as dead."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from core.jobs.database import SCHEMA, Tables

HEARTBEAT_SECONDS: Final = 1.0
ALIVE_SECONDS: Final = 10.0
"""A worker that has not been heard of for this long counts as dead."""

_WORKERS: Final = sa.Table(
    "lab_workers",
    SCHEMA,
    sa.Column("worker_id", sa.String(128), primary_key=True),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("heartbeat", sa.Float(53), nullable=False),
)


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker process as it last reported."""

    worker_id: str
    host: str
    pid: int
    seconds_since_heartbeat: float

    @property
    def is_alive(self) -> bool:
        # A heartbeat of the future was written before a clock was set back: whoever lives has written another since.
        return abs(self.seconds_since_heartbeat) < ALIVE_SECONDS


class Roster(Tables):
    """Reads and writes the workers' heartbeats, by the database's clock.

    Raises:
        QueueUnavailable: by every method, when the database does not answer.
    """

    def beat(self, worker_id: str) -> None:
        """Say that this process lives."""
        values = {"host": socket.gethostname(), "pid": os.getpid(), "heartbeat": self.now}
        self.upsert(_WORKERS, {"worker_id": worker_id}, values)

    def leave(self, worker_id: str) -> None:
        """Strike a worker off: itself, when it ends, so that nobody waits for a heartbeat that will not come."""
        with self.begin() as connection:
            connection.execute(sa.delete(_WORKERS).where(_WORKERS.c.worker_id == worker_id))

    def workers(self) -> list[Worker]:
        """Every worker that ever reported and did not leave."""
        wanted = sa.select(_WORKERS, (self.now - _WORKERS.c.heartbeat).label("silence"))
        with self.begin() as connection:
            rows = connection.execute(wanted.order_by(_WORKERS.c.worker_id)).all()
        return [Worker(row.worker_id, row.host, row.pid, float(row.silence)) for row in rows]
