"""Writes MLflow's old file store file by file, as version 2.8 did: what the old project left in logs/mlruns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FINISHED = 3
BEGAN = 1_700_000_000_000

MLMODEL = {
    "flavors": {
        "python_function": {"loader_module": "mlflow.sklearn", "model_path": "model.pkl", "python_version": "3.10.12"},
        "sklearn": {"pickled_model": "model.pkl", "serialization_format": "cloudpickle", "sklearn_version": "1.3.0"},
    },
    "mlflow_version": "2.8.0",
}


@dataclass(frozen=True, slots=True)
class OldStore:
    """A folder ``mlruns`` in the making."""

    root: Path

    def experiment(
        self, number: str, name: str, *, deleted: bool = False, tags: Mapping[str, str] | None = None
    ) -> Path:
        """An experiment's folder."""
        folder = self.root / ".trash" / number if deleted else self.root / number
        write_yaml(
            folder / "meta.yaml",
            {
                "artifact_location": f"file:///home/old/project/logs/mlruns/{number}",
                "creation_time": BEGAN,
                "experiment_id": number,
                "last_update_time": BEGAN,
                "lifecycle_stage": "deleted" if deleted else "active",
                "name": name,
            },
        )
        write_texts(folder / "tags", tags or {})
        return folder

    def run(
        self,
        experiment: Path,
        run_id: str,
        /,
        *,
        params: Mapping[str, str] | None = None,
        metrics: Mapping[str, Sequence[tuple[int, float, int]]] | None = None,
        tags: Mapping[str, str] | None = None,
        files: Mapping[str, bytes] | None = None,
        **meta: Any,
    ) -> Path:
        """A run's folder; a metric is a list of (time, value, step)."""
        folder = experiment / run_id
        name = meta.get("run_name", f"run {run_id[:4]}")
        write_yaml(
            folder / "meta.yaml",
            {
                "artifact_uri": f"file:///home/old/project/logs/mlruns/{experiment.name}/{run_id}/artifacts",
                "end_time": BEGAN + 60_000,
                "entry_point_name": "",
                "experiment_id": experiment.name,
                "lifecycle_stage": "active",
                "run_id": run_id,
                "run_name": name,
                "run_uuid": run_id,
                "source_name": "",
                "source_type": 4,
                "source_version": "",
                "start_time": BEGAN,
                "status": FINISHED,
                "tags": [],
                "user_id": "maria",
                **meta,
            },
        )
        write_texts(folder / "params", params or {})
        write_texts(folder / "tags", {"mlflow.runName": name, "mlflow.user": "maria", **(tags or {})})
        for key, points in (metrics or {}).items():
            lines = "".join(f"{time} {value} {step}\n" for time, value, step in points)
            write_texts(folder / "metrics", {key: lines})
        (folder / "artifacts").mkdir()
        for path, content in (files or {}).items():
            write_bytes(folder / "artifacts" / path, content)
        return folder

    def dataset(self, experiment: Path, run: Path, name: str, digest: str) -> None:
        """A dataset of the experiment, taken in by the run."""
        number = f"dataset-{digest}"
        about = {"digest": digest, "name": name, "profile": '{"num_rows": 20640}', "schema": None}
        write_yaml(
            experiment / "datasets" / number / "meta.yaml", {**about, "source": '{"uri": "x"}', "source_type": "local"}
        )
        link = {"destination_id": run.name, "destination_type": "RUN", "source_id": number, "source_type": "DATASET"}
        write_yaml(run / "inputs" / f"in-{digest}" / "meta.yaml", {**link, "tags": {"mlflow.data.context": "training"}})

    def version(self, name: str, number: int, source: str, run_id: str, **meta: Any) -> Path:
        """A registered model's version."""
        model = self.root / "models" / name
        if not (model / "meta.yaml").exists():
            write_yaml(
                model / "meta.yaml",
                {"aliases": {}, "creation_timestamp": BEGAN, "description": "", "name": name, "tags": {}},
            )
        folder = model / f"version-{number}"
        write_yaml(
            folder / "meta.yaml",
            {
                "aliases": [],
                "creation_timestamp": BEGAN + 90_000,
                "current_stage": "None",
                "description": "",
                "last_updated_timestamp": BEGAN + 90_000,
                "name": name,
                "run_id": run_id,
                "run_link": "",
                "source": source,
                "status": "READY",
                "status_message": "",
                "storage_location": source,
                "user_id": "maria",
                "version": number,
                **meta,
            },
        )
        return folder


def model_files(pickled: bytes) -> dict[str, bytes]:
    """The files of a scikit-learn model as ``mlflow.sklearn.log_model`` left them."""
    return {
        "model/MLmodel": yaml.safe_dump(MLMODEL).encode(),
        "model/model.pkl": pickled,
        "model/requirements.txt": b"scikit-learn==1.3.0\n",
    }


def write_yaml(file: Path, content: object) -> None:
    write_bytes(file, yaml.safe_dump(content).encode())


def write_texts(folder: Path, texts: Mapping[str, str]) -> None:
    """A file a key; a key may hold ``/``."""
    for key, text in texts.items():
        write_bytes(folder / key, text.encode())


def write_bytes(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
