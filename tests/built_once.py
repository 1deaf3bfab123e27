"""Homes the whole suite shares: what takes many seconds is built by the first test process that asks for it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from filelock import FileLock

_WHOLE: Final = "whole"
_BUILD_SECONDS: Final = 300


def built_once(temporary: pytest.TempPathFactory, name: str, build: Callable[[Path], object]) -> Path:
    """The folder of that name, filled by ``build`` before anybody sees it. Read only, unless its fixture says more.

    Processes of pytest-xdist share the folder around their own temporary ones; the others wait for the one that builds.
    A build that failed is begun anew by the next who asks.
    """
    base = temporary.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, whole = shared / name, shared / f"{name}.{_WHOLE}"
    with FileLock(shared / f"{name}.lock", timeout=_BUILD_SECONDS):
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            build(folder)
            whole.touch()
    return folder
