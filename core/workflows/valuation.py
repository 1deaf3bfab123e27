"""A price for one house, from the champion or from a version that is named."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.domain.errors import NoModel, StoreUnavailable
from core.domain.house import House
from core.domain.money import LOWEST_RECORDED, dollars, is_capped, price_text
from core.domain.provenance import is_demo
from core.domain.runs import Alias, ModelVersion
from core.domain.settings import Settings
from core.models.packaged import read_model
from core.tracking.local_registry import open_registry
from core.tracking.local_version import LOCAL_PREFIX, LocalVersion
from core.tracking.registry import champion_or_newest, get_version, load_version
from core.tracking.store import Store
from core.workflows.training_state import Connect


class Ground(StrEnum):
    """Why a version is the one that prices."""

    NAMED = "named"
    CHAMPION = "champion"
    NEWEST = "newest"
    MLFLOW_AWAY = "mlflow away"


@dataclass(frozen=True, slots=True)
class PriceSource:
    """Which version a price comes from, and on what ground."""

    version: str
    family: str
    run_id: str | None
    sha256: str
    ground: Ground
    is_demo: bool

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


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A loaded, verified Pipeline and where it comes from."""

    pipeline: Any
    source: PriceSource


@dataclass(frozen=True, slots=True)
class Valuation:
    """The price of one house in 1990 USD, and which version says so."""

    house: House
    price: float
    source: PriceSource

    @property
    def text(self) -> str:
        """The price as it should be read aloud: ``$412,300``, or ``$500,000 or more`` near the survey's cap."""
        return price_text(self.price)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the reader must know beside the price."""
        told = []
        if is_capped(self.price):
            told.append(
                "The survey recorded every median above $500,000 as 500,001, so no model can say how much more."
            )
        if self.price < LOWEST_RECORDED:
            told.append(
                f"The survey recorded no median below {dollars(LOWEST_RECORDED)}: the model runs on beyond its data."
            )
        if self.source.is_demo:
            told.append("This model was trained on invented demo data: the price means nothing.")
        return tuple(told)

    def as_report(self) -> dict[str, object]:
        """JSON values only: what the terminal prints.

        The range and the contributions are null: they are not computed yet, and a missing figure is never 0.
        """
        return {
            "price": self.price,
            "low_80": None,
            "high_80": None,
            "low_90": None,
            "high_90": None,
            "contributions": None,
            "text": self.text,
            "warnings": list(self.warnings),
            "version": self.source.version,
            "house": self.house.as_dict(),
        }


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
            "No model is trained yet, so there is no price.",
            remedy="Train one on the Train screen, or with `python -m core train`.",
        )
    return _local_source(newest, ground)


def load_model(settings: Settings, connect: Connect, source: PriceSource) -> ServedModel:
    """The model of a version, its file compared with the recorded SHA-256. Keep it: this takes a while.

    Raises:
        UntrustedModel: the file is not the one that was recorded. RecordsError: it is gone.
    """
    if source.version.startswith(LOCAL_PREFIX):
        registry = open_registry(settings, connect)
        pipeline = read_model(registry.model_file(registry.get_model(source.version)), source.sha256)
    else:
        store: Store = connect()
        pipeline = load_version(store, get_version(store, source.version))
    return ServedModel(pipeline, source)


def value(model: ServedModel, house: House) -> Valuation:
    """The price of a house, exactly as the Pipeline predicts it."""
    import pandas as pd

    row = pd.DataFrame([house.as_dict()])
    row["total_bedrooms"] = row["total_bedrooms"].astype(float)
    return Valuation(house, float(model.pipeline.predict(row)[0]), model.source)


def _source(version: ModelVersion, ground: Ground) -> PriceSource:
    is_champion = ground is Ground.NEWEST and Alias.CHAMPION in version.aliases
    return PriceSource(
        version=version.version,
        family=version.family,
        run_id=version.run_id or None,
        sha256=version.sha256,
        ground=Ground.CHAMPION if is_champion else ground,
        is_demo=version.is_demo,
    )


def _local_source(entry: LocalVersion, ground: Ground) -> PriceSource:
    return PriceSource(
        version=entry.version,
        family=entry.family,
        run_id=entry.run_id,
        sha256=entry.sha256,
        ground=ground,
        is_demo=is_demo(entry.tags),
    )
