"""One version as the local registry holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

LOCAL_PREFIX: Final = "v_"
"""How a version of the local registry begins; MLflow's are plain numbers."""


@dataclass(frozen=True, slots=True)
class LocalVersion:
    """One entry of registry.json. ``model_path`` is relative to home where it lies below it."""

    version: str
    created: str
    family: str
    model_path: str
    sha256: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    run_id: str | None = None
    mlflow_version: str | None = None
    stage: str = "development"

    @property
    def created_at(self) -> datetime:
        """``created`` as a time in UTC."""
        return datetime.fromisoformat(self.created)


def free_version(now: datetime, taken: set[str]) -> str:
    """The version of this second, or of the first later second that is free."""
    while (version := f"{LOCAL_PREFIX}{now:%Y%m%d_%H%M%S}") in taken:
        now += timedelta(seconds=1)
    return version


@dataclass(frozen=True, slots=True)
class _Document:
    models: list[LocalVersion]


def parse_entries(content: bytes) -> list[LocalVersion]:
    """The entries of registry.json, oldest first.

    Raises:
        ValueError, TypeError: the content is no registry, and why.
    """
    try:
        # Strict: a number for a name, or text for the metrics, would fail later and far from here.
        entries = TypeAdapter(_Document).validate_json(content, strict=True).models
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{place}: {first['msg']}" if place else first["msg"]) from error
    return sorted(entries, key=lambda entry: entry.created_at)
