"""``stage`` and ``pipeline``: the old project's three stages, one by one or all."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.output import meter
from core.domain.configuration import load_settings
from core.domain.jobs import Progress, TrainingRequest
from core.domain.provenance import current_user
from core.domain.settings import Settings
from core.workflows.stage_log import Stage

if TYPE_CHECKING:
    from core.workflows.pipeline import StageResult


def stage(name: Annotated[Stage, typer.Argument(help="Which stage to run.", show_choices=True)]) -> None:
    """Run one stage: ingest, features or train."""
    _show(_run(load_settings(), name))


def pipeline() -> None:
    """Run all three stages: ingest the rows, engineer the features, train the model."""
    settings = load_settings()
    for name in Stage:
        typer.echo(f"[{name}]", err=True)
        _show(_run(settings, name))


def _run(settings: Settings, name: Stage) -> StageResult:
    from core.workflows.pipeline import engineer_features, ingest_data, train_model

    match name:
        case Stage.INGEST:
            with meter() as show:
                return ingest_data(
                    settings, report=lambda what, done, total: show(Progress(what, done, total, "bytes"))
                )
        case Stage.FEATURES:
            return engineer_features(settings)
        case Stage.TRAIN:
            from core.tracking.store import open_store

            request = TrainingRequest.create(settings.default_spec(), actor=current_user())
            with meter() as show:
                return train_model(settings, request, functools.cache(lambda: open_store(settings)), report=show)


def _show(result: StageResult) -> None:
    typer.echo(result.summary)
    for label, path in result.files.items():
        typer.echo(f"  {label}: {path}")
    for note in result.outcome.notes if result.outcome else ():
        typer.echo(f"  note: {note}")
