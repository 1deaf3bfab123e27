"""``worker``, ``jobs`` and ``doctor``: looking after the lab."""

from __future__ import annotations

import functools
import logging
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from core.cli.output import describe, print_json
from core.domain.configuration import load_settings
from core.domain.jobs import Job


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
    """List the newest jobs, or cancel one."""
    from core.jobs.engine import JobQueue

    queue = JobQueue(load_settings())
    if action is JobsAction.CANCEL:
        if job_id is None:
            raise typer.BadParameter("name the job to cancel; `python -m core jobs` lists them", param_hint="JOB_ID")
        listed = [queue.cancel(job_id)]
    else:
        listed = queue.list_jobs()
    if json:
        print_json({"jobs": [_report(job) for job in listed]})
        return
    for job in listed:
        detail = job.failure.what if job.failure else describe(job.progress) if job.progress else ""
        typer.echo(f"{job.job_id}  {job.state.value:<9}  {job.request.run_name}  {detail}".rstrip())
    if not listed:
        typer.echo("No job was ever queued.")


def doctor(json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False) -> None:
    """Look at data, records, queue and model files; say what is wrong and what to do."""
    from core.tracking.store import open_store
    from core.workflows.doctor import examine

    settings = load_settings()
    findings = []
    for finding in examine(settings, functools.cache(lambda: open_store(settings))):
        findings.append(finding)
        if not json:
            typer.echo(f"{'ok   ' if finding.ok else 'WRONG'} {finding.name}: {finding.detail}")
            if finding.remedy:
                typer.echo(f"      {finding.remedy}")
    healthy = all(finding.ok for finding in findings)
    if json:
        rows = [{"name": f.name, "ok": f.ok, "detail": f.detail, "remedy": f.remedy} for f in findings]
        print_json({"healthy": healthy, "findings": rows})
    if not healthy:
        raise typer.Exit(1)


def _report(job: Job) -> dict[str, object]:
    return {
        "job_id": job.job_id,
        "state": job.state.value,
        "run_name": job.request.run_name,
        "created": job.created.isoformat(),
        "queue_position": job.queue_position,
        "progress": job.progress.as_payload() if job.progress else None,
        "run_id": job.run_id,
        "version": (job.outcome.version or job.outcome.local_version) if job.outcome else None,
        "failure": None if job.failure is None else asdict(job.failure),
    }
