"""compose.yaml, checked by a parser: no container engine runs here, so what it says is held against the code."""

from __future__ import annotations

import re
import runpy
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from core.cli.app import build_app
from core.domain.admission import is_public, refuse_open_door
from core.domain.configuration import load_settings
from core.domain.errors import Forbidden, InvalidSettings
from core.domain.settings import PREFIX, PROJECT_ROOT, Settings
from tests.team_servers import object_store

COMPOSE = PROJECT_ROOT / "compose.yaml"
EXAMPLE = PROJECT_ROOT / "config" / "team" / "example.env"
DOCKERFILE = PROJECT_ROOT / "config" / "Dockerfile"
FILLED_IN = {
    "LAB_APPROVERS": '["ada@example.org"]',
    "LAB_TRAINERS": "[]",
    "LAB_TOKENS": f'[{{name: nightly, role: viewer, sha256: "{"ab" * 32}"}}]',
}
"""What a person writes into .env; every other line is a password."""

SECRET = re.compile(r"PASSWORD|SECRET|TOKEN")
PLACEHOLDER = re.compile(r"\$\{(\w+)([^}]*)\}")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return parsed


def services() -> list[str]:
    return list(yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"])


def example() -> dict[str, str]:
    lines = (line.strip() for line in EXAMPLE.read_text(encoding="utf-8").splitlines())
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))  # type: ignore[misc]


def environment_of(service: dict[str, Any]) -> dict[str, str]:
    """A service's variables as a container gets them, .env filled in."""

    def fill(found: re.Match[str]) -> str:
        return FILLED_IN.get(found[1], "a-long-random-word")

    return {name: PLACEHOLDER.sub(fill, str(value)) for name, value in service.get("environment", {}).items()}


def settings_of(service: dict[str, Any], home: Path) -> Settings:
    environment = {name: value for name, value in environment_of(service).items() if name != "HOUSING_LAB_HOME"}
    return load_settings(home=home, environment=environment)


def words_of(service: dict[str, Any]) -> list[str]:
    return shlex.split(service.get("command", ""))


def published(service: dict[str, Any]) -> list[tuple[str, int, int]]:
    """Host address (empty for every one), port there and port in the container."""
    found = [re.fullmatch(r"(?:([\d.]+):)?(\d+):(\d+)", port) for port in service.get("ports", [])]
    assert all(found), service["ports"]
    return [(port[1] or "", int(port[2]), int(port[3])) for port in found if port]


def option(words: list[str], name: str) -> str | None:
    return words[words.index(name) + 1] if name in words else None


@pytest.mark.parametrize("name", services())
def test_every_setting_of_a_service_is_one_the_lab_has(compose: dict[str, Any], name: str, tmp_path: Path) -> None:
    service = compose["services"][name]
    ours = {variable for variable in service.get("environment", {}) if variable.startswith(PREFIX)}
    assert bool(ours) == (name in ("app", "worker", "rest"))
    settings_of(service, tmp_path)


def test_a_setting_the_lab_does_not_have_would_be_found(compose: dict[str, Any], tmp_path: Path) -> None:
    service = {"environment": {**compose["services"]["app"]["environment"], "HOUSING_LAB_JOBS__DATABASE": "x"}}
    with pytest.raises(InvalidSettings, match="HOUSING_LAB_JOBS__DATABASE"):
        settings_of(service, tmp_path)


def test_the_lab_s_own_services_are_told_the_same_thing(compose: dict[str, Any], tmp_path: Path) -> None:
    app, worker, rest = (settings_of(compose["services"][name], tmp_path) for name in ("app", "worker", "rest"))
    assert app == worker == rest
    assert not app.jobs.embedded_worker
    assert app.access.roles.approver == ("ada@example.org",)


@pytest.mark.parametrize("name", services())
def test_every_command_is_one_that_is_known(compose: dict[str, Any], name: str) -> None:
    words = words_of(compose["services"][name])
    match words:
        case ["python", "-m", "core", command, *given]:
            known = typer.main.get_command(build_app()).commands  # type: ignore[attr-defined]
            assert command in known
            known[command].make_context(command, list(given))
        case ["streamlit", "run", script, *given]:
            assert (PROJECT_ROOT / script).is_file()
            from streamlit.config import get_config_options

            assert {word.removeprefix("--") for word in given[::2]} <= set(get_config_options())
        case ["mlflow", command, *given]:
            from mlflow.cli import cli

            cli.commands[command].make_context(command, list(given))
        case ["python", script, *_]:
            assert (PROJECT_ROOT / script).is_file()
        case _:
            assert name in ("postgres", "objects"), words


def test_who_waits_for_whom_is_there_and_says_when_it_is_ready(compose: dict[str, Any]) -> None:
    there = compose["services"]
    for name, service in there.items():
        for target, wish in service.get("depends_on", {}).items():
            assert target in there, f"{name} waits for {target}"
            is_ready = wish["condition"] == "service_healthy" and "healthcheck" in there[target]
            ends = wish["condition"] == "service_completed_successfully" and there[target]["restart"] == "no"
            assert is_ready or ends, f"{name} waits for {target} {wish}"


