"""The measuring of ranges as a screen sees it: one call a question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from core.domain.access import Actor, Deed
from core.domain.assessment import Assessment, AssessmentRequest
from core.domain.errors import NotFound, StoreUnavailable
from core.domain.jobs import Job, JobState
from core.domain.provenance import INTERVALS_TAG
from core.domain.settings import Settings
from core.jobs.engine import JobQueue
from core.models.trainer import Report
from core.tracking.local_registry import open_registry
from core.tracking.local_version import LOCAL_PREFIX
from core.tracking.registry import get_version
from core.tracking.runs import get_run
from core.workflows.assessed_version import find_version, refuse_nothing
from core.workflows.training_state import Connect
from core.workflows.views import RangeStanding

RANGE_METRICS: Final = ("coverage", "coverage_80", "interval_width")
SPATIAL_METRICS: Final = ("spatial_rmse", "spatial_mae", "spatial_folds", "out_of_fold_rmse")
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

    def start(self, version: str, *, actor: Actor, only_spatial: bool = False) -> str:
        """Put the measuring of a version on the queue and return the job's id; of one under way, that one's.

        Args:
            version: MLflow's number, an alias, or a ``v_…`` of the local registry.
            only_spatial: leave its range as it is.

        Raises:
            Forbidden: the actor may not. NotFound: there is no such version.
            InvalidSettings: ``evaluation.range_folds`` and ``evaluation.spatial_folds`` are 0.
        """
        actor.require(Deed.MEASURE_RANGE)
        refuse_nothing(self._settings)
        found = find_version(self._settings, self._connect, version)
        under_way = self._newest([version, found.name], active_only=True)
        request = AssessmentRequest(found.name, found.run_name, actor.name, only_spatial)
        job_id = under_way.job_id if under_way else self._queue().submit_assessment(request)
        self._keep_worker()
        return job_id

    def measure_here(self, version: str, *, actor: Actor, report: Report | None = None) -> Assessment:
        """Measure a version's range in this process, without a queue. Raises Forbidden, and as ``assessing.assess``."""
        from core.workflows.assessing import assess

        actor.require(Deed.MEASURE_RANGE)
        return assess(self._settings, self._connect, version, report=report)

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
            told = job.assessment.metrics
            is_whole = {"coverage", "spatial_rmse"} <= set(told)
            return RangeStanding(told if is_whole else {**self._recorded(version), **told}, job)
        return RangeStanding(self._recorded(version), job)

    def _newest(self, versions: Sequence[str], *, active_only: bool = False) -> Job | None:
        jobs = self._queue().list_assessments(limit=_MOST_LOOKED_AT, active_only=active_only)
        return next((job for job in jobs if _version_of(job) in versions), None)

    def _recorded(self, version: str) -> Mapping[str, float]:
        """The figures as the records have them; none where the range was not measured or MLflow is away."""
        try:
            if version.startswith(LOCAL_PREFIX):
                entry = open_registry(self._settings, self._connect).get_model(version)
                known: Mapping[str, float] = entry.metrics
                has_range = bool(entry.intervals_path)
            else:
                store = self._connect()
                held = get_version(store, version)
                known = get_run(store, held.run_id).metrics
                has_range = INTERVALS_TAG in held.tags
        except (StoreUnavailable, NotFound):
            return {}
        wanted = (*(RANGE_METRICS if has_range else ()), *(SPATIAL_METRICS if "spatial_rmse" in known else ()))
        return {name: known[name] for name in wanted if name in known}


def _version_of(job: Job) -> str:
    return job.request.version if isinstance(job.request, AssessmentRequest) else ""
