"""The old project's three stages: ingest the rows, engineer the features, train the model.

Each stage reads what the one before wrote, writes its own log, and can be run alone. The training stage
makes the same model as the Train button: the features are made inside the model's Pipeline, and the file of
the second stage is for looking at.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.data.ingest import DataIngestor
from core.domain.access import Actor, Deed
from core.domain.errors import LabError
from core.domain.house import TARGET
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import TrainingRequest
from core.domain.runs import TrainingOutcome
from core.domain.settings import Settings
from core.features.engineer import FeatureEngineer
from core.features.preprocessing import preprocessor
from core.models.packaged import write_model
from core.models.trainer import Report
from core.workflows.stage_log import PipelineLogger, Stage
from core.workflows.stage_tables import write_stage_plots, write_table
from core.workflows.training import train_now
from core.workflows.training_state import STAGE as TRAIN_STAGE
from core.workflows.training_state import Connect


@dataclass(frozen=True, slots=True)
class StageResult:
    """What a stage did: one sentence, the files it wrote (label → path), and the training's outcome if it trained."""

    stage: Stage
    summary: str
    files: Mapping[str, Path]
    outcome: TrainingOutcome | None = None


DownloadReport = Callable[[str, int, int], None]

INGEST_STAGE: Final = "ingest_data"
FEATURES_STAGE: Final = "engineer_features"


def ingest_data(settings: Settings, *, actor: Actor, report: DownloadReport | None = None) -> StageResult:
    """Find, download or make the rows, and validate them.

    Raises:
        Forbidden: the actor may not train, which this begins.
        DataError: there are none, or they break the schema.
    """
    actor.require(Deed.TRAIN)
    with _logged(INGEST_STAGE, settings) as log:
        dataset = DataIngestor(settings, report=report).ingest()
        log.info(f"{dataset.source}: {dataset.path}, SHA-256 {dataset.sha256}")
        log.metric("rows", len(dataset.rows))
    kind = "invented demo block groups" if dataset.is_demo else "block groups"
    return StageResult(
        Stage.INGEST,
        f"{len(dataset.rows):,} {kind} are ready.",
        {"rows": dataset.path, "log": settings.paths.stage_log(INGEST_STAGE)},
    )


def engineer_features(settings: Settings, *, actor: Actor) -> StageResult:
    """Write every row with its engineered columns, and the fitted encoder and scaler.

    Raises:
        Forbidden: the actor may not train, which this prepares.
        DataError: the rows cannot be used. RecordsError: a file cannot be written.
    """
    actor.require(Deed.TRAIN)
    with _logged(FEATURES_STAGE, settings) as log:
        rows = DataIngestor(settings).ingest().rows
        filled = preprocessor(scaled=False).named_steps["impute"].fit_transform(rows)
        table = FeatureEngineer().fit_transform(filled)
        write_table(table, settings.features_path)
        for scaled, file in ((False, settings.paths.encoder), (True, settings.paths.scaler)):
            write_model(preprocessor(scaled=scaled).fit(rows.drop(columns=TARGET), rows[TARGET]), file)
        log.metric("columns", table.shape[1])
    return StageResult(
        Stage.FEATURES,
        f"{table.shape[1] - 1} features of {len(table):,} block groups are written.",
        {
            "features": settings.features_path,
            "encoder": settings.paths.encoder,
            "scaler": settings.paths.scaler,
            "log": settings.paths.stage_log(FEATURES_STAGE),
        },
    )


def train_model(
    settings: Settings,
    spec: TrainingSpec,
    connect: Connect,
    *,
    actor: Actor,
    run_name: str = "",
    report: Report | None = None,
) -> StageResult:
    """Train, score, log and register.

    Raises:
        Forbidden: the actor may not.
        LabError: the training failed; the run says why.
    """
    actor.require(Deed.TRAIN)
    request = TrainingRequest.create(spec, actor=actor.name, run_name=run_name)
    look = functools.partial(write_stage_plots, settings.paths.stage_plots)
    outcome = train_now(settings, request, connect, report=report, look=look)
    where = f"version {outcome.version} of MLflow and " if outcome.version else ""
    return StageResult(
        Stage.TRAIN,
        f"{outcome.run_name} is registered as {where}{outcome.local_version}.",
        {
            "models": settings.paths.saved_models,
            "registry": settings.paths.registry,
            "report": settings.paths.evaluation_report,
            "plots": settings.paths.stage_plots,
            "log": settings.paths.stage_log(TRAIN_STAGE),
        },
        outcome,
    )


@contextmanager
def _logged(stage: str, settings: Settings) -> Iterator[PipelineLogger]:
    """A stage's log around its work: how it ended is written whatever happens."""
    log = PipelineLogger(stage, settings)
    log.stage_start()
    ending = "failed"
    try:
        yield log
        ending = "success"
    except LabError as error:
        log.info(str(error))
        raise
    finally:
        log.stage_end(ending)
