"""Folders that nobody can write in, root neither. Only root may mount one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    """Nothing below ``place`` can be opened for writing until the block ends, by root neither.

    What a process has open already it may go on writing.
    """
    try:
        _mount("--bind", str(place), str(place))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a folder cannot be mounted here (root may, in most containers nobody): {error}")
    try:
        _mount("-o", "remount,bind,ro", str(place))
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True, text=True)
