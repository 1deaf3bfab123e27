"""The data file's block groups, as a screen or the service looks around in them."""

from __future__ import annotations

from pathlib import Path

from core.data.block_groups import BlockGroups
from core.data.ingest import read_known
from core.data.split import split_rows
from core.domain.errors import DataUnavailable
from core.domain.settings import Settings


def block_groups(settings: Settings) -> BlockGroups:
    """The rows the settings name, with those held out of them. Nothing is fetched. Keep it: reading takes 0.2 s.

    For the rows a version was trained on, ask under ``chosen_data.settings_on``.

    Raises:
        DataUnavailable: there are no rows yet. InvalidData: the file breaks the schema.
    """
    found = read_known(settings)
    if found is None:
        raise DataUnavailable(
            "The data file is not here, so a house cannot be compared with real block groups.",
            where=str(settings.data_path),
            remedy="Put the file there, or train once: a training fetches it.",
        )
    split = split_rows(found.rows, test_size=settings.data.test_size, random_state=settings.data.random_state)
    return BlockGroups.of(found.rows, split.X_test.index, sha256=found.sha256, is_demo=found.is_demo)


def file_state(path: Path) -> str:
    """Changes when the file does; empty where there is none."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_mtime_ns} {status.st_size}"
