"""The terminal as people use it: a command in a process of its own, or quicker in this one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from core.cli.app import main
from core.domain.settings import PROJECT_ROOT, Settings


def lab(settings: Settings, *words: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """``python -m core …`` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "core", *words],
        cwd=PROJECT_ROOT,
        env={**os.environ, **settings.as_environment()},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def run_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    monkeypatch.setattr(sys, "argv", ["core", *words])
    with pytest.raises(SystemExit) as exit_:
        main()
    captured = capsys.readouterr()
    return int(exit_.value.code or 0), captured.out, captured.err