def test_every_address_names_a_service_and_the_port_it_listens_on(compose: dict[str, Any]) -> None:
    ports = {
        "postgres": {None},
        "objects": {9000},
        "mlflow": {int(option(words_of(compose["services"]["mlflow"]), "--port") or 0)},
    }
    texts = [text for service in compose["services"].values() for text in environment_of(service).values()]
    texts += [word for service in compose["services"].values() for word in words_of(service)]
    texts.append((PROJECT_ROOT / "config" / "team" / "mlflow-users.ini").read_text(encoding="utf-8"))
    found = [
        address for text in texts for address in re.findall(r"(?:http|postgresql)://(?:\w+@)?([\w.]+)(?::(\d+))?", text)
    ]
    assert len(found) > 5
    for host, port in found:
        assert (int(port) if port else None) in ports[host], f"{host}:{port}"


def test_every_database_that_is_named_is_made(compose: dict[str, Any]) -> None:
    script = (PROJECT_ROOT / "config" / "team" / "databases.sql").read_text(encoding="utf-8")
    made = {
        compose["services"]["postgres"]["environment"]["POSTGRES_DB"],
        *re.findall(r"CREATE DATABASE (\w+);", script),
    }
    rules = (PROJECT_ROOT / "config" / "team" / "mlflow-users.ini").read_text(encoding="utf-8")
    named = set(re.findall(r"postgresql://lab@postgres/(\w+)", COMPOSE.read_text(encoding="utf-8") + rules))
    assert named == made


def test_only_what_asks_who_comes_listens_beyond_the_host(compose: dict[str, Any], tmp_path: Path) -> None:
    open_to_all = {
        name for name, service in compose["services"].items() if any(is_public(at) for at, _, _ in published(service))
    }
    assert open_to_all == {"app", "rest"}
    doors = {"app": ("--server.address", "sign_in"), "rest": ("--host", "rest_tokens")}
    for name, (flag, key) in doors.items():
        service = compose["services"][name]
        host = option(words_of(service), flag)
        assert is_public(host), "a container's loopback is reached by nobody"
        access = settings_of(service, tmp_path).access
        refuse_open_door(access, host, door=name, key=key, where=flag)
        with pytest.raises(Forbidden):
            refuse_open_door(access.model_copy(update={key: False}), host, door=name, key=key, where=flag)


def test_a_port_that_is_published_is_the_one_the_command_listens_on(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for _, _, inside in published(service):
            words = words_of(service)
            assert str(inside) in (option(words, "--port"), option(words, "--server.port")), name


def test_every_container_port_s_health_is_asked_where_it_listens(compose: dict[str, Any]) -> None:
    for name in ("app", "rest", "mlflow"):
        service = compose["services"][name]
        (_, _, inside), asked = published(service)[0], " ".join(service["healthcheck"]["test"])
        assert f"http://127.0.0.1:{inside}/" in asked


def test_no_secret_stands_in_the_file_and_none_has_a_default(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            if SECRET.search(variable) and not variable.endswith("REST_TOKENS"):
                assert PLACEHOLDER.fullmatch(str(value)), f"{name}: {variable}"
    asked = PLACEHOLDER.findall(COMPOSE.read_text(encoding="utf-8"))
    assert {rest[:2] for _, rest in asked} == {":?"}
    assert {name for name, _ in asked} == set(example())
    assert not any(example().values())


def test_an_env_file_that_was_filled_in_is_not_committed() -> None:
    assert "/.env" in (PROJECT_ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_every_file_that_is_mounted_is_there_and_every_volume_is_declared(compose: dict[str, Any]) -> None:
    mounted = [
        volume.split(":")[0] for service in compose["services"].values() for volume in service.get("volumes", [])
    ]
    files = {PROJECT_ROOT / source for source in mounted if source.startswith(".")}
    assert files
    assert not [file for file in files if not file.is_file()]
    assert {source for source in mounted if not source.startswith(".")} == set(compose["volumes"])
    used = {secret["source"] for service in compose["services"].values() for secret in service.get("secrets", [])}
    assert used == set(compose["secrets"])


def test_every_foreign_image_is_of_a_named_version(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        is_ours = service["image"] == "housing-price-lab"
        assert is_ours or re.search(r":(?!latest)\S+$", service["image"]), name


def test_the_image_copies_what_is_there() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    copied = [source for line in re.findall(r"^COPY (.+)$", text, re.MULTILINE) for source in line.split()[:-1]]
    assert {"app.py", "core", "pages", "config"} <= set(copied)
    assert not [source for source in copied if not (PROJECT_ROOT / source).exists()]
    python = re.search(r"^FROM python:([\d.]+)-slim$", text, re.MULTILINE)
    assert python
    assert python[1] == "3.11"
    installed = set(re.findall(r"-r (\S+)", text))
    assert installed == {"config/requirements-team.txt", "config/requirements-sign-in.txt"}
    assert installed <= set(copied)


def test_the_bucket_is_made_once_and_found_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    with object_store() as objects:
        for name, value in objects.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["make_bucket.py", "lab"])
        for _ in range(2):
            runpy.run_path(str(PROJECT_ROOT / "config" / "team" / "make_bucket.py"), run_name="__main__")
        assert [bucket["Name"] for bucket in objects.client().list_buckets()["Buckets"]] == ["lab"]
