"""``data``: data of one's own beside the configured file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from core.cli.caller import caller
from core.cli.output import print_json
from core.domain.access import Deed
from core.domain.configuration import load_settings
from core.domain.errors import DataUnavailable


class DataAction(StrEnum):
    """What ``data`` can do."""

    LIST = "list"
    ADD = "add"
    REMOVE = "remove"


def data(
    action: Annotated[DataAction, typer.Argument(help="list, add a file, or remove a dataset.")] = DataAction.LIST,
    what: Annotated[
        str | None, typer.Argument(help="add: the CSV or Parquet file. remove: the dataset's name.")
    ] = None,
    name: Annotated[str, typer.Option(help="How the dataset is called; by default as the file.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List the datasets beside the configured file, add one, or remove one that no run was trained on."""
    from core.workflows.lab import Lab

    settings = load_settings()
    actor = caller(settings)
    actor.require(Deed.SEE)
    desk = Lab(settings).data
    if action is DataAction.LIST:
        versions = desk.versions()
        if json:
            print_json({"configured": str(settings.data_path), "datasets": [one.as_report() for one in versions]})
            return
        typer.echo(f"configured  {settings.data_path}")
        for one in versions:
            typer.echo(f"{one.sha256[:12]}  {one.rows:>9,} rows  {one.added:%Y-%m-%d}  {one.actor}  {one.name}")
        return
    if what is None:
        raise typer.BadParameter("name the file to add, or the dataset to remove", param_hint="WHAT")
    if action is DataAction.ADD:
        file = Path(what)
        try:
            with file.open("rb") as content:
                added = desk.add(content, file.name, name or file.stem, actor=actor)
        except OSError as error:
            raise DataUnavailable(
                f"The file cannot be read: {error.strerror or error}.", where=what, remedy="Correct its name."
            ) from error
        if json:
            print_json({"added": added.as_report()})
        else:
            typer.echo(f"{added.name}: {added.rows:,} rows, SHA-256 {added.sha256}")
        return
    found = desk.find(what)
    desk.remove(found.sha256, actor=actor)
    print_json({"removed": found.as_report()}) if json else typer.echo(f"{found.name} is removed.")
