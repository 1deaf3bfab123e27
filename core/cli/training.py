"""``train``: put a training on the queue, and wait for it unless told otherwise."""

from __future__ import annotations

import functools
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

import typer

from core.cli.caller import caller
from core.cli.output import meter, parse_settings, print_json, range_line, spatial_line
from core.domain.assessment import assessment_id
from core.domain.configuration import load_settings
from core.domain.datasets import CONFIGURED_NAME
from core.domain.errors import InvalidSpec, JobFailed, NotFound, TrainingCancelled
from core.domain.hyperparameters import KNOBS, FeatureSet, ModelFamily, TrainingSpec
from core.domain.jobs import Job, JobState
from core.domain.money import decimal, dollars, percent
from core.domain.presets import TRAINING_PRESETS, preset_named
from core.domain.runs import TrainingOutcome
from core.domain.settings import Settings

if TYPE_CHECKING:
    from core.jobs.engine import JobQueue

_POLL_SECONDS: Final = 0.25
_WORKER_CHECK_SECONDS: Final = 5.0

_PRESETS: Final = ", ".join(TRAINING_PRESETS)

_KNOB_HELP: Final = "A hyperparameter as name=value; repeat it. " + " · ".join(
    f"{family.value}: {', '.join(knobs)}" for family, knobs in KNOBS.items()
)


def train(
    family: Annotated[ModelFamily | None, typer.Option(help="The kind of model; by default model.family.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help=_KNOB_HELP)] = None,
    preset: Annotated[str | None, typer.Option(help=f"Settings with a name, which --set changes: {_PRESETS}.")] = None,
    features: Annotated[FeatureSet | None, typer.Option(help="Which columns are made of the nine features.")] = None,
    seed: Annotated[int | None, typer.Option(help="The estimator's seed (the split's is a setting).")] = None,
    data: Annotated[
        str, typer.Option(help="The dataset to train on, by its name (see `data`); by default the configured file.")
    ] = CONFIGURED_NAME,
    run_name: Annotated[str, typer.Option(help="By default made from the family and its size.")] = "",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the result, or answer with the job.")] = True,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Train a model: a run, a registered version, its scores on the held-out rows, and how wide its ranges are."""
    from core.jobs.engine import JobQueue
    from core.workflows.chosen_data import find_dataset
    from core.workflows.submitting import submit_training

    settings = load_settings()
    spec = _spec(settings, family, parse_settings(set_ or []), seed, preset, features)
    opened = functools.cache(lambda: JobQueue(settings))
    actor = caller(settings)
    sha256 = find_dataset(settings, data)
    job_id = submit_training(settings, opened, spec, actor=actor, run_name=run_name, data_sha256=sha256)
    if not wait:
        print_json({"job_id": job_id}) if json else typer.echo(job_id)
        return
    queue = opened()
    job = _follow(settings, queue, job_id)
    if job.state is JobState.CANCELLED:
        raise TrainingCancelled(where=job_id)
    if job.failure is not None:
        raise JobFailed(job.failure.what, where=job.failure.where or job_id, remedy=job.failure.remedy)
    if job.outcome is None:
        raise JobFailed("The training left no result.", where=job_id, remedy="Train again.")
    outcome = _with_range(settings, queue, job_id, job.outcome)
    if json:
        print_json({"job_id": job_id, **outcome.as_report()})
    else:
        _print(outcome)


def _spec(
    settings: Settings,
    family: ModelFamily | None,
    given: dict[str, object],
    seed: int | None,
    preset: str | None,
    features: FeatureSet | None,
) -> TrainingSpec:
    """A preset's settings or, without one, config.yaml's, with what was given in their place.

    Raises:
        InvalidSpec: there is no such preset, it is of another family, or a value does not fit its knob.
    """
    start = settings.default_spec(family) if preset is None else preset_named(preset).spec
    if preset is not None and family not in (None, start.family):
        raise InvalidSpec(
            f"The preset {preset} is a {start.family.value}, not a {family}.", remedy="Leave out --family, or --preset."
        )
    return TrainingSpec.create(
        start.family,
        {**start.values, **given},
        seed=start.seed if seed is None else seed,
        features=start.features if features is None else features,
    )


def _follow(settings: Settings, queue: JobQueue, job_id: str) -> Job:
    """Show the job's progress until it ends; a worker that dies meanwhile is started again."""
    from core.jobs.embedded import ensure_worker

    looked = time.monotonic()
    with meter() as show:
        while not (job := queue.get(job_id)).state.is_final:
            if job.progress is not None:
                show(job.progress)
            if time.monotonic() - looked > _WORKER_CHECK_SECONDS:
                looked = time.monotonic()
                ensure_worker(settings, queue)
            time.sleep(_POLL_SECONDS)
    return job


def _with_range(settings: Settings, queue: JobQueue, job_id: str, outcome: TrainingOutcome) -> TrainingOutcome:
    """The outcome with the range of what was registered, once that is measured; a note says why there is none."""
    try:
        job = _follow(settings, queue, assessment_id(job_id))
    except NotFound:
        return outcome  # the worker's settings ask for none
    if job.assessment is not None:
        return outcome.with_assessment(job.assessment)
    why = job.failure.what if job.failure else "Its measuring was cancelled."
    return replace(outcome, notes=(*outcome.notes, f"Its range was not measured. {why}"))


def _print(outcome: TrainingOutcome) -> None:
    scores = outcome.scores
    typer.echo(f"{outcome.run_name} on {outcome.metrics['held_out_rows']:,.0f} held-out rows (1990 dollars):")
    if scores is not None:
        typer.echo(f"  RMSE {dollars(scores.rmse)}   MAE {dollars(scores.mae)}")
        typer.echo(f"  R²   {decimal(scores.r2_score)}    MAPE {percent(scores.mape)}")
    if "coverage" in outcome.metrics:
        typer.echo(f"  {range_line(outcome.metrics)}")
    if "spatial_rmse" in outcome.metrics:
        typer.echo(f"  {spatial_line(outcome.metrics)}")
    missed = [name for name, reached in outcome.threshold_checks.items() if not reached]
    typer.echo(f"  thresholds: {'all reached' if not missed else 'missed ' + ', '.join(missed)}")
    place = f"version {outcome.version} (run {outcome.run_id}), " if outcome.version else ""
    typer.echo(f"  registered as {place}{outcome.local_version}")
    for note in outcome.notes:
        typer.echo(f"  note: {note}")
