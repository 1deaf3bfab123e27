"""What the app does beside drawing screens, in the thread it does it in."""

from __future__ import annotations

import gc
import tomllib
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from core.domain.configuration import load_settings
from core.domain.settings import PROJECT_ROOT
from core.workflows import service
from tests.core.workflows.test_browsing import wait_for

SECONDS = 60.0


@dataclass(eq=False)
class Knot:
    """What points at itself goes only when somebody looks for garbage."""

    itself: list[Knot] = field(default_factory=list)


@pytest.fixture
def nobody_looks() -> Iterator[None]:
    gc.disable()
    yield
    gc.unfreeze()
    gc.enable()


def test_the_app_looks_for_garbage_itself_since_no_run_of_a_screen_does(
    tmp_path: Path, nobody_looks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = tomllib.loads((PROJECT_ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert options["runner"]["postScriptGC"] is False
    monkeypatch.setattr(service, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(service, "COLLECT_SECONDS", 0.0)
    idle = load_settings(home=tmp_path, environment={"HOUSING_LAB_JOBS__EMBEDDED_WORKER": "false"})
    warmed: list[str] = []
    with service.BackgroundService(lambda: warmed.append("warm"), lambda: idle):
        # What is there when the libraries have been imported is frozen, and would never be looked at.
        wait_for(lambda: warmed == ["warm"] and gc.get_freeze_count() > 0, SECONDS)
        knot = Knot()
        knot.itself.append(knot)
        seen = weakref.ref(knot)
        del knot
        wait_for(lambda: seen() is None, SECONDS)
