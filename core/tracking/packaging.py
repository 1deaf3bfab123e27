"""A model file as an MLflow model that loads where this project was never seen.

The MLflow model holds the joblib file, the source its transformers need, a signature of the nine raw
columns, and pinned requirements. Requirements are never inferred: that costs 6 to 20 seconds a run.
"""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from core.domain.errors import RecordsError
from core.domain.families import FAMILIES
from core.domain.house import FEATURES, RAW_COLUMNS, House

LOADER: Final = "core.models.packaged"
DATA_FOLDER: Final = "data"
"""Where in an MLflow model folder the model file lies."""

_PACKAGES: Final = ("domain", "features", "models")
_REQUIREMENTS: Final = ("mlflow", "scikit-learn", "pandas", "numpy", "scipy", "joblib")


def requirements(family: str) -> list[str]:
    """The pinned packages a process needs to load and ask a model of this family."""
    own = FAMILIES[family].packages if family in FAMILIES else ()
    names = dict.fromkeys((*_REQUIREMENTS, *own))
    return [f"{name}=={version(name)}" for name in names]


def build_mlflow_model(model_file: Path, target: Path, *, family: str, run_id: str, model_id: str) -> None:
    """Write the MLflow model folder ``target`` around a model file."""
    import mlflow.pyfunc
    from mlflow.models import Model

    code = target.with_name(target.name + "-code") / "core"
    _copy_source(code)
    mlflow.pyfunc.save_model(
        path=str(target),
        loader_module=LOADER,
        data_path=str(model_file),
        code_paths=[str(code)],
        signature=_signature(),
        input_example=_example(),
        pip_requirements=requirements(family),
        mlflow_model=Model(run_id=run_id, artifact_path="model", model_id=model_id, model_uuid=model_id),
    )
    shutil.rmtree(code.parent)


def data_file(model_folder: Path) -> Path:
    """The joblib file inside an MLflow model folder.

    Raises:
        RecordsError: there is none.
    """
    file = next((model_folder / DATA_FOLDER).glob("*.joblib"), None)
    if file is None:
        raise RecordsError(
            "The MLflow model holds no model file.",
            where=str(model_folder),
            remedy="Restore the folder from a backup, or train the model again.",
        )
    return file


def _copy_source(target: Path) -> None:
    """The part of our source a model file refers to: the words, the transformers and the loader."""
    root = Path(__file__).resolve().parents[1]
    target.mkdir(parents=True)
    shutil.copy(root / "__init__.py", target)
    for package in _PACKAGES:
        shutil.copytree(root / package, target / package, ignore=shutil.ignore_patterns("__pycache__"))


def _example() -> Any:
    import pandas as pd

    return pd.DataFrame([House.typical().as_dict()])


def _signature() -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema, TensorSpec

    columns: list[ColSpec | TensorSpec] = [
        ColSpec(
            DataType.double if FEATURES[name].is_numeric else DataType.string,
            name,
            required=not FEATURES[name].may_be_missing,
        )
        for name in RAW_COLUMNS
    ]
    return ModelSignature(inputs=Schema(columns), outputs=Schema([ColSpec(DataType.double)]))
