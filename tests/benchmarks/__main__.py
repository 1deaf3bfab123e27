"""All benchmarks in one command, each a ratio or a bound within one run: ``python -m tests.benchmarks``.

Give it a quiet machine: the whole takes most of an hour. ``--only NAME`` (several times) takes some, ``--list`` names
them, ``--json FILE`` keeps every figure, and the Markdown it prints is what the README shows. A bound that is missed is
written as missed, and the command then ends with 1.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import psutil

from core.domain.settings import PROJECT_ROOT
from tests.benchmarks.claims import KEPT_IN, Claim, Growth, kept, load_now, written

_FOLDER: Final = Path(__file__).parent
_PREFIX: Final = "test_"
_NAMED: Final = ("streamlit", "mlflow", "scikit-learn", "lightgbm", "numpy", "pandas")


def names() -> list[str]:
    """Every benchmark by its module."""
    return sorted(file.stem.removeprefix(_PREFIX) for file in _FOLDER.glob(f"{_PREFIX}*.py"))


def measure(name: str) -> tuple[list[Claim | Growth], bool]:
    """Run one benchmark; what it found, and whether it ended well."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "found.jsonl"
        file.touch()
        command = [sys.executable, "-m", "pytest", "-q", "-s", "-m", "long", "-n", "0", str(_module(name))]
        ended = subprocess.run(command, cwd=PROJECT_ROOT, env={**os.environ, KEPT_IN: str(file)}, check=False)
        return list(kept(file)), ended.returncode == 0


def machine() -> str:
    """What it was measured on, in a sentence."""
    memory = psutil.virtual_memory().total / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in _NAMED)
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GB, {platform.system()} {platform.release()}, Python "
        f"{platform.python_version()}, {libraries}; {load_now()} at the end; {datetime.now(UTC):%d %B %Y}."
    )


def claims_table(claims: Sequence[Claim]) -> Iterator[str]:
    """The claims as Markdown, a line each."""
    yield "| what | measured | bound | holds |"
    yield "|---|---:|---:|---|"
    for one in claims:
        side = "≥" if one.at_least else "≤"
        word = "yes" if one.holds else "**missed**"
        yield f"| {one.what} | {written(one.measured, one.unit)} | {side} {written(one.bound, one.unit)} | {word} |"


def growth_tables(lines: Sequence[Growth]) -> Iterator[str]:
    """How costs grow, a Markdown table for each thing that grows."""
    for table in dict.fromkeys(line.table for line in lines):
        own = sorted((line for line in lines if line.table == table), key=lambda line: line.size)
        heads = list(dict.fromkeys(head for line in own for head in line.costs))
        yield ""
        yield f"| {table} | {' | '.join(heads)} |"
        yield f"|---:|{'---:|' * len(heads)}"
        for line in own:
            cells = (f"{line.costs[head]:,.4g}" if head in line.costs else "—" for head in heads)
            yield f"| {line.size:,} | {' | '.join(cells)} |"


def main(arguments: Sequence[str]) -> int:
    """Measure, print and keep; the exit code."""
    asked = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    asked.add_argument("--only", action="append", choices=names(), metavar="NAME", help="a benchmark; may be repeated")
    asked.add_argument("--list", action="store_true", help="name the benchmarks and end")
    asked.add_argument("--json", type=Path, metavar="FILE", help="keep every figure there")
    options = asked.parse_args(arguments)
    if options.list:
        print("\n".join(names()))
        return 0
    found, failed = [], []
    for name in options.only or names():
        print(f"== {name}", flush=True)
        some, is_well = measure(name)
        found += some
        failed += [] if is_well else [name]
    claims = [one for one in found if isinstance(one, Claim)]
    grown = [one for one in found if isinstance(one, Growth)]
    print("\n".join(["", machine(), "", *claims_table(claims), *growth_tables(grown)]))
    if failed:
        print(f"\nFailed or missed a bound: {', '.join(failed)}.")
    if options.json is not None:
        options.json.write_text(_document(claims, grown, failed), encoding="utf-8")
    return 1 if failed else 0


def _document(claims: Iterable[Claim], grown: Iterable[Growth], failed: Sequence[str]) -> str:
    told = {
        "machine": machine(),
        "claims": [{**asdict(one), "holds": one.holds} for one in claims],
        "growth": [asdict(one) for one in grown],
        "failed": list(failed),
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _module(name: str) -> Path:
    return _FOLDER / f"{_PREFIX}{name}.py"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
