"""The folder of a scoring on the queue: the file that was sent, and what came of it, kept for some days."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from core.domain.errors import DataUnavailable, NotFound, RecordsError
from core.domain.files import draft_of
from core.domain.scoring import SCORING_PREFIX, ScoredFile
from core.domain.settings import Settings
from core.workflows.scoring import ScoringFiles

_JOB: Final = re.compile(rf"{SCORING_PREFIX}[0-9a-f]{{12}}")
_SOURCE: Final = "input"
_DRAFTS: Final = ".*.part"
_BLOCK: Final = 1 << 20
_DAY: Final = 86_400.0


class ScoredFolder:
    """Where the files of one job lie.

    Raises:
        NotFound: that is no id of a scoring. An id from an address never leads out of the folder of all.
    """

    def __init__(self, settings: Settings, job_id: str) -> None:
        if not _JOB.fullmatch(job_id):
            raise NotFound(
                f"There is no scoring {job_id[:40]!r}.", remedy="Take `job` out of the address to see the newest."
            )
        self.root = settings.paths.scored / job_id
        self._keep_days = settings.scoring.keep_days

    @property
    def files(self) -> ScoringFiles:
        """What is read and what is written: priced rows in both forms, rejected rows."""
        priced = (self.root / ScoredFile.CSV, self.root / ScoredFile.PARQUET)
        return ScoringFiles(self.root / _SOURCE, priced, self.root / ScoredFile.REJECTED)

    def receive(self, file: BinaryIO) -> None:
        """Keep what somebody sent, whole or not at all.

        Raises:
            RecordsError: it cannot be written.
        """
        try:
            file.seek(0)
            with draft_of(self.files.source) as draft, draft.open("wb") as target:
                shutil.copyfileobj(file, target, _BLOCK)
        except OSError as error:
            raise RecordsError(
                f"The file cannot be kept: {error.strerror or error}.",
                where=str(self.root),
                remedy="Free some disk space, then send it again.",
            ) from error

    def begin(self) -> ScoringFiles:
        """The files for a new beginning: what an earlier one left half-written is gone.

        Raises:
            DataUnavailable: the file that was sent is not here.
        """
        if not self.files.source.is_file():
            raise DataUnavailable(
                "The file that was sent is not on this host.",
                where=str(self.root),
                remedy="Let all workers share HOUSING_LAB_HOME, or price the file with `python -m core predict`.",
            )
        for draft in self.root.glob(_DRAFTS):
            draft.unlink(missing_ok=True)
        return self.files

    def size(self, kind: ScoredFile) -> int | None:
        """Bytes of one of the results; None when it is not here."""
        try:
            return (self.root / kind).stat().st_size
        except OSError:
            return None

    def read(self, kind: ScoredFile) -> bytes:
        """One of the results, whole.

        Raises:
            NotFound: it is not here any more.
        """
        try:
            return (self.root / kind).read_bytes()
        except OSError as error:
            raise NotFound(
                f"{kind} is not here any more: results are kept for {self._keep_days:g} days.",
                where=str(self.root),
                remedy="Score the file again.",
            ) from error

    def remove(self) -> None:
        """Everything of this job."""
        shutil.rmtree(self.root, ignore_errors=True)


def outdated(settings: Settings) -> Iterator[ScoredFolder]:
    """The folders to which nothing was added for as long as the settings keep files."""
    oldest = time.time() - settings.scoring.keep_days * _DAY
    for root in _folders(settings.paths.scored):
        try:
            is_old = root.stat().st_mtime < oldest
        except FileNotFoundError:
            continue  # another worker was quicker
        if is_old:
            yield ScoredFolder(settings, root.name)


def _folders(root: Path) -> list[Path]:
    return [folder for folder in root.iterdir() if _JOB.fullmatch(folder.name)] if root.is_dir() else []
