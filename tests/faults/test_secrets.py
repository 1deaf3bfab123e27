"""A setting that is wrong is named without the secret it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.domain.configuration import load_settings
from core.domain.errors import InvalidSettings
from tests.core.cli.terminal import run_here

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

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(autouse=True)
def _planted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)


def told_in(text: str | bytes) -> list[str]:
    """Which secrets a text holds."""
    content = text.encode() if isinstance(text, str) else text
    return [name for name, secret in SECRETS.items() if secret.encode() in content]


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
