"""The durable record of sweeps and their trials. What a sweep does next follows from these rows alone."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from core.domain.errors import LabError, NotFound, QueueUnavailable
from core.domain.hyperparameters import TrainingSpec
from core.domain.sweep_plans import SweepPlan
from core.domain.sweeps import Sweep, SweepHead, SweepState, Trial, TrialState
from core.jobs.database import SCHEMA, Tables

_SWEEPS: Final = sa.Table(
    "lab_sweeps",
    SCHEMA,
    sa.Column("sweep_id", sa.String(32), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("created", sa.Float(53), nullable=False),
    sa.Column("run_id", sa.String(64)),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("is_closed", sa.Boolean, nullable=False),
)
_TRIALS: Final = sa.Table(
    "lab_trials",
    SCHEMA,
    sa.Column("sweep_id", sa.String(32), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("job_id", sa.String(64), nullable=False),
    sa.Column("params", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("run_id", sa.String(64)),
    sa.Column("cv_rmse", sa.Float(53)),
    sa.Column("fold_rmse", sa.Text, nullable=False),
    sa.Column("steps", sa.Text, nullable=False),
    sa.Column("seconds", sa.Float(53)),
    sa.Column("reason", sa.Text, nullable=False),
)


_UNDER_WAY: Final = (SweepState.RUNNING, SweepState.PAUSED)
_log = logging.getLogger(__name__)


class SweepBook(Tables):
    """Reads and writes sweeps.

    Raises:
        QueueUnavailable: by every method, when the database does not answer.
    """

    def add(self, sweep: Sweep) -> None:
        """Enter a new sweep."""
        row = {
            "sweep_id": sweep.sweep_id,
            "name": sweep.name,
            "plan": json.dumps(sweep.plan.as_payload()),
            "actor": sweep.actor,
            "state": sweep.state,
            "created": sweep.created.timestamp(),
            "run_id": sweep.run_id,
            "reason": sweep.reason,
            "is_closed": False,
        }
        with self.begin() as connection:
            connection.execute(sa.insert(_SWEEPS).values(**row))

    def get(self, sweep_id: str) -> Sweep:
        """One sweep with its trials.

        Raises:
            NotFound: there is none of that id.
        """
        found = self._read(_SWEEPS.c.sweep_id == sweep_id)
        if not found:
            raise NotFound(
                f"There is no sweep {sweep_id!r}.",
                remedy="Take `sweep` out of the address to see the newest, or list all with `python -m core sweeps`.",
            )
        return found[0]

    def newest(self, limit: int = 20) -> list[Sweep]:
        """The newest sweeps first, with their trials."""
        return self._read(sa.true(), limit)

    def under_way(self) -> list[Sweep]:
        """Sweeps that are running or paused, newest first."""
        return self._read(_SWEEPS.c.state.in_(_UNDER_WAY))

    def heads(self, limit: int = 20, *, under_way: bool = False) -> list[SweepHead]:
        """The newest sweeps first, without their trials: what a list needs, however many trials there are."""
        ended = sa.func.count(_TRIALS.c.number).filter(_TRIALS.c.state != TrialState.RUNNING)
        wanted = (
            sa.select(_SWEEPS.c.sweep_id, _SWEEPS.c.name, _SWEEPS.c.state, _SWEEPS.c.created, _SWEEPS.c.plan, ended)
            .outerjoin(_TRIALS, _TRIALS.c.sweep_id == _SWEEPS.c.sweep_id)
            .where(_SWEEPS.c.state.in_(_UNDER_WAY) if under_way else sa.true())
            .group_by(_SWEEPS.c.sweep_id)
            .order_by(_SWEEPS.c.created.desc())
            .limit(limit)
        )
        with self.begin() as connection:
            rows = connection.execute(wanted).all()
        return [
            SweepHead(sweep_id, name, SweepState(state), datetime.fromtimestamp(created, UTC), done, _planned(plan))
            for sweep_id, name, state, created, plan, done in rows
            if state in set(SweepState)  # one of a newer version of the lab must not break every sidebar
        ]

    def open(self) -> list[Sweep]:
        """Sweeps whose run is not closed: those under way, and those that have just ended."""
        return self._read(_SWEEPS.c.is_closed.is_(False))

    def change(self, sweep_id: str, before: Iterable[SweepState], state: SweepState, reason: str = "") -> bool:
        """Set the state if it is one of ``before``; whether it was."""
        condition = sa.and_(_SWEEPS.c.sweep_id == sweep_id, _SWEEPS.c.state.in_([*before]))
        with self.begin() as connection:
            done = connection.execute(sa.update(_SWEEPS).where(condition).values(state=state, reason=reason))
        return done.rowcount > 0

    def set_run(self, sweep_id: str, run_id: str) -> None:
        """Note the MLflow run all trials are nested under."""
        with self.begin() as connection:
            connection.execute(sa.update(_SWEEPS).where(_SWEEPS.c.sweep_id == sweep_id).values(run_id=run_id))

    def close(self, sweep_id: str) -> None:
        """The sweep has ended and its run is closed; one that goes on stays open."""
        ended = sa.and_(_SWEEPS.c.sweep_id == sweep_id, _SWEEPS.c.state.not_in(_UNDER_WAY))
        with self.begin() as connection:
            connection.execute(sa.update(_SWEEPS).where(ended).values(is_closed=True))

    def add_trial(self, sweep_id: str, trial: Trial) -> bool:
        """Enter a new trial; False when another worker entered one of that number first."""
        row = {"sweep_id": sweep_id, "number": trial.number, **_trial_row(trial)}
        try:
            with self.begin() as connection:
                connection.execute(sa.insert(_TRIALS).values(**row))
        except QueueUnavailable as error:
            if isinstance(error.__cause__, sa.exc.IntegrityError):
                return False
            raise
        return True

    def end_trial(self, sweep_id: str, trial: Trial) -> None:
        """Write how a trial ended. The first end counts: a trial that has one keeps it."""
        condition = sa.and_(
            _TRIALS.c.sweep_id == sweep_id,
            _TRIALS.c.number == trial.number,
            _TRIALS.c.state == TrialState.RUNNING,
        )
        with self.begin() as connection:
            connection.execute(sa.update(_TRIALS).where(condition).values(**_trial_row(trial)))

    def _read(self, condition: sa.ColumnElement[bool], limit: int | None = None) -> list[Sweep]:
        wanted = sa.select(_SWEEPS).where(condition).order_by(_SWEEPS.c.created.desc()).limit(limit)
        with self.begin() as connection:
            rows = connection.execute(wanted).mappings().all()
            ids = [row["sweep_id"] for row in rows]
            of_these = sa.select(_TRIALS).where(_TRIALS.c.sweep_id.in_(ids)).order_by(_TRIALS.c.number)
            trials = connection.execute(of_these).mappings().all() if ids else []
        grouped: dict[str, list[Mapping[Any, Any]]] = {}
        for row in trials:
            grouped.setdefault(row["sweep_id"], []).append(row)
        return [sweep for row in rows if (sweep := _readable(row, grouped.get(row["sweep_id"], []))) is not None]


def _readable(row: Mapping[Any, Any], trials: Iterable[Mapping[Any, Any]]) -> Sweep | None:
    """The sweep; None for one of another version of the lab, which must not hide all the others."""
    try:
        return _sweep(row, [_trial(trial) for trial in trials])
    except (LabError, KeyError, TypeError, ValueError) as error:
        _log.warning("sweep %s cannot be read: %s", row["sweep_id"], error)
        return None


def _sweep(row: Mapping[Any, Any], trials: Iterable[Trial]) -> Sweep:
    return Sweep(
        sweep_id=row["sweep_id"],
        name=row["name"],
        plan=SweepPlan.from_payload(json.loads(row["plan"])),
        actor=row["actor"],
        state=SweepState(row["state"]),
        created=datetime.fromtimestamp(row["created"], UTC),
        trials=tuple(trials),
        run_id=row["run_id"],
        reason=row["reason"],
    )


def _planned(plan: str) -> int:
    return int(json.loads(plan)["trials"])


def _trial(row: Mapping[Any, Any]) -> Trial:
    return Trial(
        number=row["number"],
        spec=TrainingSpec.from_params(json.loads(row["params"])),
        state=TrialState(row["state"]),
        job_id=row["job_id"],
        run_id=row["run_id"],
        cv_rmse=row["cv_rmse"],
        fold_rmse=tuple(json.loads(row["fold_rmse"])),
        steps=tuple((int(step), float(rmse)) for step, rmse in json.loads(row["steps"])),
        seconds=row["seconds"],
        reason=row["reason"],
    )


def _trial_row(trial: Trial) -> dict[str, Any]:
    return {
        "job_id": trial.job_id,
        "params": json.dumps(trial.spec.as_params()),
        "state": trial.state,
        "run_id": trial.run_id,
        "cv_rmse": trial.cv_rmse,
        "fold_rmse": json.dumps(trial.fold_rmse),
        "steps": json.dumps(trial.steps),
        "seconds": trial.seconds,
        "reason": trial.reason,
    }
