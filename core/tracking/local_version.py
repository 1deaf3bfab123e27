"""One version as the local registry holds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from core.domain.promotion import Stage, StageChange

LOCAL_PREFIX: Final = "v_"
"""How a version of the local registry begins; MLflow's are plain numbers."""

_AFTER: Final = {Stage.PRODUCTION: Stage.ARCHIVED, Stage.STAGING: Stage.DEVELOPMENT}
"""What a version becomes when another one takes its alias."""


@dataclass(frozen=True, slots=True)
class LocalVersion:
    """One entry of registry.json. ``model_path`` is relative to home where it lies below it.

    ``stage`` and ``history`` mirror the audit ledger, so that the file alone can restore MLflow's aliases.
    ``intervals_sha256`` is the digest of what is known of its errors, which lies at ``intervals_path``; both are empty
    while its range was not measured.
    """

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
    history: tuple[StageChange, ...] = ()
    intervals_path: str = ""
    intervals_sha256: str = ""

    @property
    def created_at(self) -> datetime:
        """``created`` as a time in UTC."""
        return datetime.fromisoformat(self.created)


def intervals_file(model_file: Path) -> Path:
    """Where what is known of a model's errors lies: ``model_…intervals.json`` beside the model file."""
    return model_file.with_name(f"{model_file.stem}.intervals.json")


def free_version(now: datetime, taken: set[str]) -> str:
    """The version of this second, or of the first later second that is free."""
    while (version := f"{LOCAL_PREFIX}{now:%Y%m%d_%H%M%S}") in taken:
        now += timedelta(seconds=1)
    return version


def mirrored_entry(
    entry: LocalVersion, stages: Mapping[str, str], history: Mapping[str, Sequence[StageChange]]
) -> LocalVersion:
    """The entry with stage and history as the ledger tells them, by MLflow's version.

    A version the ledger never named stays what it is: the ledger may have been lost, and this file is then all that
    remembers. Changes the ledger does not know are kept for the same reason.
    """
    number = entry.mlflow_version or ""
    if number not in stages:
        is_taken = entry.stage in _AFTER and entry.stage in stages.values()
        return replace(entry, stage=_AFTER[Stage(entry.stage)].value) if is_taken else entry
    told = history.get(number, ())
    known = {change.hash for change in told}
    own = [change for change in entry.history if change.hash not in known]
    merged = tuple(sorted((*own, *told), key=lambda change: change.when))
    return replace(entry, stage=str(stages[number]), history=merged)


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
