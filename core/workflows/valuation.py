"""A price for one house, from the champion or from a version that is named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.domain.errors import NoModel, StoreUnavailable
from core.domain.house import House
from core.domain.money import is_capped, price_text
from core.domain.runs import Alias, ModelVersion
from core.domain.settings import Settings
from core.models.packaged import read_model
from core.tracking.local_registry import LocalVersion, ModelRegistry
from core.tracking.registry import champion_or_newest, get_version, load_version
from core.tracking.store import Store
from core.workflows.training import Connect


@dataclass(frozen=True, slots=True)
class PriceSource:
    """Which version a price comes from, and on what ground: an alias, a name, or being the newest."""

    version: str
    family: str
    run_id: str | None
    sha256: str
    is_champion: bool
    is_demo: bool
    is_named: bool

    @property
    def sentence(self) -> str:
        """``Priced by version 3, the newest: no champion is promoted yet.``"""
        if self.is_named:
            return f"Priced by version {self.version}, as you chose."
        if self.is_champion:
            return f"Priced by version {self.version}, the champion."
        return f"Priced by version {self.version}, the newest: no champion is promoted yet."


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
        if self.source.is_demo:
            told.append("This model was trained on invented demo data: the price means nothing.")
        return tuple(told)

    def as_report(self) -> dict[str, object]:
        """JSON values only: what the terminal prints."""
        return {
            "price": self.price,
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
    if version is not None and version.startswith("v_"):
        return _local_source(ModelRegistry(settings).get_model(version), named=True)
    try:
        store = connect()
        found = get_version(store, version) if version is not None else champion_or_newest(store)
    except StoreUnavailable:
        if version is not None:
            raise
        found = None
    if found is not None:
        return _source(found, named=version is not None)
    newest = ModelRegistry(settings).latest()
    if newest is None:
        raise NoModel(
            "No model is trained yet, so there is no price.",
            remedy="Train one on the Train screen, or with `python -m core train`.",
        )
    return _local_source(newest, named=False)


def load_model(settings: Settings, connect: Connect, source: PriceSource) -> ServedModel:
    """The model of a version, its file compared with the recorded SHA-256. Keep it: this takes a while.

    Raises:
        UntrustedModel: the file is not the one that was recorded. RecordsError: it is gone.
    """
    if source.version.startswith("v_"):
        registry = ModelRegistry(settings)
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


def _source(version: ModelVersion, *, named: bool) -> PriceSource:
    return PriceSource(
        version=version.version,
        family=version.family,
        run_id=version.run_id or None,
        sha256=version.sha256,
        is_champion=Alias.CHAMPION in version.aliases,
        is_demo=version.is_demo,
        is_named=named,
    )


def _local_source(entry: LocalVersion, *, named: bool) -> PriceSource:
    return PriceSource(
        version=entry.version,
        family=entry.family,
        run_id=entry.run_id,
        sha256=entry.sha256,
        is_champion=False,
        is_demo=entry.tags.get("data.source") == "demo",
        is_named=named,
    )
