"""The sweeps as a screen sees them: one call a question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from core.domain.access import Actor, Deed
from core.domain.errors import RecordsError
from core.domain.settings import Settings
from core.domain.sweep_plans import SweepPlan
from core.domain.sweeps import Sweep, SweepHead
from core.jobs.engine import JobQueue
from core.jobs.sweep_control import cancel_sweep, pause_sweep, resume_sweep, start_sweep
from core.tracking.runs import OUT_OF_FOLD_FILE, read_predictions
from core.workflows.chosen_data import require_dataset
from core.workflows.recent import Recent
from core.workflows.sweep_findings import SweepFindings, find, without_predictions
from core.workflows.training_state import Connect

if TYPE_CHECKING:
    import numpy as np

KEPT_FINDINGS: Final = 20


class Tuning:
    """Everything the screens ask about sweeps.

    Args:
        settings: whose datasets. queue: the job queue, opened on first use. connect: opens MLflow's store.
        keep_worker: makes sure that somebody works.

    Raises:
        LabError: by every method, when the queue cannot answer.
    """

    def __init__(
        self, settings: Settings, queue: Callable[[], JobQueue], connect: Connect, keep_worker: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._queue = queue
        self._connect = connect
        self._keep_worker = keep_worker
        self._findings: Recent[str, SweepFindings] = Recent(KEPT_FINDINGS)

    def start(self, plan: SweepPlan, *, actor: Actor, name: str = "") -> str:
        """Enter a sweep, make sure somebody works on it, and return its id at once.

        Raises:
            Forbidden: the actor may not. NotFound: there is no such dataset.
        """
        actor.require(Deed.TUNE)
        require_dataset(self._settings, plan.data_sha256)
        sweep_id = start_sweep(self._queue(), self._connect, plan, actor=actor.name, name=name)
        self._keep_worker()
        return sweep_id

    def pause(self, sweep_id: str, *, actor: Actor) -> None:
        """Start no further trial of it; those under way end as they would. Raises Forbidden."""
        actor.require(Deed.STEER_SWEEP)
        pause_sweep(self._queue(), self._connect, sweep_id)

    def resume(self, sweep_id: str, *, actor: Actor) -> None:
        """Let a paused sweep go on. Raises Forbidden."""
        actor.require(Deed.STEER_SWEEP)
        resume_sweep(self._queue(), self._connect, sweep_id)
        self._keep_worker()

    def cancel(self, sweep_id: str, *, actor: Actor) -> None:
        """End a sweep now, its trials under way with it. Raises Forbidden."""
        actor.require(Deed.STEER_SWEEP)
        cancel_sweep(self._queue(), sweep_id)
        self._keep_worker()

    def get(self, sweep_id: str) -> Sweep:
        """One sweep as it stands now. Raises NotFound."""
        return self._queue().sweeps.get(sweep_id)

    def newest(self, limit: int = 20) -> Sequence[Sweep]:
        """The newest sweeps first."""
        return self._queue().sweeps.newest(limit)

    def heads(self, *, under_way: bool = False) -> Sequence[SweepHead]:
        """The newest sweeps first, or those running or paused, without their trials."""
        return self._queue().sweeps.heads(under_way=under_way)

    def findings(self, sweep: Sweep) -> SweepFindings:
        """What its complete trials say so far; worked out once for each of them that is added."""
        key = f"{sweep.sweep_id} {[(trial.number, trial.cv_rmse, trial.run_id) for trial in sweep.complete]}"
        try:
            return self._findings.get(key, lambda: find(sweep, self._read_out_of_fold))
        except RecordsError as error:
            return without_predictions(sweep, error.what)  # not kept: MLflow may be back the next time

    def _read_out_of_fold(self, run_id: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return read_predictions(self._connect(), run_id, OUT_OF_FOLD_FILE)
