"""What the 150-tree forest takes: on disk as the lab writes it, and in the memory of every process that serves it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

import joblib
import pandas as pd
import psutil
import pytest

from core.domain.presets import preset_named
from core.models.packaged import read_model, write_model
from core.models.trainer import ModelTrainer
from tests.benchmarks.claims import Claim, Growth, claim, grown

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

MOST_OF_PICKLED: Final = 0.3
PROCESSES: Final = (1, 2, 3)
ROWS: Final = 500
WAIT_SECONDS: Final = 120


@pytest.fixture(scope="module")
def forest(data_file: Path) -> ModelTrainer:
    trainer = ModelTrainer(spec=preset_named("reference").spec)
    X, _, y, _ = trainer.split_data(pd.read_csv(data_file))
    trainer.train(X, y)
    return trainer


def as_the_lab(file: Path, sha256: str) -> Any:
    return read_model(file, sha256)


def memory_mapped(file: Path, sha256: str) -> Any:
    return joblib.load(file, mmap_mode="r")


def taken(read: Callable[[Path, str], Any], file: Path, sha256: str, data: Path, together: Any) -> int:
    """Bytes this process holds more once it has read the model and priced with it; shared pages count by their part."""
    rows = pd.read_csv(data).head(ROWS)
    before = psutil.Process().memory_full_info().pss
    model = read(file, sha256)
    model.predict(rows)
    together.wait(WAIT_SECONDS)  # what is shared is seen only while all hold it
    held = psutil.Process().memory_full_info().pss - before
    together.wait(WAIT_SECONDS)
    return int(held)


def held_by(processes: int, read: Callable[[Path, str], Any], file: Path, sha256: str, data: Path) -> float:
    """MB of that many processes together."""
    spawn = multiprocessing.get_context("spawn")
    with spawn.Manager() as manager, ProcessPoolExecutor(processes, mp_context=spawn) as pool:
        together = manager.Barrier(processes)
        found = [pool.submit(taken, read, file, sha256, data, together) for _ in range(processes)]
        return sum(each.result(WAIT_SECONDS) for each in found) / 1e6


def test_the_file_is_small_and_what_processes_could_share_is_told(
    forest: ModelTrainer, data_file: Path, tmp_path: Path
) -> None:
    pickled = tmp_path / "pickled.joblib"
    joblib.dump(forest.pipeline, pickled)
    packed = write_model(forest.pipeline, tmp_path / "packed.joblib")
    for processes in PROCESSES:
        costs = {
            "as the lab reads it, MB": held_by(
                processes, as_the_lab, tmp_path / "packed.joblib", packed.sha256, data_file
            ),
            "memory-mapped, MB": held_by(processes, memory_mapped, pickled, "", data_file),
        }
        grown(Growth("processes that hold the 150-tree forest", processes, costs))
    whole, small = pickled.stat().st_size, (tmp_path / "packed.joblib").stat().st_size
    detail = f"{small / 1e6:.0f} MB of {whole / 1e6:.0f} MB"
    claim(Claim("file of the 150-tree forest against its pickle", small / whole, MOST_OF_PICKLED, detail=detail))
