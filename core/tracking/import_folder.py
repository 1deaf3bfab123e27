"""Reading below one folder and nowhere else: what somebody hands in to be imported may be written by anybody.

A path that climbs out, a symbolic link and whatever is neither file nor folder is refused by name.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import Any, Final

import yaml

from core.domain.errors import NotFound, UnreadableRecord

Note = Callable[[str, str], None]
"""Told what could not be read: where, and why."""

LARGEST_DOCUMENT: Final = 20_000_000
"""Bytes of a YAML or JSON file: MLflow's own hold a dataset's profile of up to 16 MB."""

_CHUNK: Final = 1 << 20
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""O_NONBLOCK: opening a pipe that nobody writes to would wait for ever."""


class ImportFolder:
    """A folder whose files are read by paths below it, written with ``/``.

    Args:
        root: the folder. It may itself be reached through a link: whoever asked for the import named it.

    Raises:
        NotFound: there is no such folder.
        UnreadableRecord: by every method, for what is not there, lies elsewhere or is no plain file.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().resolve()
        if not self.root.is_dir():
            raise NotFound("There is no such folder.", where=str(root), remedy="Give the folder the records lie in.")

    def shown(self, place: str = "") -> str:
        """A place as people read it."""
        return str(self.root / place) if place else str(self.root)

    def folders(self, place: str = "", note: Note | None = None) -> list[str]:
        """The names of the folders in a folder, in order; none where it is missing. ``note`` is told of links."""
        return [entry.name for entry in self._entries(place, note) if entry.is_dir(follow_symlinks=False)]

    def files(self, place: str, note: Note | None = None) -> Iterator[str]:
        """Paths of all plain files below a folder, in order, relative to it; none where it is missing."""
        waiting = [""]
        while waiting:
            below = waiting.pop()
            inner = []
            for entry in self._entries(join(place, below), note):
                path = join(below, entry.name)
                if entry.is_dir(follow_symlinks=False):
                    inner.append(path)
                elif entry.is_file(follow_symlinks=False):
                    yield path
                elif note is not None:
                    note(self.shown(join(place, path)), "It is neither a file nor a folder.")
            waiting += reversed(inner)

    def has_file(self, place: str) -> bool:
        """Whether a plain file is there that may be read."""
        try:
            with self.open(place):
                return True
        except UnreadableRecord:
            return False

    @contextmanager
    def open(self, place: str) -> Iterator[BufferedReader]:
        """The file's content as a stream."""
        path = self.path(place)
        try:
            number = os.open(path, os.O_RDONLY | _NO_LINK)
        except OSError as error:
            raise unreadable(f"It cannot be read: {error.strerror or error}.", str(path)) from error
        if not stat.S_ISREG(os.fstat(number).st_mode):
            os.close(number)
            raise unreadable("It is no plain file.", str(path))
        with os.fdopen(number, "rb") as stream:
            try:
                yield stream
            except OSError as error:
                raise unreadable(f"It cannot be read: {error.strerror or error}.", str(path)) from error

    def path(self, place: str) -> Path:
        """The real path of a place, every step to it looked at."""
        steps = PurePosixPath(place)
        if steps.is_absolute() or ".." in steps.parts or "\0" in place or "\\" in place:
            raise unreadable("The path leads out of the folder; nothing there is read.", f"{self.root}: {place[:200]}")
        path = self.root
        for step in steps.parts:
            path = path / step
            try:
                is_link = stat.S_ISLNK(path.lstat().st_mode)
            except (OSError, ValueError) as error:
                raise unreadable("It is not there.", self.shown(place)) from error
            if is_link:
                raise unreadable("It is a symbolic link; what it points to is not read.", str(path))
        return path

    def text(self, place: str, limit: int) -> tuple[str, int]:
        """The file's text, at most ``limit`` characters of it, and its size in bytes."""
        with self.open(place) as stream:
            content = stream.read(4 * limit + 4)
            size = os.fstat(stream.fileno()).st_size
        try:
            # A cut may fall into a character; that one lies beyond the limit.
            text = content.decode("utf-8", "strict" if size <= len(content) else "ignore")
        except UnicodeDecodeError as error:
            raise unreadable("It is no UTF-8 text.", self.shown(place)) from error
        return text[:limit], size

    def document(self, place: str) -> dict[str, Any]:
        """A YAML file that holds names and values."""
        content = self.whole(place)
        try:
            document = yaml.safe_load(content)
        except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise unreadable(f"It is no YAML: {reason}.", self.shown(place)) from error
        if not isinstance(document, dict):
            raise unreadable("It holds no names and values.", self.shown(place))
        return document

    def whole(self, place: str) -> bytes:
        """The content of a file of a reasonable size."""
        with self.open(place) as stream:
            content = stream.read(LARGEST_DOCUMENT + 1)
        if len(content) > LARGEST_DOCUMENT:
            raise unreadable(f"It is larger than {LARGEST_DOCUMENT / 1e6:,.0f} MB.", self.shown(place))
        return content

    def copy(self, place: str, target: Path) -> str:
        """Copy a file and return the SHA-256 of what was copied."""
        digest = hashlib.sha256()
        with self.open(place) as stream, target.open("wb") as copied:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                copied.write(chunk)
        return digest.hexdigest()

    def sha256(self, place: str) -> str:
        """The hexadecimal SHA-256 of a file's content."""
        with self.open(place) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def _entries(self, place: str, note: Note | None) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.path(place)) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except UnreadableRecord as error:
            # A folder that is missing holds nothing; one that may not be entered is worth a word.
            if note is not None and os.path.lexists(self.root / place):
                note(error.where, error.what)
            return []
        except OSError as error:
            if note is not None:
                note(self.shown(place), f"It cannot be read: {error.strerror or error}.")
            return []
        for entry in entries:
            if entry.is_symlink() and note is not None:
                note(self.shown(join(place, entry.name)), "It is a symbolic link; what it points to is not read.")
        return [entry for entry in entries if not entry.is_symlink()]


def join(place: str, name: str) -> str:
    """A path below a place."""
    return f"{place}/{name}" if place and name else place or name


def unreadable(what: str, where: str) -> UnreadableRecord:
    """The refusal of one file."""
    return UnreadableRecord(what, where=where, remedy="Correct the file and import again: what is in stays as it is.")
