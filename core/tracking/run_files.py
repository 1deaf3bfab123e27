"""What a run logged beside its last figures: its files, and its metrics step by step."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.domain.errors import NotFound
from core.domain.runs import Run
from core.tracking.store import Store, mlflow_errors

MOST_FILES: Final = 1_000
MOST_CURVES: Final = 50
"""Metrics asked for their steps: each is a question of its own."""


@dataclass(frozen=True, slots=True, order=True)
class RunFile:
    """A logged file: its path within the run, its size in bytes (None where the store does not say)."""

    path: str
    size: int | None


def list_files(store: Store, run_id: str) -> tuple[RunFile, ...]:
    """Every file of a run by path, of all folders; the first thousand where there are more.

    Raises:
        StoreUnavailable: the store, or where it keeps files, does not answer.
    """
    files: list[RunFile] = []
    folders: list[str | None] = [None]
    with mlflow_errors(store.uri):
        while folders and len(files) < MOST_FILES:
            for found in store.client.list_artifacts(run_id, folders.pop()):
                if found.is_dir:
                    folders.append(found.path)
                else:
                    files.append(RunFile(found.path, found.file_size))
    return tuple(sorted(files)[:MOST_FILES])


def read_file(store: Store, run_id: str, path: str) -> bytes:
    """The content of one file of a run.

    Raises:
        NotFound: it is none of the listed files.
        StoreUnavailable: the store, or where it keeps files, does not answer.
    """
    if path not in {file.path for file in list_files(store, run_id)}:
        raise NotFound(f"The run has no file {path[:200]!r}.", where=run_id, remedy="Choose one of the listed files.")
    with tempfile.TemporaryDirectory(prefix="housing-lab-") as scratch, mlflow_errors(store.uri):
        return Path(store.client.download_artifacts(run_id, path, scratch)).read_bytes()


def read_curves(store: Store, run: Run) -> dict[str, tuple[tuple[int, float], ...]]:
    """(step, value) by metric, in the order of steps, of the metrics that were logged at more than one step.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    curves = {}
    for name in list(run.metrics)[:MOST_CURVES]:
        with mlflow_errors(store.uri):
            history = store.client.get_metric_history(run.run_id, name)
        if len({point.step for point in history}) > 1:
            ordered = sorted(history, key=lambda point: (point.step, point.timestamp))
            curves[name] = tuple((point.step, point.value) for point in ordered)
    return curves
