"""Scoring as a screen sees it: a look at a file before it is sent, the jobs, and what they left."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from core.data.table_files import table_in
from core.data.table_parts import TablePart, cell_values
from core.domain.access import Actor, Deed
from core.domain.errors import NotFound
from core.domain.house_columns import map_columns
from core.domain.jobs import UNKEPT, Job, Progress
from core.domain.scoring import LONGEST_FILE_NAME, SCORING_PREFIX, ScoredFile, ScoringRequest
from core.domain.settings import Settings
from core.jobs.engine import JobQueue
from core.workflows.price_source import PriceSource, choose_model
from core.workflows.scored_files import ScoredFolder
from core.workflows.scoring_rows import cell_text
from core.workflows.training_state import Connect

FIRST_ROWS: Final = 5
NEWEST: Final = 20

_UNUSUAL: Final = re.compile(r"[^\w .()-]+")
_LONGEST_STEM: Final = 80


@dataclass(frozen=True, slots=True)
class FileLook:
    """What a file holds, as far as its beginning tells: its columns, and the cells of its first rows as text."""

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class ScoredResult:
    """A file that a scoring left. ``size`` in bytes is None when it is gone; ``name`` is for who downloads it."""

    kind: ScoredFile
    name: str
    size: int | None
    is_too_large: bool


class Scoring:
    """Everything the screens ask about pricing files.

    Args:
        queue: the job queue, opened on first use. connect: opens MLflow's store.
        keep_worker: makes sure that somebody works.

    Raises:
        LabError: by every method, when the queue, the records or the disk cannot answer.
    """

    def __init__(
        self, settings: Settings, queue: Callable[[], JobQueue], connect: Connect, keep_worker: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._queue = queue
        self._connect = connect
        self._keep_worker = keep_worker

    def look(self, file: BinaryIO, name: str) -> FileLook:
        """The columns and the first rows of a file somebody is about to send.

        Raises:
            InvalidData: it is no table.
        """
        table = table_in(file, _shown(name), self._settings.scoring.max_megabytes)
        first = next(table.parts(FIRST_ROWS), None)
        return FileLook(table.names, _first_rows(first) if first is not None else ())

    def source(self, version: str | None = None) -> PriceSource:
        """The version that would price a file now. Raises NoModel, NotFound."""
        return choose_model(self._settings, self._connect, version)

    def start(
        self,
        file: BinaryIO,
        name: str,
        columns: Mapping[str, str | None],
        *,
        actor: Actor,
        version: str | None = None,
    ) -> str:
        """Keep the file, put its pricing on the queue, make sure somebody works on it, and return the job's id.

        Args:
            columns: feature → column, for those that are chosen; the others by their names.
            version: the one named, else the champion or the newest as they are now.

        Raises:
            Forbidden: the actor may not.
            InvalidData: it is no table, or its columns are not clear.
            QueueFull: as many files wait as ``jobs.queued`` allows.
        """
        actor.require(Deed.SCORE)
        name = _shown(name)
        table = table_in(file, name, self._settings.scoring.max_megabytes)
        mapping = map_columns(table.names, columns)
        source = self.source(version)
        request = ScoringRequest(name, mapping, source.version, source.sentence, actor.name)
        job_id = f"{SCORING_PREFIX}{uuid.uuid4().hex[:12]}"
        folder = ScoredFolder(self._settings, job_id)
        is_queued = False
        try:
            folder.receive(file)
            self._queue().submit_scoring(job_id, request)
            is_queued = True
        finally:
            if not is_queued:
                folder.remove()
        self._keep_worker()
        return job_id

    def get(self, job_id: str) -> Job:
        """One scoring as it stands now. Raises NotFound, also for a job of another kind."""
        job = self._queue().get(job_id)
        if not isinstance(job.request, ScoringRequest):
            raise NotFound(
                f"The job {job_id[:40]!r} prices no file.", remedy="Take `job` out of the address to see the newest."
            )
        return job

    def progress(self, job_id: str) -> Progress | None:
        """How far it is; None while nobody has begun it."""
        posted = self._queue().board.read([job_id]).get(job_id)
        return posted.progress if posted else None

    def newest(self) -> Sequence[Job]:
        """The last scorings, the newest first."""
        return self._queue().list_scorings(limit=NEWEST)

    def under_way(self) -> Sequence[Job]:
        """Those that wait or run, the newest first."""
        return self._queue().list_scorings(active_only=True)

    def cancel(self, job_id: str, *, actor: Actor) -> None:
        """Ask a scoring to stop: it leaves nothing. Raises Forbidden, NotFound, also for a job of another kind."""
        actor.require(Deed.SCORE)
        self._queue().cancel(self.get(job_id).job_id)
        self._keep_worker()  # somebody must remove what was sent

    def results(self, job: Job) -> tuple[ScoredResult, ...]:
        """The files a scoring left, with what a download of each is called."""
        name = job.request.file_name if isinstance(job.request, ScoringRequest) else job.job_id
        folder = ScoredFolder(self._settings, job.job_id)
        stem = _stem(name)
        most = self._settings.scoring.max_download_megabytes * 1_000_000
        return tuple(
            ScoredResult(kind, f"{stem}.{kind}", size, size is not None and size > most)
            for kind in ScoredFile
            for size in [folder.size(kind)]
        )

    def read(self, job_id: str, kind: ScoredFile) -> bytes:
        """One of these files, whole. Raises NotFound when it is not kept any more."""
        return ScoredFolder(self._settings, job_id).read(kind)

    def place(self, job_id: str) -> str:
        """The folder they lie in, for people who reach it."""
        return str(ScoredFolder(self._settings, job_id).root)


def _first_rows(part: TablePart) -> tuple[tuple[str, ...], ...]:
    columns = [[cell_text(value) for value in cell_values(column)] for column in part.batch.columns]
    return tuple(zip(*columns, strict=True))


def _shown(file_name: str) -> str:
    """A file's name as lists and refusals show it: letter by letter on one line, and no longer than can be read."""
    signs = file_name[:LONGEST_FILE_NAME]
    return "".join("?" if unicodedata.category(sign) in UNKEPT else sign for sign in signs)


def _stem(file_name: str) -> str:
    """A file's name without its kind, in signs that every file system takes."""
    plain = _UNUSUAL.sub("_", file_name.rpartition(".")[0] or file_name).strip(" .")
    return plain[:_LONGEST_STEM].strip(" .") or "houses"
