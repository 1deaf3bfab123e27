"""Files a crash left behind: work folders of jobs that have ended, and half-written files of dead processes."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from core.domain.settings import Settings
from core.workflows.evidence import Evidence, Fate
from core.workflows.findings import RUN_DOCTOR, Finding, RemoveDraft, RemoveWorkFolder, listed
from core.workflows.inline_jobs import writer_lives

YOUNGEST_SECONDS: Final = 60.0
"""A half-written file that was written to more recently is left alone, whoever wrote it: perhaps another host."""

_DRAFT: Final = re.compile(r"\..+\.(?P<pid>\d+)\.[0-9a-f]{8}\.part")


def look_at_leftover_files(evidence: Evidence) -> Finding:
    """Work folders and drafts under home that nobody is going to finish."""
    settings = evidence.settings
    # Listed before the queue is asked: every folder listed belongs to a job that is on the queue by then.
    folders = _work_folders(settings)
    fates = evidence.fates(folders, unknown=Fate.GONE)
    ended = sorted(job_id for job_id, fate in fates.items() if fate.has_ended)
    removed = {folders[job_id] for job_id in ended}
    drafts = [draft for draft in _drafts(settings) if is_dead_draft(draft) and not removed & set(draft.parents)]
    if not ended and not drafts:
        return Finding("leftover files", ok=True, detail=f"None; {len(folders):,} jobs are at work.")
    told = []
    if ended:
        told.append(f"Work folders of jobs that have ended: {listed(ended)}.")
    if drafts:
        told.append(f"Half-written files of dead processes: {listed([str(draft) for draft in drafts])}.")
    mends = (*(RemoveWorkFolder(job_id) for job_id in ended), *(RemoveDraft(draft) for draft in drafts))
    return Finding("leftover files", ok=False, detail=" ".join(told), remedy=RUN_DOCTOR, mends=mends)


def is_dead_draft(file: Path) -> bool:
    """Whether a half-written file is old and its writer gone; False once it is no more."""
    named = _DRAFT.fullmatch(file.name)
    try:
        written = file.stat().st_mtime
    except FileNotFoundError:
        return False
    return bool(named and time.time() - written > YOUNGEST_SECONDS and not writer_lives(int(named["pid"]), written))


def _work_folders(settings: Settings) -> dict[str, Path]:
    root = settings.paths.job_files
    return {folder.name: folder for folder in root.iterdir() if folder.is_dir()} if root.is_dir() else {}


def _drafts(settings: Settings) -> Iterator[Path]:
    for top in ("models", "data", "logs"):
        for folder, inner, files in os.walk(settings.home / top):
            # MLflow's artifacts are many, and never drafts of ours.
            inner[:] = [name for name in inner if Path(folder, name) != settings.paths.mlruns]
            yield from (Path(folder, name) for name in sorted(files) if _DRAFT.fullmatch(name))
