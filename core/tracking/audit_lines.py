"""A line of the audit ledger: made from what is to move, and read back as an entry."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.domain.errors import LedgerUnavailable
from core.domain.promotion import Gate, LedgerEntry, gates_from
from core.tracking.audit_chain import HASH, hash_of


@dataclass(frozen=True, slots=True)
class Move:
    """An alias that is to move: what an entry says before it has a number."""

    who: str
    act: str
    alias: str
    version_from: str | None
    version_to: str | None
    reason: str = ""
    override: bool = False
    gates: tuple[Gate, ...] = ()


def lines_of(
    moves: Sequence[Move], entries: int, previous: str, newest: Mapping[str, int], moment: str
) -> list[dict[str, Any]]:
    """The lines of these moves, chained to those before.

    Args:
        entries: how many lines there are. previous: the last one's hash. newest: by alias its newest line's number.
        moment: of all of them, ISO 8601 in UTC.
    """
    lines: list[dict[str, Any]] = []
    last = dict(newest)
    for number, move in enumerate(moves, entries + 1):
        line: dict[str, Any] = {
            "number": number,
            "moment": moment,
            "who": clean(move.who),
            "act": str(move.act),
            "alias": str(move.alias),
            "version_from": move.version_from,
            "version_to": move.version_to,
            "reason": clean(move.reason),
            "override": int(move.override),
            "gates": json.dumps([gate.as_report() for gate in move.gates], ensure_ascii=True),
            "predecessor": last.get(move.alias, 0),
            "previous_hash": previous,
        }
        line[HASH] = hash_of(line)
        lines.append(line)
        previous, last[move.alias] = line[HASH], number
    return lines


def clean(text: str) -> str:
    """Text as a database can hold it and a line can show it: one line, no control characters, whole letters."""
    whole = text.encode("utf-8", "replace").decode()
    return " ".join("".join(letter if letter.isprintable() else " " for letter in whole).split())


def entry_of(line: Mapping[str, Any]) -> LedgerEntry:
    """The entry a line holds.

    Raises:
        LedgerUnavailable: it was edited into something that is no entry.
    """
    try:
        return LedgerEntry(
            number=line["number"],
            when=datetime.fromisoformat(line["moment"]),
            who=line["who"],
            act=line["act"],
            alias=line["alias"],
            version_from=line["version_from"],
            version_to=line["version_to"],
            reason=line["reason"],
            override=bool(line["override"]),
            gates=gates_from(json.loads(line["gates"])),
            predecessor=line["predecessor"],
            previous_hash=line["previous_hash"],
            hash=line["hash"],
        )
    except (ValueError, TypeError, KeyError) as error:
        raise LedgerUnavailable(
            f"Entry {line['number']} of the audit ledger was edited and cannot be read.",
            where="jobs.database_url",
            remedy="Run `python -m core doctor`, and restore the job database from a backup.",
        ) from error
