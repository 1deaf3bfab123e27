"""What the benchmarks found as a file: one JSON document, so that a figure can be looked up and drawn later."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.benchmarks.claims import Claim, Growth, Measured


def write_report(file: Path, found: Iterable[Measured]) -> None:
    """Keep all of it, in the order of the benchmarks' names."""
    document = {one.name: _document(one) for one in sorted(found, key=lambda one: one.name)}
    file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_report(file: Path) -> tuple[Measured, ...]:
    """What :func:`write_report` wrote."""
    return tuple(_measured(name, one) for name, one in json.loads(file.read_text(encoding="utf-8")).items())


def _document(one: Measured) -> dict[str, object]:
    return {
        "machine": one.machine,
        "ended_well": one.ended_well,
        "claims": [{**asdict(claim), "holds": claim.holds} for claim in one.claims],
        "growth": [asdict(line) for line in one.growth],
    }


def _measured(name: str, document: Mapping[str, Any]) -> Measured:
    claims = ({key: value for key, value in claim.items() if key != "holds"} for claim in document["claims"])
    return Measured(
        name,
        claims=tuple(Claim(**claim) for claim in claims),
        growth=tuple(Growth(**line) for line in document["growth"]),
        ended_well=bool(document["ended_well"]),
        machine=str(document["machine"]),
    )
