"""Dataset versions on disk: a folder each, named by the SHA-256 of its rows, whole or not there.

A folder is filled under a draft's name and moved into place in one step, so that no process ever sees half of one; a
second process with the same rows finds the place taken. The file is never written again, and reading it compares its
content with its name: what was swapped or damaged is refused.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from core.domain.datasets import DatasetVersion, is_sha256
from core.domain.errors import DataUnavailable, InvalidData, NotFound
from core.domain.paths import Paths

ROWS_FILE: Final = "rows.csv"
ABOUT_FILE: Final = "about.json"
LOCK_SECONDS: Final = 30.0
_DRAFT: Final = ".draft."
_DRAFT_SECONDS: Final = 3_600.0
"""An older draft is what a crash left."""

_log = logging.getLogger(__name__)


class DatasetStore:
    """The dataset versions of a home. Several processes may use it at once.

    Raises:
        DataUnavailable: by every method that writes, when the disk refuses.
    """

    def __init__(self, paths: Paths) -> None:
        self._root = paths.datasets
        self._lock = paths.locks / "datasets.lock"

    def rows_file(self, sha256: str) -> Path:
        """Where the rows of that digest lie, or would lie."""
        if not is_sha256(sha256):
            raise NotFound(f"{sha256[:80]!r} is no SHA-256.", remedy="`python -m core data` lists all datasets.")
        return self._root / sha256 / ROWS_FILE

    def has(self, sha256: str) -> bool:
        """Whether these rows are kept here."""
        return is_sha256(sha256) and self.rows_file(sha256).is_file()

    def all(self) -> tuple[DatasetVersion, ...]:
        """The versions, the newest first; a folder that is none is told in the log and left out."""
        found = [version for folder in self._folders() if (version := self._read(folder)) is not None]
        return tuple(sorted(found, key=lambda one: one.added, reverse=True))

    def find(self, name: str) -> DatasetVersion:
        """The version of that name, whole digest, or beginning of a digest (8 digits or more).

        Raises:
            NotFound: there is none, or several digests begin so.
        """
        versions = self.all()
        wanted = " ".join(name.split()).casefold()
        found = [one for one in versions if one.name.casefold() == wanted]
        if not found and len(wanted) >= 8:
            found = [one for one in versions if one.sha256.startswith(wanted)]
        if len(found) != 1:
            names = ", ".join(one.name for one in versions[:10]) or "none yet"
            raise NotFound(
                f"There is no dataset {name[:80]!r}." if not found else f"Several datasets begin with {name[:80]!r}.",
                remedy=f"There is {names}, beside the configured file. `python -m core data` lists all.",
            )
        return found[0]

    def add(self, version: DatasetVersion, content: bytes) -> None:
        """Keep these rows under this name.

        Raises:
            InvalidData: the same rows are kept already, or the name is taken.
        """
        with self._locked():
            self._sweep()
            for known in self.all():
                if known.sha256 == version.sha256:
                    raise InvalidData(
                        f"These very rows are here already, as {known.name!r}: {known.actor} brought them on "
                        f"{known.added:%d %B %Y}.",
                        remedy=f"Train on {known.name!r}; nothing was added.",
                    )
                if known.name.casefold() == version.name.casefold():
                    raise InvalidData(
                        f"There is a dataset {known.name!r} already, of other rows.",
                        remedy="Give this one another name.",
                    )
            draft = self._root / f"{_DRAFT}{os.getpid()}.{secrets.token_hex(4)}"
            with self._write_errors():
                try:
                    draft.mkdir(parents=True)
                    _write(draft / ROWS_FILE, content)
                    _write(draft / ABOUT_FILE, json.dumps(version.as_report(), ensure_ascii=False, indent=2).encode())
                    folder = self._root / version.sha256
                    if folder.exists():  # left without its description, so it is no version
                        shutil.rmtree(folder)
                    draft.replace(folder)
                finally:
                    shutil.rmtree(draft, ignore_errors=True)

    def remove(self, sha256: str) -> None:
        """Forget these rows for ever. Raises NotFound."""
        with self._locked():
            folder = self.rows_file(sha256).parent
            if not folder.is_dir():
                raise NotFound("This dataset is not here any more.", remedy="Nothing is left to do.")
            with self._write_errors():
                # Out of sight in one step; what a crash leaves of it is a draft.
                gone = self._root / f"{_DRAFT}{os.getpid()}.{secrets.token_hex(4)}"
                folder.replace(gone)
                shutil.rmtree(gone)

    def _folders(self) -> list[Path]:
        return [one for one in self._root.iterdir() if is_sha256(one.name)] if self._root.is_dir() else []

    def _read(self, folder: Path) -> DatasetVersion | None:
        try:
            version = DatasetVersion.from_report(json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8")))
            if version.sha256 != folder.name:
                raise ValueError("the description is of other rows")
        except FileNotFoundError:
            return None  # removed this very moment, or never completed
        except (OSError, KeyError, TypeError, ValueError) as error:
            _log.warning("%s is no dataset version: %s", folder, error)
            return None
        return version

    def _sweep(self) -> None:
        """Remove the drafts of processes that ended in the middle of one."""
        oldest = time.time() - _DRAFT_SECONDS
        for draft in self._root.glob(f"{_DRAFT}*"):
            try:
                is_old = draft.stat().st_mtime < oldest
            except FileNotFoundError:
                continue
            if is_old:
                shutil.rmtree(draft, ignore_errors=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._write_errors():
            self._lock.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self._lock, timeout=LOCK_SECONDS)
            try:
                lock.acquire()
            except Timeout as error:
                raise DataUnavailable(
                    "Somebody else has been adding a dataset for half a minute.",
                    where=str(self._lock),
                    remedy="Try again in a moment.",
                ) from error
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _write_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DataUnavailable(
                f"The datasets cannot be written: {error.strerror or error}.",
                where=str(self._root),
                remedy="Free some disk space, or allow writing to this folder.",
            ) from error


def digest(content: bytes) -> str:
    """The SHA-256 that names these rows."""
    return hashlib.sha256(content).hexdigest()


def _write(file: Path, content: bytes) -> None:
    with file.open("xb") as target:
        target.write(content)
        target.flush()
        os.fsync(target.fileno())
