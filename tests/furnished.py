"""A home in which something stands on every screen: versions with ranges, a champion, a scenario, a sweep, a file."""

from __future__ import annotations

import functools
import io
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from core.domain.house import House
from core.domain.hyperparameters import TrainingSpec
from core.domain.settings import Settings
from core.domain.sweep_plans import SweepPlan
from core.tracking.runs import list_runs
from core.tracking.store import open_store
from core.workflows.lab import Lab
from core.workflows.promotion_records import PromotionRecords
from tests.actors import TESTER
from tests.promotions import put_up

WORK_SECONDS: Final = 180


@dataclass(frozen=True, slots=True)
class Furnished:
    """The settings of such a home, and the ids its addresses need."""

    settings: Settings
    runs: tuple[str, ...]
    sweep: str
    scoring: str
    training: str

    def wait_until_done(self) -> None:
        """Until a worker, which somebody else starts, has ended the sweep, the file and the training."""
        lab = Lab(self.settings)
        deadline = time.monotonic() + WORK_SECONDS
        while not (
            lab.tuning.get(self.sweep).state.is_final
            and lab.scoring.get(self.scoring).state.is_final
            and lab.job(self.training).state.is_final
        ):
            assert time.monotonic() < deadline, "the work was not done in time"
            time.sleep(0.2)


def furnish(ranged: Settings, home: Path, rows: pd.DataFrame) -> Furnished:
    """A copy of the home of ``ranged_settings`` with everything else in it; its jobs wait for a worker.

    Version 2 is the champion, so that the gates refuse version 1.
    """
    shutil.copytree(ranged.home, home)
    settings = ranged.model_copy(
        update={
            "home": home,
            "jobs": ranged.jobs.model_copy(update={"embedded_worker": False}),
            "evaluation": ranged.evaluation.model_copy(update={"range_folds": 0}),
        }
    )
    with closing(sqlite3.connect(settings.paths.mlflow_db)) as database, database:
        database.execute("UPDATE experiments SET artifact_location = ?", (settings.paths.mlflow_artifacts.as_uri(),))
    connect = functools.cache(lambda: open_store(settings))
    put_up(PromotionRecords(settings, connect), "2")
    lab = Lab(settings)
    lab.scenarios.save("the hills", "asked by a client", House.typical(), actor=TESTER)
    file = rows.drop(columns="median_house_value").head(60)
    file.loc[7, "median_income"] = 83_252
    content = io.BytesIO(file.to_csv(index=False).encode())
    return Furnished(
        settings,
        runs=tuple(run.run_id for run in list_runs(connect())),
        sweep=lab.tuning.start(SweepPlan.search(TrainingSpec.create("ridge"), trials=3), actor=TESTER),
        scoring=lab.scoring.start(content, "block groups.csv", {}, actor=TESTER),
        training=lab.submit(TrainingSpec.create("ridge", seed=3), actor=TESTER, run_name="a quick ridge"),
    )
