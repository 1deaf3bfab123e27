"""All benchmarks in one command, each a ratio or a bound within one run: ``python -m tests.benchmarks``.

Give it a quiet machine: the whole takes most of an hour. ``--only NAME`` (several times) takes some, ``--list`` names
them. ``--json FILE`` keeps every figure and leaves there those of benchmarks that were not asked for, so that one of
them can be repeated; ``--pictures FOLDER`` draws what the file holds. The Markdown it prints is what the README shows.
A bound that is missed is written as missed, and the command then ends with 1.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import psutil

from core.domain.settings import PROJECT_ROOT
from tests.benchmarks.claims import KEPT_IN, Claim, Growth, Measured, kept, load_now, written
from tests.benchmarks.report import read_report, write_report

_FOLDER: Final = Path(__file__).parent
_PREFIX: Final = "test_"
_NAMED: Final = ("streamlit", "mlflow", "scikit-learn", "lightgbm", "numpy", "pandas")


def names() -> list[str]:
    """Every benchmark by its module."""
    return sorted(file.stem.removeprefix(_PREFIX) for file in _FOLDER.glob(f"{_PREFIX}*.py"))


def measure(name: str) -> Measured:
    """Run one benchmark: what it found, and whether it ended well."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "found.jsonl"
        file.touch()
        command = [sys.executable, "-m", "pytest", "-q", "-s", "-m", "long", "-n", "0", str(_module(name))]
        ended = subprocess.run(command, cwd=PROJECT_ROOT, env={**os.environ, KEPT_IN: str(file)}, check=False)
        found = list(kept(file))
    return Measured(
        name,
        claims=tuple(one for one in found if isinstance(one, Claim)),
        growth=tuple(one for one in found if isinstance(one, Growth)),
        ended_well=ended.returncode == 0,
        machine=machine(),
    )


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
        word = "yes" if one.holds else "**missed**"
        yield f"| {one.what} | {written(one.measured, one.unit)} | {one.allowed} | {word} |"


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


def told(found: Sequence[Measured]) -> Iterator[str]:
    """All of it as Markdown: claims, growth, and on what machine."""
    yield from claims_table([claim for one in found for claim in one.claims])
    yield from growth_tables([line for one in found for line in one.growth])
    yield ""
    yield from dict.fromkeys(one.machine for one in found)


def main(arguments: Sequence[str]) -> int:
    """Measure, print, keep and draw; the exit code."""
    asked = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    asked.add_argument("--only", action="append", choices=names(), metavar="NAME", help="a benchmark; may be repeated")
    asked.add_argument("--list", action="store_true", help="name the benchmarks and end")
    asked.add_argument("--json", type=Path, metavar="FILE", help="keep every figure there")
    asked.add_argument("--pictures", type=Path, metavar="FOLDER", help="draw them there")
    options = asked.parse_args(arguments)
    if options.list:
        print("\n".join(names()))
        return 0
    before = read_report(options.json) if options.json is not None and options.json.exists() else ()
    found = {one.name: one for one in before}
    measured: list[Measured] = []
    for name in options.only or names():
        print(f"== {name}", flush=True)
        measured.append(measure(name))
        found[name] = measured[-1]
        if options.json is not None:  # after each: an hour's figures should not hang on the last of them
            write_report(options.json, found.values())
    print("\n".join(["", *told(list(found.values()))]))
    if options.pictures is not None:
        from tests.benchmarks.pictures import draw

        draw(list(found.values()), options.pictures)
    failed = [one.name for one in measured if not one.ended_well]
    if failed:
        print(f"\nFailed or missed a bound: {', '.join(failed)}.")
    return 1 if failed else 0


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
