"""Housing Price Lab: everything below the screens.

The names users of the script-and-YAML project know are importable from here. They load on first use, so
that ``import core`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.data.ingest import DataIngestor
    from core.evaluation.evaluate import ModelEvaluator
    from core.features.engineer import FeatureEngineer
    from core.models.trainer import ModelTrainer
    from core.tracking.local_registry import ModelRegistry
    from core.tracking.tracker import MLflowTracker
    from core.workflows.stage_log import PipelineLogger

_HOMES = {
    "DataIngestor": "core.data.ingest",
    "FeatureEngineer": "core.features.engineer",
    "MLflowTracker": "core.tracking.tracker",
    "ModelEvaluator": "core.evaluation.evaluate",
    "ModelRegistry": "core.tracking.local_registry",
    "ModelTrainer": "core.models.trainer",
    "PipelineLogger": "core.workflows.stage_log",
}

__all__ = [
    "DataIngestor",
    "FeatureEngineer",
    "MLflowTracker",
    "ModelEvaluator",
    "ModelRegistry",
    "ModelTrainer",
    "PipelineLogger",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'core' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
