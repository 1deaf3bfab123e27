"""``registry.json`` on disk: written whole or not at all, under a lock, so that two writers both land.

A file that cannot be read is set aside and built again; it is never overwritten blindly.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from core.domain.errors import CorruptRegistry, RecordsError, StoreUnavailable
from core.domain.files import draft_of
from core.tracking.local_version import LocalVersion, parse_entries

SCHEMA: Final = 1
_LOCK_SECONDS: Final = 60
_log = logging.getLogger(__name__)

Rebuild = Callable[[], Iterable[LocalVersion]]


class RegistryFile:
    """The entries of the local registry, oldest first.

    Args:
        path: the file. lock: the file that writers lock.
        rebuild: where entries come from when the file is corrupt.
        is_rebuilt_when_missing: they come from there too where no file is; else such a registry is empty.
    """

    def __init__(self, path: Path, lock: Path, rebuild: Rebuild, *, is_rebuilt_when_missing: bool) -> None:
        self.path = path
        self._lock_path = lock
        self._rebuild = rebuild
        self._is_rebuilt_when_missing = is_rebuilt_when_missing

    @property
    def is_there(self) -> bool:
        return self.path.exists()

    def read(self) -> list[LocalVersion]:
        """Every entry as the file stands; none where there is no file.

        Raises:
            CorruptRegistry: the file is no registry. RecordsError: it cannot be read.
        """
        try:
            return parse_entries(self.path.read_bytes())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RecordsError(
                f"The local registry cannot be read: {error.strerror or error}.",
                where=str(self.path),
                remedy="Correct the file's permissions.",
            ) from error
        except (ValueError, TypeError) as error:
            raise CorruptRegistry(
                f"The local registry is corrupt: {error}.",
                where=str(self.path),
                remedy="The next training keeps it under another name and builds a new one from MLflow.",
            ) from error

    def source(self) -> list[LocalVersion]:
        """The entries the file would be built from.

        Raises:
            StoreUnavailable: they are out of reach.
        """
        return list(self._rebuild())

    @contextmanager
    def changing(self) -> Iterator[list[LocalVersion]]:
        """The entries, held against other writers until the block ends; :meth:`write` is for its inside.

        A missing or corrupt file is rebuilt; a corrupt one is set aside, its bytes kept.

        Raises:
            RecordsError: the registry cannot be read, locked or written.
        """
        try:
            self._lock_path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self._lock_path, timeout=_LOCK_SECONDS):
                yield self._read_or_recover()
        except (OSError, Timeout) as error:
            raise self.unwritable(error) from error

    def write(self, entries: list[LocalVersion]) -> None:
        """Put these in place of all there are.

        Raises:
            RecordsError: the file cannot be written; it is as it was.
        """
        content = {"schema": SCHEMA, "models": [asdict(entry) for entry in entries]}
        try:
            with draft_of(self.path) as draft:
                draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise self.unwritable(error) from error

    def unwritable(self, error: OSError | Timeout) -> RecordsError:
        """What to say when a file of the registry cannot be changed."""
        return RecordsError(
            f"The local registry cannot be written: {getattr(error, 'strerror', None) or error}.",
            where=str(self.path),
            remedy="Free some disk space or correct the folder's permissions.",
        )

    def _read_or_recover(self) -> list[LocalVersion]:
        try:
            if self.is_there or not self._is_rebuilt_when_missing:
                return self.read()
            return self._rebuilt()
        except CorruptRegistry as error:
            entries = self._rebuilt()
            aside = self.path.with_name(f"{self.path.name}.corrupt-{datetime.now(UTC):%Y%m%d_%H%M%S_%f}")
            self.path.replace(aside)
            _log.warning("%s It was kept as %s, and %d versions were rebuilt.", error.what, aside, len(entries))
            return entries

    def _rebuilt(self) -> list[LocalVersion]:
        """What there is to rebuild from: nothing while MLflow is away, for a model is worth more than the list."""
        try:
            return self.source()
        except StoreUnavailable as error:
            _log.warning("The local registry starts empty: %s", error.what)
            return []
