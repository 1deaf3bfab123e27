"""Small disks of the test's own, and folders nobody can write in. Only root may mount either."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHUNK = 64 * 1024


class Disk:
    """A file system of a few megabytes in memory."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._ballast = place / ".ballast"

    def free(self) -> int:
        """Bytes that can still be written."""
        found = os.statvfs(self.place)
        return found.f_bavail * found.f_frsize

    def fill(self, *, leave: int = 0) -> None:
        """Write ballast until so many bytes are left."""
        with self._ballast.open("ab", buffering=0) as ballast:
            while (surplus := self.free() - leave) > 0:
                try:
                    ballast.write(b"\0" * min(CHUNK, surplus))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    return

    def clear(self) -> None:
        """Space again."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(place: Path, megabytes: float) -> Iterator[Disk]:
    """A disk mounted at ``place`` until the block ends; skips the test where nobody may mount one."""
    place.mkdir(parents=True, exist_ok=True)
    try:
        _mount("-t", "tmpfs", "-o", f"size={int(megabytes * 1024)}k", "tmpfs", str(place))
    except (OSError, subprocess.CalledProcessError) as error:
        told = getattr(error, "stderr", "") or error
        pytest.skip(f"a small disk cannot be mounted here (root may, in most containers nobody): {told}")
    try:
        yield Disk(place)
    finally:
        # Lazily: a killed process may still be on its way out.
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    """Nothing below ``place`` can be opened for writing until the block ends, by root neither.

    What a process has open already it may go on writing.
    """
    try:
        _mount("--bind", str(place), str(place))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a folder cannot be mounted here (root may, in most containers nobody): {error}")
    try:
        _mount("-o", "remount,bind,ro", str(place))
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True, text=True)
