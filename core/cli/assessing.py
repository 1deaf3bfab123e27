"""``assess``: measure how wide a version's ranges must be."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli.caller import caller
from core.cli.output import meter, print_json, range_line, spatial_line
from core.domain.configuration import load_settings
from core.domain.money import duration


def assess(
    version: Annotated[str, typer.Argument(help="A version's number, an alias, or a v_… of the local registry.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Measure a version's price range and spatial score, or measure them again: so many more fits, in this process."""
    from core.workflows.lab import Lab

    settings = load_settings()
    with meter() as show:
        done = Lab(settings).ranges.measure_here(version, actor=caller(settings), report=show)
    if json:
        print_json(done.as_report())
        return
    parts = max(done.folds, done.spatial_folds)
    typer.echo(f"{done.run_name}, version {done.version}, in {parts} parts ({duration(done.seconds)}):")
    if done.folds:
        typer.echo(f"  {range_line(done.metrics)}")
    if "spatial_rmse" in done.metrics:
        typer.echo(f"  {spatial_line(done.metrics)}")
    for note in done.notes:
        typer.echo(f"  note: {note}")
