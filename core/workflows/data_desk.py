"""The data files as a screen sees them: which there are, and everything that is to be known of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import BinaryIO, Final

from core.data.dataset_store import DatasetStore, digest
from core.data.file_content import read_content
from core.data.ingest import read_known
from core.data.own_table import own_table
from core.domain.access import Actor, Deed
from core.domain.datasets import CONFIGURED, DatasetVersion, dataset_name
from core.domain.errors import DataError, DataUnavailable, InvalidData
from core.domain.jobs import Job, TrainingRequest, TrialRequest
from core.domain.provenance import DATA_SHA256_TAG
from core.domain.scoring import LONGEST_FILE_NAME, FeatureShift
from core.domain.settings import Settings
from core.evaluation.drift import DriftBaseline
from core.jobs.engine import JobQueue
from core.tracking.local_registry import open_registry
from core.tracking.registry import alias_holders, list_versions
from core.tracking.runs import list_runs
from core.workflows.chosen_data import dataset_name_of, require_dataset, settings_on
from core.workflows.data_view import DataView, Fact
from core.workflows.known_block_groups import file_state
from core.workflows.recent import Recent
from core.workflows.request_counts import RowsKnown, read_counts
from core.workflows.scoring_drift import shifts_of
from core.workflows.training_state import Connect

KEPT_VIEWS: Final = 3
_MOST_COUNTED: Final = 1_000
_IS_DEFAULT: Final = Fact("Dataset", "The configured file (data.path): what is trained on when nothing else is chosen.")


@dataclass(frozen=True, slots=True)
class RequestDrift:
    """What was priced over REST on some days, beside the training rows.

    Attributes:
        rows: houses that were priced and counted; ``by_day`` the same, the oldest day first.
        shifts: each feature; empty without any houses.
        others: houses priced by versions of other rows, which are not set beside these.
        unreadable: files of counts that are none.
    """

    days: int
    rows: int
    by_day: tuple[tuple[date, int], ...]
    shifts: tuple[FeatureShift, ...]
    others: int
    unreadable: tuple[str, ...]


class DataDesk:
    """Everything the screens ask about the rows themselves.

    Args:
        settings: whose data file and datasets. queue: the job queue, opened on first use.
        connect: opens MLflow's store.

    Raises:
        LabError: by every method, when the rows cannot be read.
    """

    def __init__(self, settings: Settings, queue: Callable[[], JobQueue], connect: Connect) -> None:
        self._settings = settings
        self._queue = queue
        self._connect = connect
        self._store = DatasetStore(settings.paths)
        self._views: Recent[str, DataView] = Recent(KEPT_VIEWS)
        self._baselines: Recent[str, DriftBaseline] = Recent(KEPT_VIEWS)

    def versions(self) -> tuple[DatasetVersion, ...]:
        """The datasets beside the configured file, the newest first."""
        return self._store.all()

    def find(self, name: str) -> DatasetVersion:
        """The dataset of that name, or beginning of a digest. Raises NotFound."""
        return self._store.find(name)

    def name_of(self, sha256: str) -> str:
        """What the dataset of that digest is called; empty for rows no dataset has."""
        return dataset_name_of(self._settings, sha256)

    def add(self, file: BinaryIO, file_name: str, name: str, *, actor: Actor) -> DatasetVersion:
        """Check a table somebody brings and keep its rows under a name.

        Args:
            file_name: what it was called where it came from.

        Raises:
            Forbidden: the actor may not.
            InvalidData: it is no table, rows break the rules, its rows are here already, or the name is taken.
            DataUnavailable: it cannot be written.
        """
        actor.require(Deed.CHANGE_DATA)
        plain = dataset_name(name)
        content, rows = own_table(file, file_name[:LONGEST_FILE_NAME], self._settings.data)
        sha256 = digest(content)
        if sha256 == self._configured_digest():
            raise InvalidData(
                "These very rows are those of the configured file.",
                where=str(self._settings.data_path),
                remedy="Train on the configured file; nothing was added.",
            )
        version = DatasetVersion(
            sha256=sha256,
            name=plain,
            rows=rows,
            size=len(content),
            added=datetime.now(UTC),
            actor=actor.name,
            file_name=file_name[:LONGEST_FILE_NAME],
        )
        self._store.add(version, content)
        return version

    def used_by(self, sha256: str) -> str:
        """Who needs these rows, as a clause; empty when nobody does.

        Raises:
            StoreUnavailable: MLflow does not answer, so nobody knows.
        """
        active = self._queue().list_jobs(limit=_MOST_COUNTED, active_only=True, trials=True)
        waiting = [job for job in active if _trains_on(job, sha256)]
        if waiting:
            return f"{waiting[0].request.title} waits or runs on it"
        for head in self._queue().sweeps.heads(under_way=True):
            if self._queue().sweeps.get(head.sweep_id).plan.data_sha256 == sha256:
                return f"the sweep {head.name} runs on it"
        if not self._settings.training.enable_mlflow:
            local = open_registry(self._settings, self._connect).list_models()
            found = next((one.version for one in local if one.tags.get(DATA_SHA256_TAG) == sha256), None)
            return f"{found} of the local registry was trained on it" if found else ""
        store = self._connect()
        runs = list_runs(store, limit=_MOST_COUNTED, filter_text=f"tags.`{DATA_SHA256_TAG}` = '{sha256}'")
        if runs:
            return f"{len(runs)} runs were trained on it" if len(runs) > 1 else f"{runs[0].name} was trained on it"
        # A run may be deleted while its version still serves.
        versions = {one.version for one in list_versions(store) if one.tags.get(DATA_SHA256_TAG) == sha256}
        held = alias_holders(store).items() if versions else ()
        served = [
            f"version {version}, the {alias}, was trained on it" for alias, version in held if version in versions
        ]
        return f"{served[0]}, was trained on it" if served else ""

    def remove(self, sha256: str, *, actor: Actor) -> None:
        """Forget a dataset for ever.

        Raises:
            Forbidden: the actor may not. NotFound: it is not here.
            InvalidData: somebody needs it: without its rows a run has no map, no range and no fair comparison.
        """
        actor.require(Deed.CHANGE_DATA)
        require_dataset(self._settings, sha256)
        need = self.used_by(sha256)
        if need:
            raise InvalidData(
                f"The dataset {self.name_of(sha256)!r} is not deleted: {need}.",
                remedy="Delete the runs first, on the Runs screen. Without its rows they have no map and no range.",
            )
        self._store.remove(sha256)

    def view(self, sha256: str = CONFIGURED) -> DataView:
        """The rows of a dataset, or those the settings name, read once for each state of the file. Nothing is fetched.

        Raises:
            NotFound: there is no such dataset.
            DataUnavailable: there are no rows yet. InvalidData: they break the schema, or are not what was added.
        """
        require_dataset(self._settings, sha256)
        chosen = settings_on(self._settings, sha256)
        key = f"{chosen.data_path} {file_state(chosen.data_path)}"
        return self._views.get(key, lambda: self._read(chosen, sha256))

    def requests(self, view: DataView, days: int) -> RequestDrift:
        """What was priced over REST in the last ``days`` days beside the rows models are fitted on."""
        baseline = self._baselines.get(view.dataset.sha256, lambda: DriftBaseline.of(view.training_rows()))
        known = RowsKnown(view.dataset.sha256, view.split_name)
        counts = read_counts(self._settings.paths, known, baseline, days)
        shifts = shifts_of(counts.sketch, baseline) if counts.sketch is not None else ()
        return RequestDrift(days, counts.rows, counts.by_day, shifts, counts.others, counts.unreadable)

    def _configured_digest(self) -> str:
        """Of the configured file; empty where there is none that can be read."""
        try:
            return digest(read_content(self._settings.data_path, self._settings.data.max_megabytes))
        except DataError:
            return ""

    def _read(self, chosen: Settings, sha256: str) -> DataView:
        found = read_known(chosen)
        if found is None:
            raise DataUnavailable(
                "The data file is not here yet.",
                where=str(self._settings.data_path),
                remedy="Put the file there, or train once: a training fetches it.",
            )
        if sha256 not in (CONFIGURED, found.sha256):
            raise InvalidData(
                f"The file of this dataset is not what was added: its SHA-256 is {found.sha256[:12]}… by now.",
                where=str(found.path),
                remedy="Restore it from a backup, or delete the dataset and add it again.",
            )
        version = self._store.find(sha256) if sha256 else None
        return DataView.of(found, self._settings, _brought(version) if version else (_IS_DEFAULT,))


def _brought(version: DatasetVersion) -> tuple[Fact, ...]:
    return (
        Fact("Dataset", version.name),
        Fact("Brought by", f"{version.actor}, on {version.added:%d %B %Y %H:%M} UTC, as {version.file_name}"),
    )


def _trains_on(job: Job, sha256: str) -> bool:
    return isinstance(job.request, TrainingRequest | TrialRequest) and job.request.data_sha256 == sha256
