"""One MLflow store for the tests that add to it, and the trained one to read from."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.domain.configuration import load_settings
from core.domain.settings import HOME_VARIABLE, PROJECT_ROOT, Settings
from core.tracking.run_feed import RunFeed
from core.tracking.run_index import RunIndex
from core.tracking.store import Store, open_store
from tests.core.varied_runs import write_run

if TYPE_CHECKING:
    from mlflow import MlflowClient

RunPython = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def records_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of the home the shared store lies in."""
    return load_settings(home=tmp_path_factory.mktemp("records"), environment={})


@pytest.fixture(scope="session")
def store(records_settings: Settings) -> Store:
    """A real SQLite store that these tests share: each adds runs of its own and reads only those."""
    return open_store(records_settings)


@pytest.fixture(scope="session")
def trained_store(trained_settings: Settings) -> Store:
    """The store of the shared training. Read only."""
    return open_store(trained_settings)


@pytest.fixture(scope="session")
def plain_client(store: Store) -> MlflowClient:
    """A client as any MLflow user makes one, without our code."""
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=store.uri, registry_uri=store.uri)


@pytest.fixture
def run_python(tmp_path: Path) -> RunPython:
    """Runs code in a process of its own that can import the project; its state lies in ``home``."""

    def run(
        code: str, *words: str, home: Path | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, HOME_VARIABLE: str(home or tmp_path), "PYTHONPATH": str(PROJECT_ROOT)}
        return subprocess.run(
            [sys.executable, "-c", code, *words],
            env=environment,
            cwd=cwd or tmp_path,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def varied_store(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """An experiment of its own in the shared store: forty runs of every kind. Read only."""
    tracking = {"uri": store.uri, "experiment_name": "varied"}
    home = tmp_path_factory.mktemp("varied")
    own = open_store(load_settings(home=home, environment={}, values={"tracking": tracking}))
    for number in range(40):
        write_run(own, number)
    return own


@pytest.fixture(scope="session")
def varied_index(varied_store: Store, tmp_path_factory: pytest.TempPathFactory) -> RunIndex:
    """An index that was fed from it to the end. Read only."""
    index = RunIndex(tmp_path_factory.mktemp("index") / "run_index.db", "varied")
    feed_all(varied_store, index)
    return index


def feed_all(store: Store, index: RunIndex) -> RunFeed:
    """Read all runs of the store into the index; the feed that did it."""
    feed = RunFeed(store, index)
    while not index.state.complete:
        feed.advance(runs=7)
    return feed
