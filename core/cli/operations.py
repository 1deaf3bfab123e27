"""``worker``, ``jobs`` and ``doctor``: looking after the lab."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.caller import caller
from core.cli.output import describe, print_json
from core.domain.access import Actor, Deed
from core.domain.configuration import load_settings
from core.domain.jobs import Job

if TYPE_CHECKING:
    from core.domain.settings import Settings
    from core.workflows.findings import Finding
    from core.workflows.mending import Treated
    from core.workflows.training_state import Connect


class JobsAction(StrEnum):
    """What ``jobs`` can do."""

    LIST = "list"
    CANCEL = "cancel"


def worker(
    concurrency: Annotated[int | None, typer.Option(min=1, max=64, help="Trainings at a time.")] = None,
    parent_pid: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Take trainings off the queue until stopped (Ctrl+C)."""
    from core.jobs.worker import run_worker

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if not run_worker(load_settings(), concurrency=concurrency, parent_pid=parent_pid):
        typer.echo("An embedded worker is alive already.", err=True)


def jobs(
    action: Annotated[JobsAction, typer.Argument(help="list, or cancel one.")] = JobsAction.LIST,
    job_id: Annotated[str | None, typer.Argument(help="The job to cancel.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List the newest jobs, trainings and trials alike, or cancel one."""
    from core.jobs.engine import JobQueue
    from core.workflows.submitting import cancel_job

    settings = load_settings()
    actor = caller(settings)
    actor.require(Deed.SEE)
    queue = functools.cache(lambda: JobQueue(settings))
    if action is JobsAction.CANCEL:
        if job_id is None:
            raise typer.BadParameter("name the job to cancel; `python -m core jobs` lists them", param_hint="JOB_ID")
        listed = [cancel_job(settings, queue, job_id, actor=actor)]
    else:
        listed = list(queue().list_jobs(trials=True))
    if json:
        print_json({"jobs": [_report(job) for job in listed]})
        return
    for job in listed:
        detail = job.failure.what if job.failure else describe(job.progress) if job.progress else ""
        typer.echo(f"{job.job_id}  {job.state.value:<9}  {job.request.title}  {detail}".rstrip())
    if not listed:
        typer.echo("No job was ever queued.")


def doctor(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what would be mended.")] = False,
    restore: Annotated[
        bool,
        typer.Option(
            "--restore", help="First bring back versions that MLflow or registry.json lost, each from the other."
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Look at data, records, queue and files, and mend what a crash left; say what was done and what is left to you."""
    from core.tracking.store import open_store
    from core.workflows.doctor import examine
    from core.workflows.mending import treat

    settings = load_settings()
    actor = caller(settings)
    actor.require(Deed.SEE)
    connect = functools.cache(lambda: open_store(settings))
    tell: Callable[[str], object] = _say_nothing if json else typer.echo

    restored = list(_restored(settings, connect, actor, tell)) if restore and not dry_run else []
    findings = [_told(finding, tell) for finding in examine(settings, connect)]
    due = [mend for finding in findings for mend in finding.mends]
    would_mend = [mend.plan for mend in due] if dry_run else []
    treated = []
    if due and not dry_run:
        for one in treat(settings, connect, findings, actor=actor):
            treated.append(one)
            tell(f"{'DONE ' if one.done else 'LEFT '} {one.sentence}")
        tell("Looked again:")
        findings = [_told(finding, tell) for finding in examine(settings, connect)]
    for plan in would_mend:
        tell(f"      {plan}")
    healthy = all(finding.ok for finding in findings)
    if json:
        print_json(
            {
                "healthy": healthy,
                "findings": [{"name": f.name, "ok": f.ok, "detail": f.detail, "remedy": f.remedy} for f in findings],
                "mended": [one.sentence for one in treated if one.done],
                "not_mended": [one.sentence for one in treated if not one.done],
                "would_mend": would_mend,
                **({"restored": [one.sentence for one in restored if one.done]} if restore else {}),
                **({"not_restored": [one.sentence for one in restored if not one.done]} if restore else {}),
            }
        )
    if not healthy:
        raise typer.Exit(1)


def _restored(settings: Settings, connect: Connect, actor: Actor, tell: Callable[[str], object]) -> Iterator[Treated]:
    from core.workflows.restoring import restore

    for one in restore(settings, connect, actor=actor):
        tell(f"{'DONE ' if one.done else 'LEFT '} {one.sentence}")
        yield one


def _told(finding: Finding, tell: Callable[[str], object]) -> Finding:
    tell(f"{'ok   ' if finding.ok else 'WRONG'} {finding.name}: {finding.detail}")
    if finding.remedy:
        tell(f"      {finding.remedy}")
    return finding


def _say_nothing(line: str) -> None:
    """With ``--json`` one document is all that is printed."""


def _report(job: Job) -> dict[str, object]:
    return {
        "job_id": job.job_id,
        "state": job.state.value,
        "run_name": job.request.title,
        "created": job.created.isoformat(),
        "queue_position": job.queue_position,
        "progress": job.progress.as_payload() if job.progress else None,
        "run_id": job.run_id,
        "version": (job.outcome.version or job.outcome.local_version) if job.outcome else None,
        "failure": None if job.failure is None else asdict(job.failure),
    }
