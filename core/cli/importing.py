"""``import``: the old project's runs and versions, brought into the lab's records."""

from __future__ import annotations

import functools
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Final

import typer

from core.cli.caller import caller
from core.cli.output import meter, print_json
from core.domain.configuration import load_settings
from core.domain.imports import ImportReport, ImportRequest

_PROBLEMS_SHOWN: Final = 30


def import_records(
    mlruns: Annotated[Path | None, typer.Option(help="A folder of MLflow's old file store, e.g. logs/mlruns.")] = None,
    registry: Annotated[
        Path | None, typer.Option(help="The old registry.json; models are looked for in its project alone.")
    ] = None,
    experiment: Annotated[
        str, typer.Option(help="All runs into this experiment; by default each keeps its own experiment's name.")
    ] = "",
    trust: Annotated[
        bool,
        typer.Option("--trust", help="Bring model files in as well: loading a pickle later runs the code in it."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Bring in an old mlruns folder and an old registry.json. Safe to repeat: nothing comes in twice."""
    from core.tracking.store import open_store
    from core.workflows.importing import import_records as bring_in

    if mlruns is None and registry is None:
        raise typer.BadParameter("name a folder, a registry.json or both", param_hint="--mlruns / --registry")
    settings = load_settings()
    request = ImportRequest(mlruns, registry, experiment, trust)
    with meter() as show, _asked_to_stop() as should_stop:
        came = bring_in(
            settings,
            request,
            functools.cache(lambda: open_store(settings)),
            actor=caller(settings),
            report=show,
            should_stop=should_stop,
        )
    if json:
        print_json(came.as_report())
    else:
        _print(came)
    if came.stopped:
        raise typer.Exit(1)


@contextmanager
def _asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl+C was pressed: the run under way is finished first. Pressed again, it ends at once."""
    asked: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        signal.signal(signal.SIGINT, before)
        typer.echo("Stopping after this run…", err=True)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)


def _print(came: ImportReport) -> None:
    typer.echo(f"{came.runs:,} runs came in, {came.completed:,} were completed, {came.known_runs:,} were in already.")
    typer.echo(f"  {came.params:,} params, {came.metrics:,} metric values, {came.tags:,} tags, {came.files:,} files")
    if came.experiments:
        typer.echo(f"  experiments: {', '.join(came.experiments)}")
    typer.echo(f"{came.versions:,} versions came in, {came.known_versions:,} were in already.")
    if came.left_out:
        typer.echo(f"{len(came.left_out):,} model files were left out; --trust brings them in:")
    for model in came.left_out:
        typer.echo(f"  {model.sha256}  {model.path}  ({model.belongs_to})")
    if came.problems:
        typer.echo(f"{len(came.problems):,} things could not be read, or not as they were:")
    for problem in came.problems[:_PROBLEMS_SHOWN]:
        typer.echo(f"  {problem.where}: {problem.reason}")
    if len(came.problems) > _PROBLEMS_SHOWN:
        typer.echo(f"  … and {len(came.problems) - _PROBLEMS_SHOWN:,} more: --json lists all of them")
    if came.stopped:
        typer.echo("It was stopped before the end. The same command brings in the rest.")
