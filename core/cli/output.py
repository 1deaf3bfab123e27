"""What the terminal prints: one JSON document, or lines for people; progress always goes to standard error."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from core.domain.errors import InvalidSpec, LabError
from core.domain.jobs import Progress as JobProgress
from core.domain.metrics import figure_text
from core.domain.money import dollars, duration


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON document on standard output. NaN and infinity become null: they are no JSON."""
    typer.echo(json.dumps(_plain(document), indent=2, ensure_ascii=False, allow_nan=False))


def print_error(error: LabError, *, as_json: bool) -> None:
    """What is wrong, where, and the remedy: as JSON on standard output, or as lines on standard error."""
    if as_json:
        print_json({"error": {"what": error.what, "where": error.where, "remedy": error.remedy}})
        return
    typer.echo(f"Error: {error.what}", err=True)
    if error.where:
        typer.echo(f"Where: {error.where}", err=True)
    typer.echo(f"Remedy: {error.remedy}", err=True)


def parse_settings(pairs: list[str], option: str = "--set") -> dict[str, object]:
    """``["n_estimators=150"]`` as a mapping; ``option`` is what a refusal calls it.

    Raises:
        InvalidSpec: a pair has no ``=``, or a name comes twice.
    """
    values: dict[str, object] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.strip():
            raise InvalidSpec(f"{option} {pair} names no value.", remedy=f"Write it as {option} name=value.")
        if name.strip() in values:
            raise InvalidSpec(f"{option} {name.strip()} is given twice.", remedy="Give each name once.")
        values[name.strip()] = text.strip()
    return values


class Meter(Protocol):
    """Shows progress; see :func:`meter`."""

    def __call__(self, progress: JobProgress) -> None: ...


@contextmanager
def meter() -> Iterator[Meter]:
    """A bar on a terminal, plain lines in a pipe."""
    if not sys.stderr.isatty():
        yield _PlainMeter()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[detail]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("waiting for a worker", total=None, detail="")

        def show(progress: JobProgress) -> None:
            bar.update(
                task,
                description=progress.phase,
                completed=progress.done,
                total=progress.total or None,
                detail=describe(progress),
            )

        yield show


def describe(progress: JobProgress) -> str:
    """``60 of 150 trees · RMSE $49,920 · 5 s left``."""
    parts = []
    if progress.total:
        parts.append(f"{progress.done:,} of {progress.total:,} {progress.unit}")
    if progress.said:
        parts.append(progress.said)
    if progress.last_score is not None:
        parts.append(f"RMSE {dollars(progress.last_score)}")
    if progress.remaining is not None and progress.done < progress.total:
        parts.append(f"{duration(progress.remaining)} left")
    return " · ".join(parts)


def range_line(metrics: Mapping[str, float]) -> str:
    """``90 % range: $93,412 wide on average, holds 90.4 % of the held-out prices``; missing figures are dashes."""
    width, coverage = (figure_text(name, metrics.get(name)) for name in ("interval_width", "coverage"))
    return f"90 % range: {width} wide on average, holds {coverage} of the held-out prices"


def spatial_line(metrics: Mapping[str, float]) -> str:
    """``whole blocks of the map: RMSE $60,520, random parts $38,669``; missing figures are dashes."""
    blocks, random = (figure_text(name, metrics.get(name)) for name in ("spatial_rmse", "out_of_fold_rmse"))
    return f"whole blocks of the map: RMSE {blocks}, random parts {random} (training rows, cross-validated)"


class _PlainMeter:
    """A line a phase, and within the fit a line every tenth of the way."""

    def __init__(self) -> None:
        self._last: tuple[str, int] | None = None

    def __call__(self, progress: JobProgress) -> None:
        mark = (progress.phase, int(progress.share * 10))
        if mark != self._last:
            self._last = mark
            typer.echo(f"{progress.phase}: {describe(progress)}".rstrip(": "), err=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
