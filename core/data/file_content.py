"""A data file on disk as bytes: measured before it is read, and one clear error when it cannot be."""

from __future__ import annotations

import stat
from pathlib import Path

from core.data.file_kinds import MEGABYTE, SAVE_AS_CSV
from core.domain.errors import DataUnavailable, InvalidData


def is_there(path: Path) -> bool:
    """Whether anything stands at ``path``, readable or not: what cannot be looked at is for reading to explain."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def read_content(path: Path, max_megabytes: int) -> bytes:
    """The bytes of a regular file of at most ``max_megabytes``; the size is looked at before anything is read.

    Raises:
        DataUnavailable: there is no such file, or it may not be read.
        InvalidData: it is a folder or a device, empty, or too large.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
            raise InvalidData(f"The data file is {kind}.", where=str(path), remedy="Name the CSV file itself.")
        if status.st_size > max_megabytes * MEGABYTE:
            raise _too_large(path, status.st_size, max_megabytes)
        with path.open("rb") as file:
            # One byte more than allowed, because a file may grow after it was measured.
            content = file.read(max_megabytes * MEGABYTE + 1)
    except FileNotFoundError as error:
        raise DataUnavailable(
            "There is no such data file.", where=str(path), remedy="Put the file there, or correct data.path."
        ) from error
    except OSError as error:
        raise DataUnavailable(
            f"The data file cannot be read: {error.strerror or error}.",
            where=str(path),
            remedy="Make it readable for the user who runs the lab, or correct data.path.",
        ) from error
    if len(content) > max_megabytes * MEGABYTE:
        raise _too_large(path, len(content), max_megabytes)
    if not content:
        raise InvalidData("The data file is empty.", where=str(path), remedy=SAVE_AS_CSV)
    return content


def count_rows(path: Path) -> int | None:
    """How many rows a CSV file holds, by its line ends alone: a look, not a reading. None when it cannot be read."""
    feeds = returns = 0
    last = b""
    try:
        with path.open("rb") as file:
            while piece := file.read(MEGABYTE):
                feeds += piece.count(b"\n")
                returns += piece.count(b"\r")
                last = piece[-1:]
    except OSError:
        return None
    # The header's line is no row; the last row need not end its line.
    return max(0, max(feeds, returns) - (last in {b"\n", b"\r", b""}))


def _too_large(path: Path, size: int, max_megabytes: int) -> InvalidData:
    return InvalidData(
        f"The data file has {size / MEGABYTE:,.0f} MB; at most {max_megabytes:,} MB are read.",
        where=str(path),
        remedy="Give a smaller file, or raise data.max_megabytes.",
    )
