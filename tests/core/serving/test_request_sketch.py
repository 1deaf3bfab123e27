"""What the live service priced is on disk seconds later, and what it refused is not."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np

from core.domain.house import House
from core.domain.scoring import FeatureShift
from core.domain.settings import Settings
from core.serving.request_sketch import WRITE_SECONDS
from core.workflows.lab import Lab
from tests.core.serving.conftest import ServedHome
from tests.core.serving.service import running_service, split_of

WAIT_SECONDS = 6 * WRITE_SECONDS


def counted(settings: Settings) -> tuple[int, dict[str, FeatureShift]]:
    """How many houses are counted on disk now, and each feature beside the training rows."""
    desk = Lab(settings).data
    found = desk.requests(desk.view(), days=1)
    return found.rows, {shift.feature: shift for shift in found.shifts}


def wait_until_counted(settings: Settings, rows: int) -> dict[str, FeatureShift]:
    deadline = time.monotonic() + WAIT_SECONDS
    while (found := counted(settings))[0] != rows:
        assert time.monotonic() < deadline, f"{found[0]} houses are counted, not {rows}"
        time.sleep(0.2)
    return found[1]


def test_what_rest_priced_is_counted_by_every_process_and_outlives_its_end(
    served_home: ServedHome, houses: list[House], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(served_home.settings.home, home, ignore=shutil.ignore_patterns("artifacts", "requests"))
    settings = served_home.settings.model_copy(update={"home": home})
    rich = [House.from_mapping({**house.as_dict(), "median_income": 14.0}) for house in houses]
    with (
        running_service(settings, tmp_path / "one.log") as one,
        running_service(settings, tmp_path / "two.log", ends_itself=True) as two,
    ):
        assert one.invoke(split_of(rich)).status == 200
        assert two.value([house.as_dict() for house in rich[:3]]).status == 200
        assert one.invoke({"dataframe_records": [{"median_income": 3}]}).status == 422
        shifts = wait_until_counted(settings, len(rich) + 3)
        # A crash takes nothing back that was written.
        os.kill(two.process.pid, signal.SIGKILL)
        two.process.wait()
        assert one.invoke(split_of(rich[:1])).status == 200
    # An orderly end writes what came since.
    assert counted(settings)[0] == len(rich) + 4
    assert shifts["median_income"].is_notable
    assert "Median income" in shifts["median_income"].sentence
    kept = list(settings.paths.request_counts.iterdir())
    assert all(file.suffix == ".npz" for file in kept), "no draft is left"
    with np.load(kept[0], allow_pickle=False) as file:
        assert set(file) == {"form", "sha256", "split", "rows", "sizes", "at", "counts", "missing", "places"}
