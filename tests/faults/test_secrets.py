"""Secrets of the settings and of the environment are in no log, no record, no error and on no screen."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.domain.configuration import load_settings
from core.domain.errors import InvalidSettings
from core.domain.house import House
from core.domain.settings import Settings
from core.jobs.engine import JobQueue
from tests.core.cli.terminal import lab, run_here
from tests.core.jobs.conftest import is_final, request_of, wait_for
from tests.core.serving.service import running_service, split_of
from tests.core.workflows.conftest import MakeHome, make_home, small_file  # noqa: F401 - fixtures
from tests.faults.conftest import Ward, until
from tests.forked import working
from tests.pages.conftest import OpenScreen, _quick_screens, open_screen  # noqa: F401 - fixtures

NOBODY = "127.0.0.1:9"
PASSWORDS = {
    "jobs.database_url": "pw-of-the-jobs-7f3a",
    "tracking.uri": "pw-of-the-records-91cc",
}
VARIABLES = {
    "MLFLOW_TRACKING_PASSWORD": "pw-of-mlflow-55d0",
    "MLFLOW_TRACKING_TOKEN": "token-of-mlflow-0c9e",
    "AWS_SECRET_ACCESS_KEY": "key-of-the-objects-4b1d",
    "PGPASSWORD": "pw-of-postgres-e2a8",
    "HOUSING_LAB_TOKEN": "token-of-the-terminal-8d77",
}
SECRETS = {**PASSWORDS, **VARIABLES}
SCREENS = ("", "train", "tune", "runs", "compare", "models", "what_if", "score", "data")

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(autouse=True)
def _planted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)


def told_in(text: str | bytes) -> list[str]:
    """Which secrets a text holds."""
    content = text.encode() if isinstance(text, str) else text
    return [name for name, secret in SECRETS.items() if secret.encode() in content]


def everything_on(screen: AppTest) -> str:
    """All that a screen sends to a browser."""
    return " ".join(str(element.proto) for element in (*screen.main, *screen.sidebar) if hasattr(element, "proto"))


def test_what_a_working_lab_writes_and_shows_holds_no_secret(
    make_home: MakeHome,  # noqa: F811
    open_screen: OpenScreen,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    settings = make_home()
    looked: Counter[str] = Counter()
    queue = JobQueue(settings)
    with working(settings, parent=os.getpid()):
        jobs = [queue.submit(request_of("ridge")) for _ in range(2)]
        for job_id in jobs:
            wait_for(queue, job_id, is_final)
        until(lambda: not Ward(settings, queue).left_open(), "a job stays open")
    queue.close()
    log = tmp_path / "serve.log"
    with running_service(settings, log) as service:
        bodies = [service.ask("GET", path).body for path in ("/health", "/version", "/metrics", "/docs", "/nowhere")]
        bodies += [service.invoke(b"{").body, service.value(b"{").body]
    for body in (*bodies, log.read_bytes()):
        assert told_in(body) == []
        looked["REST answers and its log"] += 1
    for name, value in settings.as_environment().items():
        monkeypatch.setenv(name, value)
    for words in (("doctor",), ("runs",), ("jobs",), ("history",), ("value",)):
        for form in ((), ("--json",)):
            _, printed, error = run_here(monkeypatch, capsys, *words, *form)
            assert told_in(printed + error) == []
            looked["terminal outputs"] += 1
    for name in SCREENS:
        assert told_in(everything_on(open_screen(settings, name))) == [], name
        looked["screens"] += 1
    for file in settings.home.rglob("*"):
        if file.is_file():
            assert told_in(file.read_bytes()) == [], file
            looked["files: logs, databases with params and tags, artifacts, models"] += 1
    print(f"\n{len(SECRETS)} secrets planted, none found in {dict(looked)}")


@pytest.fixture
def away(tmp_path: Path, small_file: Path) -> Settings:  # noqa: F811
    """Both servers are named with their passwords, and neither is there."""
    return load_settings(
        home=tmp_path / "away",
        environment={
            "HOUSING_LAB_DATA__PATH": str(small_file),
            "HOUSING_LAB_JOBS__DATABASE_URL": f"postgresql://lab:{PASSWORDS['jobs.database_url']}@{NOBODY}/jobs",
            "HOUSING_LAB_TRACKING__URI": f"http://lab:{PASSWORDS['tracking.uri']}@{NOBODY}",
        },
    )


def test_no_error_of_servers_that_are_away_shows_their_passwords(
    away: Settings,
    open_screen: OpenScreen,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    real_rows: pd.DataFrame,
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    houses = tmp_path / "houses.csv"
    real_rows.drop(columns="median_house_value").head(5).to_csv(houses, index=False)
    for name, value in away.as_environment().items():
        monkeypatch.setenv(name, value)
    errors = 0
    for words in (
        ("train", "--family", "ridge"),
        ("sweep", "--family", "ridge", "--trials", "2"),
        ("runs",),
        ("compare", "a", "b"),
        ("promote", "1"),
        ("rollback", "--reason", "x"),
        ("history",),
        ("value",),
        ("predict", "--input", str(houses), "--output", str(tmp_path / "priced.csv")),
        ("jobs",),
        ("doctor",),
    ):
        for form in ((), ("--json",)):
            code, printed, error = run_here(monkeypatch, capsys, *words, *form)
            assert code == 1, (words, printed, error)
            assert told_in(printed + error) == [], (words, printed, error)
            errors += 1
    ended = lab(away, "worker")  # apart: it hears signals for the whole process
    assert ended.returncode == 1
    assert told_in(ended.stdout + ended.stderr) == []
    for name in SCREENS:
        assert told_in(everything_on(open_screen(away, name))) == [], name
    assert told_in(caplog.text) == []
    log = tmp_path / "serve.log"
    with running_service(away, log) as service:
        answer = service.invoke(split_of([House.typical()]))
        assert answer.status >= 400
        assert told_in(answer.body + service.ask("GET", "/health").body) == []
    assert told_in(log.read_bytes()) == []
    for file in away.home.rglob("*"):
        assert not file.is_file() or told_in(file.read_bytes()) == [], file
    print(
        f"\n{errors} errors at the terminal, {len(SCREENS)} screens, REST and every log: no password of a server away"
    )


@pytest.mark.parametrize(
    "environment",
    [
        {"HOUSING_LAB_JOBS__DATABSE_URL": "postgresql://lab:{secret}@db/jobs"},
        {"HOUSING_LAB_JOBS": "postgresql://lab:{secret}@db/jobs"},
        {"HOUSING_LAB_TRACKING__UI_URL": "htp://lab:{secret}@records"},
        {"HOUSING_LAB_JOBS__DATABASE_URL": "[postgresql://lab:{secret}@db/jobs]"},
        {"HOUSING_LAB_ACCESS__TOKENS": "[{{name: x, role: viewer, sha256: {secret}}}]"},
    ],
)
def test_a_wrong_setting_is_named_without_its_value(tmp_path: Path, environment: dict[str, str]) -> None:
    secret = PASSWORDS["jobs.database_url"]
    with pytest.raises(InvalidSettings) as refused:
        load_settings(home=tmp_path, environment={k: v.format(secret=secret) for k, v in environment.items()})
    assert told_in(f"{refused.value} {refused.value!r}") == []


def test_a_broken_config_yaml_is_told_without_the_password_in_its_line(tmp_path: Path) -> None:
    secret = PASSWORDS["jobs.database_url"]
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yaml").write_text(f'jobs:\n  database_url: "postgresql://lab:{secret}@db\n')
    with pytest.raises(InvalidSettings) as refused:
        load_settings(home=tmp_path, environment={})
    assert told_in(f"{refused.value} {refused.value!r}") == []


@pytest.mark.parametrize(
    "addresses",
    [
        {"JOBS__DATABASE_URL": "postgresql://lab:{secret}@127.0.0.1:port/jobs"},
        {"JOBS__DATABASE_URL": "nosuchdatabase://lab:{secret}@127.0.0.1/jobs"},
        {"JOBS__DATABASE_URL": "lab:{secret}@127.0.0.1/jobs"},
        {"TRACKING__URI": "htp://lab:{secret}@127.0.0.1:9"},
        {"TRACKING__URI": "postgresql://lab:{secret}@127.0.0.1:port/records"},
        {"TRACKING__URI": "http://lab:{secret}@127.0.0.1:port"},
    ],
)
def test_an_address_nobody_can_read_is_told_without_its_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, addresses: dict[str, str]
) -> None:
    secret = PASSWORDS["tracking.uri"]
    monkeypatch.setenv("HOUSING_LAB_HOME", str(tmp_path))
    for name, address in addresses.items():
        monkeypatch.setenv(f"HOUSING_LAB_{name}", address.format(secret=secret))
    for words in (("doctor",), ("jobs",), ("runs",)):
        code, printed, error = run_here(monkeypatch, capsys, *words, "--json")
        assert code in (0, 1)
        assert told_in(printed + error) == [], (words, printed, error)
