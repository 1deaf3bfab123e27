"""Files that are too much are refused in seconds and in little memory, by a process that goes on to the next one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.domain.settings import PROJECT_ROOT, Settings
from tests.faults.heavy import HEAVY

MOST_SECONDS = 10.0
MOST_MEGABYTES = 150
"""Beyond what the file itself takes: the data file is read whole, for its digest."""

GOOD = {"line ends", "returns"}
"""Blank lines at the end of a file are no rows, however many there are: what stands before them may be taken."""


@pytest.mark.parametrize("door", ["data", "score"])
def test_files_that_are_too_much_are_refused(door: str, trained_settings: Settings, tmp_path: Path) -> None:
    _open_all(door, trained_settings, tmp_path, 10)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("door", ["data", "score"])
def test_files_of_100_megabytes_that_are_too_much_are_refused(
    door: str, trained_settings: Settings, tmp_path: Path
) -> None:
    _open_all(door, trained_settings, tmp_path, 100)


def _open_all(door: str, settings: Settings, folder: Path, megabytes: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.heavy", door, str(folder), str(megabytes)],
        cwd=PROJECT_ROOT,
        env={**os.environ, **settings.as_environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    seen = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["kind"] for one in seen] == list(HEAVY)
    for one in seen:
        print(f"{one['kind']}, {one['size']} MB: {one['seconds']:.2f} s, {one['grown']} MB; {one['told'][:150]}")
        assert one["told"].startswith("InvalidData: ") or one["kind"] in GOOD, one
        assert len(one["told"]) < 2_000
        assert one["seconds"] < MOST_SECONDS, one
        assert one["grown"] < one["size"] + MOST_MEGABYTES, one
    assert list(folder.iterdir()) == [] or door == "score"
