"""What a benchmark found, beside what it may be: printed, kept for the report, and failed when it does not hold."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

KEPT_IN: Final = "LAB_BENCHMARK_FILE"
"""Names the file that ``python -m tests.benchmarks`` collects from, one JSON document a line.

No setting of the lab: those are taken away from whoever runs the tests.
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """One figure with its bound.

    Args:
        what: a sentence's worth of what was measured, against what.
        measured: the figure, and ``bound``: what it may be; both in ``unit`` ("×" for a ratio).
        at_least: the bound is a lower one.
        detail: the absolute figures behind it, and the machine's load meanwhile.
    """

    what: str
    measured: float
    bound: float
    unit: str = "×"
    at_least: bool = False
    detail: str = ""

    @property
    def holds(self) -> bool:
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    @property
    def allowed(self) -> str:
        """``≤ 0.25×``."""
        return f"{'≥' if self.at_least else '≤'} {written(self.bound, self.unit)}"

    def __str__(self) -> str:
        told = "at least" if self.at_least else "at most"
        word = "holds" if self.holds else "MISSED"
        return f"{self.what}: {written(self.measured, self.unit)} ({told} {written(self.bound, self.unit)}): {word}"


@dataclass(frozen=True, slots=True)
class Growth:
    """One line of a table that says how cost grows. ``size`` is of what ``table`` names; costs by their heading."""

    table: str
    size: int
    costs: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Measured:
    """What one benchmark found, whether it ended well, and on what machine."""

    name: str
    claims: tuple[Claim, ...]
    growth: tuple[Growth, ...]
    ended_well: bool
    machine: str


def claim(found: Claim) -> None:
    """Print it, keep it, and fail when it does not hold.

    Raises:
        AssertionError: it does not hold.
    """
    print(f"\n{found}" + (f"\n  {found.detail}" if found.detail else ""))
    _keep({"claim": asdict(found)})
    assert found.holds, str(found)


def grown(found: Growth) -> None:
    """Print a line of a growth table and keep it."""
    costs = ", ".join(f"{name} {value:,.4g}" for name, value in found.costs.items())
    print(f"\n{found.table}: {found.size:,}: {costs}")
    _keep({"growth": asdict(found)})


def kept(file: Path) -> Iterator[Claim | Growth]:
    """What the benchmarks wrote there, in their order."""
    for line in file.read_text(encoding="utf-8").splitlines():
        match json.loads(line):
            case {"claim": found}:
                yield Claim(**found)
            case {"growth": found}:
                yield Growth(**found)


def written(value: float, unit: str) -> str:
    """``0.12×``, ``$37,652``, ``345 ms``."""
    if unit == "$":
        return f"${value:,.0f}"
    figure = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{figure}{unit}" if unit == "×" else f"{figure} {unit}"


def load_now() -> str:
    """The machine's load, for a figure that a busy one would spoil."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def _keep(document: Mapping[str, object]) -> None:
    if file := os.environ.get(KEPT_IN):
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(document) + "\n")
