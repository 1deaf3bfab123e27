"""Data of somebody's own, beside the configured file: what it is called, who brought it, and which rows it is.

A dataset version is known by the SHA-256 of its rows, as every run is. The configured file has no version of its own:
it is the default, and an empty digest stands for it in whatever is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from core.domain.errors import InvalidData

CONFIGURED: Final = ""
"""In place of a digest: the file that ``data.path`` names, as it is when a job begins."""

CONFIGURED_NAME: Final = "configured"
"""What the terminal and addresses call that file; no dataset version may have this name."""

LONGEST_DATASET_NAME: Final = 80

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """Rows that somebody brought.

    Attributes:
        sha256: of the CSV file that is kept. name: unique among those kept.
        rows: how many. size: bytes of the file that is kept.
        added: when, in UTC. actor: who. file_name: what the file was called where it came from: a text, never a path.
    """

    sha256: str
    name: str
    rows: int
    size: int
    added: datetime
    actor: str
    file_name: str

    def as_report(self) -> dict[str, object]:
        """JSON values only: what lies beside the rows."""
        return {
            "sha256": self.sha256,
            "name": self.name,
            "rows": self.rows,
            "size": self.size,
            "added": self.added.isoformat(),
            "actor": self.actor,
            "file_name": self.file_name,
        }

    @classmethod
    def from_report(cls, report: Mapping[str, Any]) -> Self:
        """The version back from :meth:`as_report`.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        return cls(
            sha256=str(report["sha256"]),
            name=str(report["name"]),
            rows=int(report["rows"]),
            size=int(report["size"]),
            added=datetime.fromisoformat(report["added"]),
            actor=str(report["actor"]),
            file_name=str(report["file_name"]),
        )


def is_sha256(text: str) -> bool:
    """Whether it is written as a digest: nothing else is ever made a path of."""
    return _SHA256.fullmatch(text) is not None


def dataset_name(name: str) -> str:
    """The name as it is kept: without what surrounds it, its spaces single.

    Raises:
        InvalidData: it is empty, too long, or means another thing already.
    """
    plain = " ".join(name.split())
    if not plain or not plain.isprintable():
        raise InvalidData("The dataset has no name.", remedy="Give it one that tells it from the others.")
    if len(plain) > LONGEST_DATASET_NAME:
        raise InvalidData(
            f"The dataset's name has {len(plain):,} characters.", remedy=f"Give at most {LONGEST_DATASET_NAME}."
        )
    if plain.casefold() == CONFIGURED_NAME or is_sha256(plain.casefold()):
        raise InvalidData(
            f"A dataset cannot be called {plain!r}: that means another one.", remedy="Give it another name."
        )
    return plain
