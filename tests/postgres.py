"""A PostgreSQL of the tests' own: on loopback, in a temporary folder, gone when the tests are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from tests.browser.server import free_port

INSTALLED = Path("/usr/lib/postgresql")
SERVER_USER = "postgres"
INSTALL_SECONDS = 240


class MissingPostgresError(Exception):
    """There is no PostgreSQL on this machine, and none could be installed."""


def binaries() -> Path:
    """The folder of ``initdb`` and ``pg_ctl``: the one found, else Debian's package installed when run by root.

    Raises:
        MissingPostgresError: there is none and none came.
    """
    found = _find()
    if found is None and shutil.which("apt-get") and os.geteuid() == 0:
        for command in (
            ["apt-get", "update"],
            ["apt-get", "install", "--yes", "--no-install-recommends", "postgresql"],
        ):
            print(f"no PostgreSQL yet: {' '.join(command)}", file=sys.stderr, flush=True)
            subprocess.run(
                command,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                stdout=sys.stderr,
                timeout=INSTALL_SECONDS,
                check=False,
            )
        found = _find()
    if found is None:
        raise MissingPostgresError(
            "These tests need PostgreSQL and found none. Install it: apt-get install postgresql."
        )
    return found


@contextmanager
def cluster(host: str = "127.0.0.1") -> Iterator[str]:
    """A running server; yields its address without a database: ``postgresql://lab@127.0.0.1:PORT``.

    Args:
        host: the one address it listens on; whoever shares a network with it is let in.
    """
    commands = binaries()
    folder = Path(tempfile.mkdtemp(prefix="housing-lab-postgres-"))
    data, port = folder / "data", free_port()
    if os.geteuid() == 0:  # the server refuses to run as root
        shutil.chown(folder, SERVER_USER)
    options = f"-p {port} -k {folder} -c listen_addresses={host} -c fsync=off -c max_connections=200"
    try:
        _run(commands / "initdb", "-D", data, "-U", "lab", "-A", "trust", "-E", "UTF8", "--no-sync")
        with (data / "pg_hba.conf").open("a", encoding="utf-8") as rules:
            rules.write("host all all samenet trust\n")
        _run(commands / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", options, "start")
        try:
            yield f"postgresql://lab@{host}:{port}"
        finally:
            _run(commands / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def create_database(server: str, name: str) -> str:
    """A new, empty database; returns its address."""
    engine = sa.create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    engine.dispose()
    return f"{server}/{name}"


def _find() -> Path | None:
    newest = sorted(INSTALLED.glob("*/bin/initdb"), key=lambda file: float(file.parts[-3]), reverse=True)
    on_path = shutil.which("initdb")
    found = [*newest, *([Path(on_path)] if on_path else [])]
    return found[0].parent if found else None


def _run(*command: object) -> None:
    words = [str(word) for word in command]
    server = SERVER_USER if os.geteuid() == 0 else None
    done = subprocess.run(
        words,
        user=server,
        group=server,
        extra_groups=None if server is None else [],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
