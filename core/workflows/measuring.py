"""The measuring of ranges as a screen sees it: one call a question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from core.domain.assessment import AssessmentRequest
from core.domain.errors import InvalidSettings, NotFound, StoreUnavailable
from core.domain.jobs import Job, JobState
from core.domain.provenance import INTERVALS_TAG
from core.domain.settings import Settings
from core.jobs.engine import JobQueue
from core.tracking.local_registry import open_registry
from core.tracking.local_version import LOCAL_PREFIX
from core.tracking.registry import get_version
from core.tracking.runs import get_run
from core.workflows.assessed_version import find_version
from core.workflows.training_state import Connect
from core.workflows.views import RangeStanding

RANGE_METRICS: Final = ("coverage", "coverage_80", "interval_width")
_MOST_LOOKED_AT: Final = 200


class Measuring:
    """Everything the screens ask about measuring ranges.

    Args:
        queue: the job queue, opened on first use. connect: opens MLflow's store.
        keep_worker: makes sure that somebody works.

    Raises:
        LabError: by every method, when the queue or the records cannot answer.
    """

    def __init__(
        self, settings: Settings, queue: Callable[[], JobQueue], connect: Connect, keep_worker: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._queue = queue
        self._connect = connect
        self._keep_worker = keep_worker

    def start(self, version: str, *, actor: str) -> str:
        """Put the measuring of a version's range on the queue and return the job's id; of one under way, that one's.

        Args:
            version: MLflow's number, an alias, or a ``v_…`` of the local registry.

        Raises:
            InvalidSettings: ``evaluation.range_folds`` is 0. NotFound: there is no such version.
        """
        if not self._settings.evaluation.range_folds:
            raise InvalidSettings(
                "Ranges are not measured: evaluation.range_folds is 0.",
                where="evaluation.range_folds",
                remedy="Set it to 5, the usual number of parts, and start the app again.",
            )
        found = find_version(self._settings, self._connect, version)
        under_way = self._newest([version, found.name], active_only=True)
        request = AssessmentRequest(found.name, found.run_name, actor)
        job_id = under_way.job_id if under_way else self._queue().submit_assessment(request)
        self._keep_worker()
        return job_id

    def under_way(self) -> Sequence[Job]:
        """Those waiting and running, the newest first."""
        return self._queue().list_assessments(active_only=True)

    def standing(self, version: str) -> RangeStanding:
        """Whether a version's range was measured, is being measured, or why it was not.

        Args:
            version: MLflow's number, or a ``v_…`` of the local registry.
        """
        job = self._newest([version])
        if job is not None and not job.state.is_final:
            return RangeStanding({}, job)
        if job is not None and job.state is JobState.SUCCEEDED and job.assessment is not None:
            return RangeStanding(job.assessment.metrics, job)
        return RangeStanding(self._recorded(version), job)

    def _newest(self, versions: Sequence[str], *, active_only: bool = False) -> Job | None:
        jobs = self._queue().list_assessments(limit=_MOST_LOOKED_AT, active_only=active_only)
        return next((job for job in jobs if _version_of(job) in versions), None)

    def _recorded(self, version: str) -> Mapping[str, float]:
        """The figures as the records have them; none where the range was not measured or MLflow is away."""
        try:
            if version.startswith(LOCAL_PREFIX):
                entry = open_registry(self._settings, self._connect).get_model(version)
                known: Mapping[str, float] = entry.metrics if entry.intervals_path else {}
            else:
                store = self._connect()
                held = get_version(store, version)
                known = get_run(store, held.run_id).metrics if INTERVALS_TAG in held.tags else {}
        except (StoreUnavailable, NotFound):
            known = {}
        return {name: known[name] for name in RANGE_METRICS if name in known}


def _version_of(job: Job) -> str:
    return job.request.version if isinstance(job.request, AssessmentRequest) else ""
