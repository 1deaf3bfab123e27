"""``stage`` and ``pipeline``: the old project's three stages, one by one or all."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.caller import caller
from core.cli.output import meter, range_line, spatial_line
from core.domain.addresses import shown
from core.domain.configuration import load_settings
from core.domain.jobs import Progress
from core.domain.money import dollars
from core.domain.settings import Settings
from core.workflows.stage_log import Stage

if TYPE_CHECKING:
    from core.workflows.pipeline import StageResult


def stage(name: Annotated[Stage, typer.Argument(help="Which stage to run.", show_choices=True)]) -> None:
    """Run one stage: ingest, features or train. This is what dvc.yaml calls."""
    from core.workflows.dvc_stage import check_dvc_stage, check_ingested

    settings = load_settings()
    check_dvc_stage(settings, os.environ)
    _show(settings, _run(settings, name))
    check_ingested(settings, os.environ)


def pipeline() -> None:
    """Run all three stages: ingest the rows, engineer the features, train the model."""
    settings = load_settings()
    for name in Stage:
        typer.echo(f"[{name}]", err=True)
        _show(settings, _run(settings, name))


def _run(settings: Settings, name: Stage) -> StageResult:
    from core.workflows.pipeline import engineer_features, ingest_data, train_model

    actor = caller(settings)
    match name:
        case Stage.INGEST:
            with meter() as show:
                return ingest_data(
                    settings, actor=actor, report=lambda what, done, total: show(Progress(what, done, total, "bytes"))
                )
        case Stage.FEATURES:
            return engineer_features(settings, actor=actor)
        case Stage.TRAIN:
            from core.tracking.store import open_store

            connect = functools.cache(lambda: open_store(settings))
            with meter() as show:
                return train_model(settings, settings.default_spec(), connect, actor=actor, report=show)


def _show(settings: Settings, result: StageResult) -> None:
    """What a stage did and where it left it."""
    typer.echo(result.summary)
    outcome = result.outcome
    if outcome is not None and outcome.scores is not None:
        scores = outcome.scores
        typer.echo(f"  RMSE {dollars(scores.rmse)} on {outcome.metrics['held_out_rows']:,.0f} held-out rows")
    if outcome is not None and "coverage" in outcome.metrics:
        typer.echo(f"  {range_line(outcome.metrics)}")
    if outcome is not None and "spatial_rmse" in outcome.metrics:
        typer.echo(f"  {spatial_line(outcome.metrics)}")
    if outcome is not None and outcome.run_id is not None:
        typer.echo(f"  run: {outcome.run_id} in {shown(settings.tracking_uri)}")
    for label, path in result.files.items():
        typer.echo(f"  {label}: {path}")
    for note in outcome.notes if outcome is not None else ():
        typer.echo(f"  note: {note}")
