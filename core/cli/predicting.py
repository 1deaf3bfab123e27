"""``predict``: the price of every house in a file."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from core.cli.caller import caller
from core.cli.output import meter, parse_settings, print_json
from core.domain.access import Deed
from core.domain.configuration import load_settings
from core.domain.house import RAW_COLUMNS
from core.domain.jobs import Progress
from core.domain.money import dollars, duration, percent
from core.domain.scoring import Counted, ScoringReport

if TYPE_CHECKING:
    from core.workflows.scoring import ScoringFiles

_MAP_HELP: Final = (
    "Which column holds a feature; repeat it. The others are found by their names. `total_bedrooms=` says that the "
    f"file has none. Features: {', '.join(RAW_COLUMNS)}"
)
_SHOWN: Final = 5


def predict(
    input_: Annotated[Path, typer.Option("--input", help="A CSV or Parquet file with a row for each house.")],
    output: Annotated[Path, typer.Option(help="Where its priced rows go: CSV or Parquet, by the name's ending.")],
    version: Annotated[
        str | None, typer.Option(help="A version's number, champion, challenger, or a local v_….")
    ] = None,
    map_: Annotated[list[str] | None, typer.Option("--map", metavar="FEATURE=COLUMN", help=_MAP_HELP)] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Price every house of a file in 1990 dollars; rows that cannot be priced go to OUTPUT's .rejected.csv."""
    from core.tracking.store import open_store
    from core.workflows.loaded_models import LoadedModels
    from core.workflows.scoring import ScoringFiles, score_file

    chosen = {name: str(column) for name, column in parse_settings(map_ or [], "--map").items()}
    files = ScoringFiles.beside(input_, output)
    settings = load_settings()
    caller(settings).require(Deed.SCORE)
    connect = functools.cache(lambda: open_store(settings))
    with meter() as show:
        show(Progress("loading the model"))
        model = LoadedModels(settings, connect).served(version)
        report = score_file(settings, model, files, chosen, report=show)
    if json:
        print_json(_document(report, files))
    else:
        _print(report, files)
    if not report.priced:
        raise typer.Exit(1)


def _document(report: ScoringReport, files: ScoringFiles) -> dict[str, object]:
    return {
        "version": report.version,
        "rows": report.rows,
        "priced": report.priced,
        "rejected": report.rejected,
        "output": str(files.priced[0]),
        "rejected_output": str(files.rejected),
        "reasons": {one.what: one.rows for one in report.reasons},
        "mean_price": report.mean_price,
        "median_price": report.median_price,
        "warned": report.warned,
        "warnings": {one.what: one.rows for one in report.warnings},
        "drift": [
            {"feature": one.feature, "psi": one.measure, "verdict": one.verdict, "sentence": one.sentence}
            for one in report.drift
        ],
        "seconds": report.seconds,
        "notes": list(report.notes),
    }


def _print(report: ScoringReport, files: ScoringFiles) -> None:
    typer.echo(f"{report.priced:,} of {report.rows:,} rows priced in {duration(report.seconds)}. {report.source}")
    typer.echo(f"  mean {dollars(report.mean_price)}, median {dollars(report.median_price)} (1990 dollars)")
    share = report.warned_share
    if report.warned and share is not None:
        typer.echo(f"  {percent(100 * share)} with a warning: {_listed(report.warnings)}")
    typer.echo(f"  written to {files.priced[0]}")
    if report.rejected:
        rows = "1 row" if report.rejected == 1 else f"{report.rejected:,} rows"
        typer.echo(f"  {rows} rejected: {_listed(report.reasons)}")
        typer.echo(f"  see {files.rejected}")
    for shift in report.drift:
        if shift.is_notable:
            typer.echo(f"  {shift.sentence}")
    for note in report.notes:
        typer.echo(f"  note: {note}")
    if not report.priced:
        typer.echo("No row could be priced: correct the rows, or say with --map which columns to read.", err=True)


def _listed(counts: tuple[Counted, ...]) -> str:
    more = f", and {len(counts) - _SHOWN:,} more" if len(counts) > _SHOWN else ""
    return ", ".join(f"{one.what} ({one.rows:,})" for one in counts[:_SHOWN]) + more
