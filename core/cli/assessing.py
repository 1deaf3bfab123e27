"""``assess``: measure how wide a version's ranges must be."""

from __future__ import annotations

import functools
from typing import Annotated

import typer

from core.cli.output import meter, print_json, range_line
from core.domain.configuration import load_settings
from core.domain.money import duration


def assess(
    version: Annotated[str, typer.Argument(help="A version's number, an alias, or a v_… of the local registry.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Measure the price range of a version that has none, or measure it again: so many more fits, in this process."""
    from core.tracking.store import open_store
    from core.workflows.assessing import assess as measure

    settings = load_settings()
    with meter() as show:
        done = measure(settings, functools.cache(lambda: open_store(settings)), version, report=show)
    if json:
        print_json(done.as_report())
        return
    typer.echo(f"{done.run_name}, version {done.version}, in {done.folds} parts ({duration(done.seconds)}):")
    typer.echo(f"  {range_line(done.metrics)}")
    for note in done.notes:
        typer.echo(f"  note: {note}")
