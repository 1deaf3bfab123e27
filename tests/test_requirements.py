"""The requirements files say what the code imports, exactly."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions, version
from pathlib import Path

from core.domain.settings import PROJECT_ROOT

APP = PROJECT_ROOT / "requirements.txt"
TESTS = PROJECT_ROOT / "tests" / "requirements.txt"
DVC = PROJECT_ROOT / "config" / "requirements-dvc.txt"
SIGN_IN = PROJECT_ROOT / "config" / "requirements-sign-in.txt"
TEAM = PROJECT_ROOT / "config" / "requirements-team.txt"


def pins(file: Path) -> dict[str, str]:
    """Distribution name (normalised) → what stands after it, for each line that is a requirement."""
    lines = (line.split("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines())
    split = [re.match(r"([\w.-]+)(.*)", line) for line in lines if line and not line.startswith("-r ")]
    return {normalised(found[1]): found[2].strip() for found in split if found}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(files: list[Path]) -> dict[str, str]:
    """Each foreign top-level module → the first file that imports it."""
    found: dict[str, str] = {}
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names = [node.module]
            for name in names:
                found.setdefault(name.split(".")[0], file.relative_to(PROJECT_ROOT).as_posix())
    ours = {"app", "core", "pages", "tests"}
    return {name: file for name, file in found.items() if name not in sys.stdlib_module_names | ours}


def unpinned(files: list[Path], pinned: set[str]) -> list[str]:
    owners = packages_distributions()
    return [
        f"{file} imports {name}"
        for name, file in sorted(imported(files).items())
        if not pinned & {normalised(owner) for owner in owners.get(name, [])}
    ]


def app_files() -> list[Path]:
    found = [*PROJECT_ROOT.glob("app.py"), *(PROJECT_ROOT / "core").rglob("*.py"), *PROJECT_ROOT.glob("pages/**/*.py")]
    assert found
    return found


def test_every_requirement_is_pinned_exactly():
    loose = {
        name: pin
        for file in (APP, TESTS, DVC, SIGN_IN, TEAM)
        for name, pin in pins(file).items()
        if not re.match(r"==[\w.]+$", pin)
    }
    assert not loose


def test_every_library_the_app_imports_is_pinned():
    assert unpinned(app_files(), set(pins(APP))) == []


def test_every_library_the_tests_import_is_pinned():
    files = list((PROJECT_ROOT / "tests").rglob("*.py"))
    assert unpinned(files, set(pins(APP)) | set(pins(TESTS)) | set(pins(TEAM))) == []


def test_an_import_without_a_pin_is_named():
    assert unpinned([APP.parent / "core" / "domain" / "configuration.py"], {"pydantic"}) == [
        "core/domain/configuration.py imports yaml"
    ]


def test_what_is_pinned_is_what_is_tested():
    stated = {**pins(APP), **pins(TESTS), **pins(DVC), **pins(SIGN_IN), **pins(TEAM)}
    assert {name: f"=={version(name)}" for name in stated} == stated


def test_mlflow_is_the_version_the_records_were_measured_with():
    assert pins(APP)["mlflow"] == "==3.17.2"


def test_the_tests_install_the_app_as_well():
    lines = TESTS.read_text(encoding="utf-8").splitlines()
    extras = {f"-r ../config/requirements-{name}.txt" for name in ("dvc", "sign-in", "team")}
    assert {"-r ../requirements.txt"} | extras <= set(lines)


def test_the_app_runs_without_dvc():
    assert set(pins(DVC)) == {"dvc"}
    assert "dvc" not in imported(app_files())


def test_the_app_imports_nothing_of_what_only_signing_in_needs():
    assert set(pins(SIGN_IN)) == {"authlib", "httpx"}
    assert not {"authlib", "httpx"} & set(imported(app_files()))


def test_the_app_imports_nothing_of_what_only_an_object_store_needs():
    assert set(pins(TEAM)) == {"boto3", "flask-wtf"}
    assert not {"boto3", "botocore", "flask", "flask_wtf"} & set(imported(app_files()))
