"""The terminal's front door: every command, and the one place where errors become words and exit codes.

Exit codes: 0 done, 1 refused or failed with an error that has a remedy, 2 wrong usage.
"""

from __future__ import annotations

import io
import sys

import typer

from core.cli.assessing import assess
from core.cli.browsing import runs, ui
from core.cli.comparing import compare
from core.cli.datasets import data
from core.cli.importing import import_records
from core.cli.operations import doctor, jobs, worker
from core.cli.output import print_error
from core.cli.predicting import predict
from core.cli.promoting import history, promote, rollback
from core.cli.serving import serve
from core.cli.stages import pipeline, stage
from core.cli.sweeping import sweep, sweeps
from core.cli.tokens import token
from core.cli.training import train
from core.cli.valuing import value
from core.domain.collecting import collect_rarely
from core.domain.errors import LabError


def build_app() -> typer.Typer:
    """The Typer application with every command."""
    app = typer.Typer(
        name="python -m core",
        help="Housing Price Lab: train, value and look after house-price models.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for command in (
        train,
        assess,
        sweep,
        sweeps,
        data,
        runs,
        compare,
        promote,
        rollback,
        history,
        value,
        predict,
        stage,
        pipeline,
        worker,
        jobs,
        doctor,
        ui,
        serve,
        token,
    ):
        app.command()(command)
    app.command("import")(import_records)
    return app


def main() -> None:
    """Run one command and leave with its exit code."""
    collect_rarely()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A file's name may hold bytes that are no letters: they are told as such, and end no command.
            stream.reconfigure(errors="backslashreplace")
    try:
        build_app()()
    except LabError as error:
        print_error(error, as_json="--json" in sys.argv)
        raise SystemExit(1) from None
