"""What the houses priced over REST were like, as counts that outlive the service.

No house is kept: only how many had what, cell by cell of :class:`core.evaluation.drift.DriftSketch`. Each process of
the service writes a file of its own for each day (UTC) and each set of training rows, and puts a whole new one in its
place: no two processes write the same file, a crash loses what came since the last writing, and no half file is ever
seen. Whoever reads adds up all files of the days it asks for.
"""

from __future__ import annotations

import logging
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from core.domain.errors import RecordsError
from core.domain.files import draft_of
from core.domain.paths import Paths
from core.evaluation.drift import DriftBaseline, DriftSketch

KEPT_DAYS: Final = 30
"""Files of older days are removed by whoever writes."""

_NAME: Final = re.compile(r"(\d{4}-\d{2}-\d{2})\.[0-9a-f]{1,32}\.npz")
_FORM: Final = 1
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RowsKnown:
    """Which training rows a count was made against: counts of other rows cannot be added to it."""

    sha256: str
    split: str


@dataclass(frozen=True, slots=True, eq=False)
class RequestCounts:
    """What was priced over some days.

    Attributes:
        sketch: of the houses priced by versions of these training rows; None where there were none.
        by_day: how many those were, the oldest day first; days without any are left out.
        others: houses priced by versions of other training rows, which cannot be set beside these.
        unreadable: files that are no counts, by name.
    """

    sketch: DriftSketch | None
    by_day: tuple[tuple[date, int], ...]
    others: int
    unreadable: tuple[str, ...]

    @property
    def rows(self) -> int:
        return self.sketch.rows if self.sketch is not None else 0


def today() -> date:
    """The day requests are counted under now."""
    return datetime.now(UTC).date()


def write_counts(paths: Paths, day: date, writer: str, known: RowsKnown, sketch: DriftSketch) -> None:
    """Let this sketch be what the writer counted on that day.

    Args:
        writer: hexadecimal digits no other process and no other set of training rows has.

    Raises:
        RecordsError: the file cannot be written; the one before it stays.
    """
    flat = np.concatenate(sketch.cells)
    filled = np.flatnonzero(flat)
    target = paths.request_counts / f"{day.isoformat()}.{writer}.npz"
    try:
        with draft_of(target) as draft, draft.open("wb") as file:
            np.savez(
                file,
                form=np.int64(_FORM),
                sha256=np.array(known.sha256),
                split=np.array(known.split),
                rows=np.int64(sketch.rows),
                sizes=np.array([len(one) for one in sketch.cells], dtype=np.int64),
                at=filled.astype(np.int64),
                counts=flat[filled].astype(np.int64),
                missing=sketch.missing,
                places=sketch.places,
            )
    except OSError as error:
        raise RecordsError(
            f"What was asked over REST could not be counted: {error.strerror or error}.",
            where=str(target),
            remedy="Free some disk space or correct the folder's permissions.",
        ) from error


def read_counts(paths: Paths, known: RowsKnown, baseline: DriftBaseline, days: int) -> RequestCounts:
    """All that was counted in the last ``days`` days, today among them.

    Args:
        known: the training rows to set beside; ``baseline`` is theirs.
    """
    oldest = today() - timedelta(days=days - 1)
    whole: DriftSketch | None = None
    by_day: dict[date, int] = {}
    others, unreadable = 0, []
    for day, file in _files(paths):
        if day < oldest:
            continue
        try:
            found, sketch = _read(file, baseline)
        except FileNotFoundError:
            continue  # a new one takes its place, or it has grown old: as if asked a moment earlier or later
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            unreadable.append(file.name)
            continue
        if found != known or isinstance(sketch, int):
            others += sketch if isinstance(sketch, int) else sketch.rows
            continue
        whole = sketch if whole is None else whole + sketch
        by_day[day] = by_day.get(day, 0) + sketch.rows
    return RequestCounts(whole, tuple(sorted(by_day.items())), others, tuple(unreadable))


def forget_old(paths: Paths) -> None:
    """Remove the files of days beyond those kept. What cannot be removed is told in the log and stays."""
    oldest = today() - timedelta(days=KEPT_DAYS - 1)
    for day, file in _files(paths):
        if day < oldest:
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                _log.warning("Old counts of requests could not be removed: %s", error)


def _files(paths: Paths) -> Iterator[tuple[date, Path]]:
    folder = paths.request_counts
    for file in sorted(folder.iterdir()) if folder.is_dir() else []:
        found = _NAME.fullmatch(file.name)
        if found:
            try:
                yield date.fromisoformat(found[1]), file
            except ValueError:
                continue  # no day of any calendar, so no file of ours


def _read(file: Path, baseline: DriftBaseline) -> tuple[RowsKnown, DriftSketch | int]:
    """Whose rows the counts are of, and the sketch; only how many rows where it is of another baseline's cells.

    Raises:
        OSError, ValueError, KeyError, EOFError, BadZipFile: the file is none of ours, or damaged.
    """
    with np.load(file, allow_pickle=False) as kept:
        if int(kept["form"]) != _FORM:
            raise ValueError("counts of another form")
        known = RowsKnown(str(kept["sha256"]), str(kept["split"]))
        rows, sizes = int(kept["rows"]), kept["sizes"].tolist()
        if sizes != [len(one) for one in baseline.sketch.cells]:
            return known, rows
        flat = np.zeros(sum(sizes), dtype=np.int64)
        at = kept["at"]
        if len(at) and not 0 <= at.min() <= at.max() < len(flat):
            raise ValueError("counts of cells that are none")
        flat[at] = kept["counts"]
        missing, places = kept["missing"], kept["places"]
        if missing.shape != baseline.sketch.missing.shape or places.shape != baseline.sketch.places.shape:
            raise ValueError("counts of another form")
        cells = tuple(np.split(flat, np.cumsum(sizes)[:-1]))
        return known, DriftSketch(rows, cells, missing.astype(np.int64), places.astype(np.int64))
