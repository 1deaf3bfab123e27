"""What a crash left in MLflow: runs that say RUNNING, half registrations, models nobody finished."""

from __future__ import annotations

from core.domain.errors import NotFound
from core.domain.provenance import JOB_TAG, SWEEP_TAG
from core.domain.runs import ModelVersion, Run, RunStatus
from core.tracking.leftovers import pending_models, serving_version, unfinished_among
from core.tracking.local_version import LocalVersion
from core.tracking.runs import get_run
from core.workflows.evidence import Evidence, Fate
from core.workflows.findings import CUT_OFF, RUN_DOCTOR, CloseRun, FailModel, Finding, TakeBack, listed
from core.workflows.training_state import LOCALLY


def look_at_open_runs(evidence: Evidence) -> Finding:
    """Runs that say RUNNING and that no living job stands for.

    A run without our tag is another program's, and a sweep's own run lives as long as the sweep: neither is touched.
    """
    ours = [run for run in evidence.open_runs if JOB_TAG in run.tags]
    strangers = [run for run in evidence.open_runs if JOB_TAG not in run.tags and SWEEP_TAG not in run.tags]
    fates = evidence.fates_of(ours)
    ended = [run for run in ours if fates[run.tags[JOB_TAG]].has_ended and _still_runs(evidence, run)]
    far = [run for run in ours if fates[run.tags[JOB_TAG]] is Fate.UNKNOWABLE]
    serving = [run for run in ended if serving_version(evidence.store, run.run_id)]
    mends = tuple(_closing(evidence, run, fates[run.tags[JOB_TAG]]) for run in ended if run not in serving)
    remedies = [RUN_DOCTOR] if mends else []
    details = []
    if ended:
        details.append(f"{len(ended):,} runs say RUNNING and their jobs have ended: {_names(ended)}.")
    if serving:
        remedies.append(f"An alias points to what {_names(serving)} registered: move it in MLflow to another version.")
    if strangers:
        details.append(f"{len(strangers):,} runs say RUNNING without a job: {_names(strangers)}.")
        remedies.append("Another program writes the runs without a job; end them in MLflow if it is gone.")
    if far:
        details.append(f"{len(far):,} are of jobs of another host or queue: {_names(far)}.")
        remedies.append("What became of a job of another host is known there alone: run the doctor there.")
    well = not ended and not strangers
    if well:
        details.insert(0, f"{len(evidence.open_runs):,} runs are open, each with its job.")
    return Finding("open runs", ok=well, detail=" ".join(details), remedy=" ".join(remedies), mends=mends)


def look_at_half_registrations(evidence: Evidence) -> Finding:
    """Versions of either registry whose run failed or was cancelled: its closing was cut off in the middle."""
    entries = [entry for entry in evidence.entries if entry.run_id and JOB_TAG in entry.tags]
    named = {version.run_id for version in evidence.versions if version.run_id} | {str(e.run_id) for e in entries}
    runs = [
        run
        for run in unfinished_among(evidence.store, named)
        if run.status in (RunStatus.FAILED, RunStatus.KILLED) and JOB_TAG in run.tags
    ]
    fates = evidence.fates_of(runs)
    mends, serving = [], []
    for run in runs:
        version, entry = evidence.version_of(run.run_id), evidence.entry_of(run.run_id)
        if not _is_half(fates[run.tags[JOB_TAG]], version, entry):
            continue
        if serving_version(evidence.store, run.run_id):
            serving.append(run)
            continue
        registered = [f"version {version.version} of MLflow"] if version else []
        registered += [f"{entry.version} of registry.json"] if entry else []
        mends.append(TakeBack(run.run_id, run.name, run.tags[JOB_TAG], run.status, " and ".join(registered)))
    if not mends and not serving:
        return Finding(
            "half registrations", ok=True, detail="Every registered version is of a training that ended well."
        )
    detail = [f"Registered by trainings that failed or were cancelled: {listed([m.registered for m in mends])}."]
    remedy = [RUN_DOCTOR] if mends else []
    if serving:
        detail = detail if mends else []
        detail.append(f"{_names(serving)} did not end well, and its version has an alias.")
        remedy.append("Move the alias to another version in MLflow, then run the doctor again.")
    return Finding("half registrations", ok=False, detail=" ".join(detail), remedy=" ".join(remedy), mends=tuple(mends))


def look_at_logged_models(evidence: Evidence) -> Finding:
    """Logged models that are PENDING and whose run does not go on."""
    pending = pending_models(evidence.store)
    # Asked after the models: a run that began meanwhile must be seen.
    running = [
        run
        for run in unfinished_among(evidence.store, {model.run_id for model in pending})
        if run.status not in (RunStatus.FAILED, RunStatus.KILLED)
    ]
    fates = evidence.fates_of(running)
    busy = {run.run_id for run in running if not fates.get(run.tags.get(JOB_TAG, ""), Fate.UNKNOWABLE).has_ended}
    left = [model for model in pending if model.run_id not in busy]
    if not left:
        return Finding("logged models", ok=True, detail="None is left unfinished.")
    return Finding(
        "logged models",
        ok=False,
        detail=f"{len(left):,} are PENDING and their runs have ended: {listed([model.model_id for model in left])}.",
        remedy=RUN_DOCTOR,
        mends=tuple(FailModel(model.model_id) for model in left),
    )


def _closing(evidence: Evidence, run: Run, fate: Fate) -> CloseRun:
    """How a run ends whose job has ended.

    The entry of registry.json comes last when a model is registered: where it is, nothing is taken back unless
    the queue says that the job failed or was cancelled.
    """
    job_id, is_trial = run.tags[JOB_TAG], SWEEP_TAG in run.tags
    version, entry = evidence.version_of(run.run_id), evidence.entry_of(run.run_id)
    is_kept = entry is not None and bool(entry.model_path) and evidence.registry.model_file(entry).is_file()

    def closing(status: RunStatus, reason: str, *, takes_back: bool) -> CloseRun:
        return CloseRun(run.run_id, run.name, job_id, status, reason, takes_back, is_trial)

    if fate is Fate.CANCELLED:
        return closing(RunStatus.KILLED, "its job was cancelled", takes_back=True)
    if fate is Fate.FAILED:
        return closing(RunStatus.FAILED, _why_failed(evidence, job_id), takes_back=True)
    if fate is Fate.GONE and not is_kept:
        return closing(RunStatus.FAILED, CUT_OFF, takes_back=True)
    if version is not None or is_trial:
        return closing(RunStatus.FINISHED, "its job had done all but this", takes_back=False)
    return closing(RunStatus.FAILED, LOCALLY, takes_back=False)


def _why_failed(evidence: Evidence, job_id: str) -> str:
    try:
        failure = evidence.queue.get(job_id).failure
    except NotFound:
        return CUT_OFF
    return failure.what if failure else CUT_OFF


def _is_half(fate: Fate, version: ModelVersion | None, entry: LocalVersion | None) -> bool:
    """Whether a failed run's registration is to be taken back.

    One that stands in registry.json alone is whole: MLflow was away when it was made, and its run says FAILED.
    """
    if fate in (Fate.FAILED, Fate.CANCELLED):
        return version is not None or entry is not None
    return fate is Fate.GONE and (version is not None or (entry is not None and entry.mlflow_version is not None))


def _still_runs(evidence: Evidence, run: Run) -> bool:
    """Its job may have ended, and closed it, since the runs were listed."""
    return get_run(evidence.store, run.run_id).status is RunStatus.RUNNING


def _names(runs: list[Run]) -> str:
    return listed([run.name for run in runs])
