"""The ledger's chain: each line carries a hash over itself and over the hash of the line before.

Whoever changes, removes or moves a line breaks the chain from there on, unless all later hashes are made anew; then
registry.json, which mirrors them, still remembers the old ones.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

GENESIS: Final = "0" * 64
"""What stands for the hash before the first line."""

HASH: Final = "hash"
PREVIOUS_HASH: Final = "previous_hash"
NUMBER: Final = "number"

Line = Mapping[str, Any]
"""One row of the ledger as the database holds it, column by column: text and whole numbers."""


@dataclass(frozen=True, slots=True)
class ChainBreak:
    """What is wrong with the ledger at one line."""

    number: int
    what: str


def hash_of(line: Line) -> str:
    """The SHA-256 of a line's canonical JSON, the hash of the line before within it, its own hash without."""
    content = {name: value for name, value in line.items() if name != HASH}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def check_chain(lines: Sequence[Line], *, entries: int, head: str, settled: Iterable[int] = ()) -> Iterator[ChainBreak]:
    """Every line that was edited, that is missing, or that does not stand where it was written.

    Args:
        lines: by number.
        entries: how many were written, and ``head``, the hash of the last of them, as the ledger's head tells.
        settled: the numbers of entries known to be carried out.
    """
    before, expected = GENESIS, 1
    for line in lines:
        number = line[NUMBER]
        if number < expected:
            yield ChainBreak(number, f"entry {number} stands there twice or before the first")
            continue
        if number > expected:
            yield ChainBreak(expected, _missing(expected, number - 1))
        elif line[PREVIOUS_HASH] != before:
            yield ChainBreak(number, f"entry {number} does not follow the entry before it")
        if hash_of(line) != line[HASH]:
            yield ChainBreak(number, f"entry {number} was edited")
        before, expected = line[HASH], number + 1
    written = max([entries, *settled])
    if written >= expected:
        yield ChainBreak(expected, _missing(expected, written))
    elif entries < expected - 1:
        yield ChainBreak(entries + 1, f"{_counted(entries + 1, expected - 1)} not written by the lab")
    elif head != before:
        yield ChainBreak(entries, f"entry {entries} is not the one that was written last")


def _missing(first: int, last: int) -> str:
    return f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"


def _counted(first: int, last: int) -> str:
    return f"entry {first} was" if first == last else f"entries {first} to {last} were"
