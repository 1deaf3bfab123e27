"""Files that are whole or not there: a draft beside the target takes its place when it is complete."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def draft_of(target: Path) -> Iterator[Path]:
    """A path to write ``target``'s new content to; it replaces the target when the block ends well.

    When the block raises, the target is as it was and no draft is left. The folder is made if it is missing.

    Raises:
        OSError: as the file system has it; callers translate it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.parent / f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}.part"
    try:
        yield draft
        with draft.open("r+b") as written:  # Windows syncs only what it may write
            os.fsync(written.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
