"""``runs`` and ``ui``: what MLflow's store holds, in the terminal and in MLflow's own UI."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Annotated, Final

import typer

from core.cli.caller import caller
from core.cli.output import print_json
from core.domain.access import Deed
from core.domain.admission import refuse_open_door
from core.domain.configuration import load_settings
from core.domain.errors import InvalidFilter
from core.domain.metrics import SCORE_NAMES, figure_text, metric_of
from core.domain.money import MISSING, duration
from core.domain.run_query import NEWEST_FIRST, Lifecycle, Order, RunKind, RunQuery
from core.domain.runs import Run

_PORT: Final = 5002
_LONGEST_NAME: Final = 40


def runs(
    filter_text: Annotated[str, typer.Option("--filter", help="MLflow's filter, e.g. 'metrics.rmse < 50000'.")] = "",
    order_by: Annotated[str, typer.Option(help="A column and its direction, e.g. 'metrics.rmse DESC'.")] = str(
        NEWEST_FIRST
    ),
    limit: Annotated[int, typer.Option(min=1, help="At most so many runs.")] = 100,
    deleted: Annotated[bool, typer.Option("--deleted", help="Deleted runs instead.")] = False,
    all_kinds: Annotated[bool, typer.Option("--all-kinds", help="Sweeps and their trials as well.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List runs as MLflow's store holds them now."""
    from core.tracking.run_search import matching_runs, store_order
    from core.tracking.store import open_store

    query = RunQuery(
        filter_text=filter_text,
        order=Order.parse(order_by),
        kind=RunKind.ALL if all_kinds else RunKind.TRAININGS,
        lifecycle=Lifecycle.DELETED if deleted else Lifecycle.ACTIVE,
    )
    settings = load_settings()
    caller(settings).require(Deed.SEE)
    store = open_store(settings)
    if store_order(query.order) != query.order:
        raise InvalidFilter(
            f"MLflow cannot sort runs by {query.order.column}.", remedy="Sort by a metric, a param or a time."
        )
    found = list(islice(matching_runs(store, query, size=limit), limit))
    if json:
        print_json({"runs": [_report(run) for run in found]})
        return
    for line in _lines(found):
        typer.echo(line)
    if not found:
        typer.echo("No run is like that." if query.is_filtered else "No model has been trained yet.")


def ui(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Where it listens.")] = _PORT,
    host: Annotated[str, typer.Option(help="0.0.0.0 lets other computers in.")] = "127.0.0.1",
) -> None:
    """Run MLflow's own UI on the lab's store until stopped (Ctrl+C)."""
    from core.tracking.mlflow_ui import serve_ui
    from core.tracking.store import open_store

    settings = load_settings()
    refuse_open_door(settings.access, host, door="MLflow's UI", key=None, where="--host")
    artifacts = settings.tracking.artifact_location or settings.paths.mlflow_artifacts.as_uri()
    code = serve_ui(open_store(settings), artifacts=artifacts, host=host, port=port)
    if code:
        raise typer.Exit(1)


def _report(run: Run) -> dict[str, object]:
    return {
        "run_id": run.run_id,
        "name": run.name,
        "status": run.status.value,
        "family": run.family or None,
        "started": run.started.isoformat(),
        "ended": run.ended.isoformat() if run.ended else None,
        "seconds": run.seconds,
        "params": dict(run.params),
        "metrics": dict(run.metrics),
        "tags": dict(run.tags),
        "deleted": run.deleted,
    }


def _lines(found: Sequence[Run]) -> list[str]:
    """A header and a line a run, in columns; a missing score is a dash."""
    if not found:
        return []
    titles = ["Run", "Status", "Family", *[metric_of(name).label for name in SCORE_NAMES], "Took", "Started", "Id"]
    rows = [titles, *[_cells(run) for run in found]]
    widths = [max(len(row[place]) for row in rows) for place in range(len(titles))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _cells(run: Run) -> list[str]:
    # A name may hold what a terminal takes for a command.
    name = "".join(sign if sign.isprintable() else "?" for sign in run.name[:_LONGEST_NAME])
    return [
        name,
        "deleted" if run.deleted else run.status.lower(),
        run.family or MISSING,
        *[figure_text(score, run.metrics.get(score)) for score in SCORE_NAMES],
        duration(run.seconds),
        f"{run.started:%Y-%m-%d %H:%M}",
        run.run_id,
    ]
