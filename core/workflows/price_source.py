"""Which version a price comes from: the one named, the champion, or the newest."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.domain.errors import NoModel, StoreUnavailable
from core.domain.provenance import DATA_SHA256_TAG, INTERVALS_TAG, is_demo
from core.domain.runs import Alias, ModelVersion
from core.domain.settings import Settings
from core.tracking.local_registry import open_registry
from core.tracking.local_version import LOCAL_PREFIX, LocalVersion
from core.tracking.registry import champion_or_newest, get_version
from core.workflows.training_state import Connect


class Ground(StrEnum):
    """Why a version is the one that prices."""

    NAMED = "named"
    CHAMPION = "champion"
    NEWEST = "newest"
    MLFLOW_AWAY = "mlflow away"


@dataclass(frozen=True, slots=True)
class PriceSource:
    """Which version a price comes from, and on what ground.

    ``sha256`` is the model file's, ``data_sha256`` that of the rows it was trained on, ``intervals_sha256`` that of
    what is known of its errors: empty while they were not measured.
    """

    version: str
    family: str
    run_id: str | None
    sha256: str
    ground: Ground
    is_demo: bool
    data_sha256: str = ""
    intervals_sha256: str = ""

    @property
    def is_local(self) -> bool:
        """Whether the local registry holds it and MLflow is not asked."""
        return self.version.startswith(LOCAL_PREFIX)

    @property
    def sentence(self) -> str:
        """``Priced by version 3, the newest: no champion is promoted yet.``"""
        match self.ground:
            case Ground.NAMED:
                why = "as you chose"
            case Ground.CHAMPION:
                why = "the champion"
            case Ground.NEWEST:
                why = "the newest: no champion is promoted yet"
            case Ground.MLFLOW_AWAY:
                why = "the newest of the local registry, because MLflow's records are not in use"
        return f"Priced by version {self.version}, {why}."


def choose_model(settings: Settings, connect: Connect, version: str | None = None) -> PriceSource:
    """The version to price with: the one named (a number, an alias, or a local ``v_…``), the champion, or the newest.

    Raises:
        NoModel: nothing is trained yet. NotFound: there is no such version.
        StoreUnavailable: a version of MLflow is named and the store does not answer.
    """
    if version is not None and version.startswith(LOCAL_PREFIX):
        return _local_source(open_registry(settings, connect).get_model(version), Ground.NAMED)
    try:
        store = connect()
        found = get_version(store, version) if version is not None else champion_or_newest(store)
        ground = Ground.NEWEST
    except StoreUnavailable:
        if version is not None:
            raise
        found, ground = None, Ground.MLFLOW_AWAY
    if found is not None:
        return _source(found, Ground.NAMED if version is not None else ground)
    newest = open_registry(settings, connect).latest()
    if newest is None:
        raise NoModel(
            "No model has been trained yet, so there is no price.",
            remedy="Train one on the Train screen, or with `python -m core train`.",
        )
    return _local_source(newest, ground)


def _source(version: ModelVersion, ground: Ground) -> PriceSource:
    is_champion = ground is Ground.NEWEST and Alias.CHAMPION in version.aliases
    return PriceSource(
        version=version.version,
        family=version.family,
        run_id=version.run_id or None,
        sha256=version.sha256,
        ground=Ground.CHAMPION if is_champion else ground,
        is_demo=version.is_demo,
        data_sha256=version.tags.get(DATA_SHA256_TAG, ""),
        intervals_sha256=version.tags.get(INTERVALS_TAG, ""),
    )


def _local_source(entry: LocalVersion, ground: Ground) -> PriceSource:
    return PriceSource(
        version=entry.version,
        family=entry.family,
        run_id=entry.run_id,
        sha256=entry.sha256,
        ground=ground,
        is_demo=is_demo(entry.tags),
        data_sha256=entry.tags.get(DATA_SHA256_TAG, ""),
        intervals_sha256=entry.intervals_sha256,
    )
