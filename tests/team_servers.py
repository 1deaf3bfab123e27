"""A team's servers, started for real on this machine: an S3-compatible object store and an MLflow tracking server.

PostgreSQL is in :mod:`tests.postgres`. All listen on loopback unless told otherwise, and are gone when the block ends.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.domain.settings import PROJECT_ROOT
from tests.browser.server import free_port
from tests.postgres import create_database

START_SECONDS = 90
LOOPBACK = "127.0.0.1"
USER, PASSWORD = "lab", "not-for-any-other-server"


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """An S3-compatible store that answers."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        """The variables under which MLflow and boto3 reach it."""
        return {
            "MLFLOW_S3_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "lab",
            "AWS_SECRET_ACCESS_KEY": PASSWORD,
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def client(self) -> Any:
        """A client as any program makes one."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="lab",
            aws_secret_access_key=PASSWORD,
        )

    def make_bucket(self, name: str) -> str:
        """A new, empty bucket; returns its address."""
        self.client().create_bucket(Bucket=name)
        return f"s3://{name}"

    def keys(self, bucket: str) -> list[str]:
        """What lies in a bucket; the first thousand."""
        listed = self.client().list_objects_v2(Bucket=bucket)
        return [str(found["Key"]) for found in listed.get("Contents", [])]


@dataclass(frozen=True, slots=True)
class Team:
    """A team's servers with nothing in them, and the settings that name them."""

    objects: ObjectStore
    bucket: str
    jobs_url: str
    mlflow_database: str
    mlflow_url: str
    credentials: Mapping[str, str]

    @property
    def settings(self) -> dict[str, str]:
        """What the lab is told: no address but these, and no key of the object store."""
        return {"HOUSING_LAB_JOBS__DATABASE_URL": self.jobs_url, "HOUSING_LAB_TRACKING__URI": self.mlflow_url}

    @property
    def environment(self) -> dict[str, str]:
        """The same, with what MLflow's own client is told."""
        return {**self.settings, **self.credentials}


@contextmanager
def object_store(host: str = LOOPBACK) -> Iterator[ObjectStore]:
    """A running object store."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", host, "-p", str(port)]
    url = f"http://{host}:{port}"
    with _serving(command, f"{url}/moto-api/data.json", {}):
        yield ObjectStore(url)


@contextmanager
def mlflow_server(
    database: str,
    artifacts: str,
    objects: ObjectStore,
    *,
    host: str = LOOPBACK,
    accounts: str = "",
    port: int | None = None,
) -> Iterator[str]:
    """A running tracking server; yields its address.

    Args:
        database: where its records lie. artifacts: where it keeps files.
        accounts: the database of its users, for a server that asks who one is: :data:`USER` by :data:`PASSWORD`.
        port: where it listens, for one that comes back; by default wherever there is room.
    """
    port = port or free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", database, "--serve-artifacts", "--artifacts-destination", artifacts]
    environment = {**objects.environment, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with tempfile.TemporaryDirectory(prefix="housing-lab-mlflow-") as scratch:
        if accounts:
            rules = Path(scratch, "users.ini")
            shipped = (PROJECT_ROOT / "config" / "team" / "mlflow-users.ini").read_text(encoding="utf-8")
            rules.write_text(re.sub(r"postgresql://\S+", accounts, shipped), encoding="utf-8")
            command += ["--app-name", "basic-auth"]
            environment |= {
                "MLFLOW_AUTH_CONFIG_PATH": str(rules),
                "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD,
                "MLFLOW_FLASK_SERVER_SECRET_KEY": PASSWORD,
            }
        url = f"http://{host}:{port}"
        with _serving(command, f"{url}/health", environment):
            yield url


@contextmanager
def team_of(postgres: str, objects: ObjectStore, name: str, *, accounts: bool = False) -> Iterator[Team]:
    """Empty databases, an empty bucket, and a tracking server over them.

    Args:
        name: of the databases and the bucket, lower case. accounts: whether the server asks who one is.
    """
    bucket = f"lab-{name}"
    artifacts = objects.make_bucket(bucket)
    records = create_database(postgres, f"mlflow_{name}")
    users = create_database(postgres, f"users_{name}") if accounts else ""
    with ExitStack() as stack:
        url = stack.enter_context(mlflow_server(records, artifacts, objects, accounts=users))
        yield Team(
            objects=objects,
            bucket=bucket,
            jobs_url=create_database(postgres, f"jobs_{name}"),
            mlflow_database=records,
            mlflow_url=url,
            credentials={"MLFLOW_TRACKING_USERNAME": USER, "MLFLOW_TRACKING_PASSWORD": PASSWORD} if accounts else {},
        )


@contextmanager
def _serving(command: list[str], health: str, environment: Mapping[str, str]) -> Iterator[None]:
    """The process, from its first answer to the block's end."""
    with tempfile.TemporaryDirectory(prefix="housing-lab-server-") as folder:
        log = Path(folder, "log")
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            _wait_until_it_answers(process, health, log)
            yield
        finally:
            # Nothing they hold is kept, and asked kindly they wait for idle connections.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_it_answers(process: subprocess.Popen[bytes], health: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"it ended with {process.returncode}\n{log.read_text(errors='replace')}"
        try:
            with urllib.request.urlopen(health, timeout=5):  # noqa: S310 - our own
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise AssertionError(f"it did not answer within {START_SECONDS} s\n{log.read_text(errors='replace')}")
