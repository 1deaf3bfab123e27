"""A version ready to price: its verified Pipeline, the quick way to its prices, its ranges, its reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from core.data.block_groups import BlockGroups
from core.domain.errors import RecordsError, StoreUnavailable
from core.domain.settings import Settings
from core.evaluation.intervals import IntervalModel
from core.explanation.contributions import Explainer, explainer
from core.models.fast_predict import PriceRoute, price_route
from core.models.packaged import read_model
from core.tracking.intervals import read_intervals, read_local_intervals
from core.tracking.local_registry import open_registry
from core.tracking.registry import get_version, load_version
from core.workflows.price_source import PriceSource
from core.workflows.training_state import Connect


def _nothing_to_compare_with() -> None:
    """Without block groups there is no reason to give."""


@dataclass(frozen=True, slots=True, eq=False)
class ServedModel:
    """A loaded, verified version and where it comes from.

    Attributes:
        pipeline: takes the nine raw columns.
        route: the quickest exact way to the same prices.
        intervals: what it knows of its own errors; None where that was never measured.
        around: the data file's block groups; None where there is none here.
        range_trouble: why there is no range though one was measured; empty otherwise.
        explain: gives what tells the reasons of its prices; the first call makes it.
    """

    pipeline: Any
    source: PriceSource
    route: PriceRoute
    intervals: IntervalModel | None = None
    around: BlockGroups | None = None
    explain: Callable[[], Explainer | None] = _nothing_to_compare_with
    range_trouble: str = ""


def load_model(
    settings: Settings, connect: Connect, source: PriceSource, around: BlockGroups | None = None
) -> ServedModel:
    """The model of a version, its file compared with the recorded SHA-256. Keep it: this takes a while.

    Raises:
        UntrustedModel: the file is not the one that was recorded. RecordsError: it is gone.
    """
    if source.is_local:
        registry = open_registry(settings, connect)
        pipeline = read_model(registry.model_file(registry.get_model(source.version)), source.sha256)
    else:
        store = connect()
        pipeline = load_version(store, get_version(store, source.version))
    route = price_route(pipeline)
    model = ServedModel(pipeline, source, route, around=around)
    if around is not None:
        model = replace(model, explain=cache(lambda: explainer(pipeline, route, source.family, around)))
    return with_ranges(settings, connect, model)


def with_ranges(settings: Settings, connect: Connect, model: ServedModel) -> ServedModel:
    """The model with what is recorded of its errors now: a range is measured after a version was registered.

    A record that is gone or is not the one that was written costs the range, not the price; ``range_trouble`` says so.

    Raises:
        StoreUnavailable: MLflow's store does not answer.
    """
    try:
        return replace(model, intervals=_read_intervals(settings, connect, model.source), range_trouble="")
    except StoreUnavailable:
        raise
    except RecordsError as error:
        return replace(model, intervals=None, range_trouble=f"{error.what} {error.remedy}")


def _read_intervals(settings: Settings, connect: Connect, source: PriceSource) -> IntervalModel | None:
    if source.is_local:
        registry = open_registry(settings, connect)
        return read_local_intervals(registry, registry.get_model(source.version))
    store = connect()
    return read_intervals(store, get_version(store, source.version))
