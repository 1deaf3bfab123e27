"""Files that are either whole or not there: written beside the target, then moved into place."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from core.domain.errors import DataUnavailable


@contextlib.contextmanager
def atomic_file(target: Path, *, overwrite: bool) -> Iterator[BinaryIO]:
    """A file to write ``target``'s new content to; it takes the target's place when the block ends well.

    When the block raises, the target is as it was and nothing else is left on disk. With ``overwrite``
    false a target that appeared meanwhile (another process, the user) stays, and the new content is dropped.

    Raises:
        DataUnavailable: the disk is full, the folder may not be written to, or it is none.
    """
    draft = target.parent / f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}.part"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            _publish(draft, target, overwrite=overwrite)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise DataUnavailable(
            f"The data file cannot be written: {error.strerror or error}.",
            where=str(target),
            remedy="Free some disk space, allow writing to this folder, or set data.path to a place that has both.",
        ) from error


def _publish(draft: Path, target: Path, *, overwrite: bool) -> None:
    if overwrite:
        draft.replace(target)
        return
    try:
        # A hard link is the one move that fails, in one step, when the target exists.
        target.hardlink_to(draft)
    except FileExistsError:
        return
    except OSError:
        # Some file systems know no hard links; a look beforehand is the next best.
        if not target.exists():
            draft.replace(target)
