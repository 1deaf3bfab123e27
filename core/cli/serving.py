"""``serve``: prices over HTTP, from the champion."""

from __future__ import annotations

from typing import Annotated

import typer

from core.domain.configuration import load_settings
from core.serving.service_control import DEFAULT_PORT


def serve(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Where it listens; 0 takes a free port.")] = DEFAULT_PORT,
    host: Annotated[str, typer.Option(help="0.0.0.0 lets other computers in.")] = "127.0.0.1",
) -> None:
    """Answer MLflow's scoring protocol and valuations over HTTP, following the champion, until stopped (Ctrl+C)."""
    from core.serving.server import run_server

    run_server(load_settings(), host=host, port=port, tell=typer.echo)
