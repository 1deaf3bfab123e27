"""``train``: put a training on the queue, and wait for it unless told otherwise."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from core.cli.output import meter, parse_settings, print_json
from core.domain.configuration import load_settings
from core.domain.errors import JobFailed, TrainingCancelled
from core.domain.hyperparameters import KNOBS, ModelFamily, TrainingSpec
from core.domain.jobs import Job, JobState, TrainingRequest
from core.domain.money import decimal, dollars, percent
from core.domain.provenance import current_user
from core.domain.runs import TrainingOutcome
from core.domain.settings import Settings

if TYPE_CHECKING:
    from core.jobs.engine import JobQueue

_POLL_SECONDS: Final = 0.25
_WORKER_CHECK_SECONDS: Final = 5.0

_KNOB_HELP: Final = "A hyperparameter as name=value; repeat it. " + " · ".join(
    f"{family.value}: {', '.join(knobs)}" for family, knobs in KNOBS.items()
)


def train(
    family: Annotated[ModelFamily | None, typer.Option(help="The kind of model; by default model.family.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help=_KNOB_HELP)] = None,
    seed: Annotated[int | None, typer.Option(help="The estimator's seed (the split's is a setting).")] = None,
    run_name: Annotated[str, typer.Option(help="By default made from the family and its size.")] = "",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the result, or answer with the job.")] = True,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Train a model: a run, a registered version and its scores on the held-out rows."""
    from core.jobs.embedded import ensure_worker
    from core.jobs.engine import JobQueue

    settings = load_settings()
    spec = _spec(settings, family, parse_settings(set_ or []), seed)
    queue = JobQueue(settings)
    job_id = queue.submit(TrainingRequest.create(spec, actor=current_user(), run_name=run_name))
    ensure_worker(settings, queue)
    if not wait:
        print_json({"job_id": job_id}) if json else typer.echo(job_id)
        return
    job = _follow(settings, queue, job_id)
    if job.state is JobState.CANCELLED:
        raise TrainingCancelled(where=job_id)
    if job.failure is not None:
        raise JobFailed(job.failure.what, where=job.failure.where or job_id, remedy=job.failure.remedy)
    if job.outcome is None:
        raise JobFailed("The training left no result.", where=job_id, remedy="Train again.")
    if json:
        print_json({"job_id": job_id, **job.outcome.as_report()})
    else:
        _print(job.outcome)


def _spec(settings: Settings, family: str | None, given: dict[str, object], seed: int | None) -> TrainingSpec:
    configured = settings.default_spec(family)
    return TrainingSpec.create(
        configured.family, {**configured.values, **given}, seed=configured.seed if seed is None else seed
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


def _print(outcome: TrainingOutcome) -> None:
    scores = outcome.scores
    typer.echo(f"{outcome.run_name} on {outcome.metrics['held_out_rows']:,.0f} held-out rows (1990 dollars):")
    if scores is not None:
        typer.echo(f"  RMSE {dollars(scores.rmse)}   MAE {dollars(scores.mae)}")
        typer.echo(f"  R²   {decimal(scores.r2_score)}    MAPE {percent(scores.mape)}")
    missed = [name for name, reached in outcome.threshold_checks.items() if not reached]
    typer.echo(f"  thresholds: {'all reached' if not missed else 'missed ' + ', '.join(missed)}")
    place = f"version {outcome.version} (run {outcome.run_id}), " if outcome.version else ""
    typer.echo(f"  registered as {place}{outcome.local_version}")
    for note in outcome.notes:
        typer.echo(f"  note: {note}")
