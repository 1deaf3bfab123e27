"""Chromium is looked for in a fixed order, installed where that is possible, and never silently missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.chromium import MissingChromiumError, ensure_chromium, find_chromium

NOWHERE = Path("/nowhere/chromium")


def executable(path: Path, exit_code: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {exit_code}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_the_variable_comes_before_the_path(tmp_path):
    named = executable(tmp_path / "mine" / "chrome-of-mine")
    executable(tmp_path / "bin" / "chromium")
    environment = {"CHROMIUM_PATH": str(named), "PATH": str(tmp_path / "bin")}

    assert find_chromium(environment, NOWHERE) == named


def test_the_path_comes_before_playwrights_own(tmp_path):
    on_path = executable(tmp_path / "bin" / "google-chrome")
    own = executable(tmp_path / "playwright" / "chrome")

    assert find_chromium({"PATH": str(tmp_path / "bin")}, own) == on_path


def test_the_free_browser_comes_before_the_branded_one(tmp_path):
    executable(tmp_path / "bin" / "google-chrome")
    free = executable(tmp_path / "bin" / "chromium")

    assert find_chromium({"PATH": str(tmp_path / "bin")}, NOWHERE) == free


def test_playwrights_own_is_taken_when_the_path_has_none(tmp_path):
    own = executable(tmp_path / "playwright" / "chrome")

    assert find_chromium({"PATH": str(tmp_path)}, own) == own


def test_a_browser_that_does_not_start_is_passed_over(tmp_path):
    executable(tmp_path / "bin" / "chromium-browser", exit_code=1)
    own = executable(tmp_path / "playwright" / "chrome")

    assert find_chromium({"PATH": str(tmp_path / "bin")}, own) == own


def test_a_wrong_variable_is_named_and_nothing_else_is_tried(tmp_path):
    own = executable(tmp_path / "playwright" / "chrome")

    with pytest.raises(MissingChromiumError, match="CHROMIUM_PATH names /nowhere/chromium, which does not start"):
        ensure_chromium({"CHROMIUM_PATH": str(NOWHERE)}, own)


def test_installers_run_in_turn_until_one_brings_a_browser(tmp_path):
    tried = []

    def fails() -> None:
        tried.append("fails")

    def works() -> None:
        tried.append("works")
        executable(tmp_path / "bin" / "chromium")

    def unneeded() -> None:
        tried.append("unneeded")

    found = ensure_chromium({"PATH": str(tmp_path / "bin")}, NOWHERE, [fails, works, unneeded])

    assert found == tmp_path / "bin" / "chromium"
    assert tried == ["fails", "works"]


def test_nothing_is_installed_when_a_browser_is_there(tmp_path):
    own = executable(tmp_path / "playwright" / "chrome")

    def install() -> None:
        raise AssertionError("an installer ran")

    assert ensure_chromium({"PATH": str(tmp_path)}, own, [install]) == own


def test_without_any_browser_one_line_says_what_to_install(tmp_path):
    with pytest.raises(MissingChromiumError) as refusal:
        ensure_chromium({"PATH": str(tmp_path)}, NOWHERE, installers=[])

    message = str(refusal.value)
    assert "\n" not in message
    assert "playwright install --with-deps chromium" in message
    assert "apt-get install chromium" in message
    assert "CHROMIUM_PATH" in message
