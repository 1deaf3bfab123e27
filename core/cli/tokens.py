"""``token``: a bearer token for somebody, shown once."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli.output import print_json
from core.domain.access import Role
from core.domain.admission import new_token, token_lines


def token(
    name: Annotated[str, typer.Option(help="Whose it is: what runs and ledger lines are signed with.")],
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.VIEWER,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Make a bearer token for the terminal and for REST. It is printed once, and only its SHA-256 is kept."""
    secret, kept = new_token(name, role)
    if json:
        print_json({"token": secret, "config": kept.model_dump(mode="json")})
        return
    typer.echo(secret)
    typer.echo("This is the only time it is shown. Under access.tokens of config/config.yaml goes:", err=True)
    for line in token_lines(kept):
        typer.echo(line, err=True)
