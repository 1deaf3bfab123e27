"""``value``: the price of one house."""

from __future__ import annotations

import functools
from typing import Annotated, Final

import typer

from core.cli.caller import caller
from core.cli.output import parse_settings, print_json
from core.domain.access import Deed
from core.domain.configuration import load_settings
from core.domain.house import FEATURES, House

_FEATURE_HELP: Final = "A feature as name=value; repeat it. The others take typical values. Features: " + ", ".join(
    FEATURES
)


def value(
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help=_FEATURE_HELP)] = None,
    version: Annotated[
        str | None, typer.Option(help="A version's number, champion, challenger, or a local v_….")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Price one house (a 1990 block group) in 1990 dollars."""
    from core.explanation.contributions import sentence
    from core.tracking.store import open_store
    from core.workflows.loaded_models import LoadedModels
    from core.workflows.valuation import Scope
    from core.workflows.valuation import value as value_house

    house = House.from_mapping(parse_settings(set_ or []))
    settings = load_settings()
    caller(settings).require(Deed.VALUE)
    connect = functools.cache(lambda: open_store(settings))
    model = LoadedModels(settings, connect).served(version)
    valuation = value_house(model, house, Scope.REASONS)
    if json:
        print_json(valuation.as_report())
        return
    typer.echo(f"{valuation.text} (1990 dollars, median of a block group)")
    if valuation.range is not None:
        typer.echo(f"80 % range {valuation.range.inner.text}, 90 % range {valuation.range.outer.text}")
    if valuation.reasons is not None:
        typer.echo(sentence(valuation.reasons, house))
    typer.echo(valuation.source.sentence)
    for warning in valuation.warnings:
        typer.echo(warning)
