"""Where state lies: every place under one home."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """Every place state lies in, under one home. Nothing else in the code spells a state path."""

    home: Path

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def saved_models(self) -> Path:
        return self.home / "models" / "saved_models"

    @property
    def datasets(self) -> Path:
        """Data of somebody's own beside the configured file, a folder for each, named by its digest."""
        return self.home / "data" / "versions"

    @property
    def job_files(self) -> Path:
        """What a training has not recorded yet: on the models' own file system, so that keeping it is one move."""
        return self.home / "models" / ".work"

    @property
    def registry(self) -> Path:
        return self.home / "models" / "model_registry" / "registry.json"

    @property
    def scaler(self) -> Path:
        return self.saved_models / "scaler.joblib"

    @property
    def encoder(self) -> Path:
        return self.saved_models / "encoder.joblib"

    @property
    def evaluation_report(self) -> Path:
        return self.logs / "evaluation_report.json"

    @property
    def stage_plots(self) -> Path:
        """What the training stage leaves for `dvc plots`."""
        return self.logs / "plots"

    @property
    def mlruns(self) -> Path:
        return self.logs / "mlruns"

    @property
    def mlflow_db(self) -> Path:
        return self.mlruns / "mlflow.db"

    @property
    def mlflow_artifacts(self) -> Path:
        return self.mlruns / "artifacts"

    @property
    def lab_db(self) -> Path:
        return self.logs / "lab.db"

    @property
    def run_index(self) -> Path:
        """What the run table is painted from: a copy of MLflow's records that may be thrown away at any time."""
        return self.logs / "run_index.db"

    @property
    def run_columns(self) -> Path:
        """Which columns of the run table somebody chose."""
        return self.logs / "run_columns.json"

    @property
    def scored(self) -> Path:
        """Files that were sent to be priced and what came of them, a folder a job."""
        return self.logs / "scored"

    @property
    def request_counts(self) -> Path:
        """What the houses priced over REST were like, counted by day: files of one service process each."""
        return self.logs / "requests"

    @property
    def worker_log(self) -> Path:
        return self.logs / "worker.log"

    @property
    def locks(self) -> Path:
        return self.logs / "locks"

    def stage_log(self, stage: str) -> Path:
        return self.logs / f"stage_{stage}.log"
