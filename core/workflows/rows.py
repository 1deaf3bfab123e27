"""The rows of a training or a trial: read, validated, split, and named so that runs can be compared."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass

from core.data.download import ProgressReport as DownloadReport
from core.data.ingest import DataIngestor, Dataset
from core.data.split import Split, split_rows
from core.domain.datasets import CONFIGURED
from core.domain.errors import DataError, DataUnavailable, InvalidData, RecordsError
from core.domain.jobs import Progress
from core.domain.settings import PROJECT_ROOT, Settings
from core.models.trainer import Report
from core.tracking.lineage import Lineage, changed_files, code_version
from core.tracking.tracker import MLflowTracker
from core.workflows.chosen_data import dataset_name_of, settings_on
from core.workflows.dvc_stage import is_dvc_stage
from core.workflows.training_state import Connect, OpenedRun

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The data file's rows, how they are split, and what a run on them is tagged with."""

    dataset: Dataset
    split: Split
    lineage: Lineage

    @property
    def sentence(self) -> str:
        """Which rows these are, for a log."""
        rows = f"{len(self.dataset.rows):,} rows ({self.dataset.source})"
        return f"{rows}, SHA-256 {self.dataset.sha256}, split {self.split.name}"


def read_rows(settings: Settings, report: Report, sha256: str = CONFIGURED) -> Rows:
    """Read and split the rows of that digest, or those the settings name.

    Raises:
        DataError: the rows cannot be used, are not on this host, or are not what they were.
    """
    report(Progress("reading the data"))
    chosen = settings_on(settings, sha256)
    dataset = DataIngestor(chosen, report=_download_progress(report)).ingest()
    if sha256 not in (CONFIGURED, dataset.sha256):
        raise _not_here(settings, chosen, dataset, sha256)
    split = split_rows(dataset.rows, test_size=settings.data.test_size, random_state=settings.data.random_state)
    code = code_version(PROJECT_ROOT)
    by_dvc = is_dvc_stage(os.environ)
    lineage = Lineage(
        data_sha256=dataset.sha256,
        data_source=str(dataset.source),
        data_address=str(dataset.path),
        rows=len(dataset.rows),
        split=split.name,
        code_version=code,
        dvc_revision=code if by_dvc else "",
        dvc_changes=changed_files(PROJECT_ROOT) if by_dvc else "",
        data_name=dataset_name_of(settings, dataset.sha256),
    )
    return Rows(dataset, split, lineage)


def tag_run(connect: Connect, run: OpenedRun, lineage: Lineage) -> None:
    """Say on the run what it is made of as soon as that is known: a failed run is told apart too."""
    if run.run_id is None:
        return
    try:
        tracker = MLflowTracker(store=connect())
        tracker.continue_run(run.run_id)
        tracker.set_tags(lineage.as_tags())
    except RecordsError as error:
        _log.warning("the run's lineage could not be tagged yet: %s", error)


def _not_here(settings: Settings, chosen: Settings, dataset: Dataset, sha256: str) -> DataError:
    if chosen is settings:
        return DataUnavailable(
            f"The rows with SHA-256 {sha256[:12]}… are not on this host: no dataset here has them, and the configured "
            "file holds others.",
            where=str(settings.paths.datasets),
            remedy="Let all workers share HOUSING_LAB_HOME, or add the dataset again on the Data screen.",
        )
    return InvalidData(
        f"The file of this dataset is not what was added: its SHA-256 is {dataset.sha256[:12]}… by now.",
        where=str(dataset.path),
        remedy="Somebody changed the file. Restore it from a backup, or delete the dataset and add it again.",
    )


def _download_progress(publish: Report) -> DownloadReport:
    def told(what: str, done: int, total: int) -> None:
        publish(Progress(what, done, total, "bytes") if total else Progress(what))

    return told
