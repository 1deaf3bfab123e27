"""Which columns of the run table somebody chose, remembered in the state folder."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from core.domain.errors import InvalidFilter
from core.domain.files import draft_of
from core.domain.run_query import Column

_log = logging.getLogger(__name__)


class ColumnChoice:
    """The columns of the run table, kept in a small JSON file.

    Args:
        file: where the choice is kept. A file that cannot be read counts as no choice, one that cannot be written
            is told to the log alone: a table with other columns is no reason to show none.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> tuple[Column, ...] | None:
        """The chosen columns; None while nobody chose."""
        try:
            names = json.loads(self._file.read_text(encoding="utf-8"))
            return tuple(Column.parse(str(name)) for name in names)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, InvalidFilter) as error:
            _log.warning("the chosen columns cannot be read: %s", error)
            return None

    def write(self, columns: Sequence[Column] | None) -> None:
        """Remember these columns; None forgets the choice, so that the table shows what varies."""
        try:
            if columns is None:
                self._file.unlink(missing_ok=True)
                return
            with draft_of(self._file) as draft:
                draft.write_text(json.dumps([str(column) for column in columns]), encoding="utf-8")
        except OSError as error:
            _log.warning("the chosen columns cannot be remembered: %s", error)
