"""Which version answers: the champion's, as soon as it is one.

A look costs two queries and happens every second. A new version is loaded beside the old one, its digest checked
and a price asked of it; then one reference changes hands. A request takes the reference once, so its answer is
wholly one version's, and a version that cannot be loaded changes nothing but what ``/health`` says.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import numpy as np

from core.data.block_groups import BlockGroups
from core.domain.errors import DataError, LabError, NoModel, RecordsError
from core.domain.runs import Alias
from core.domain.settings import Settings
from core.features.direct import HouseRows
from core.models.fast_predict import PriceRoute, probe_houses
from core.workflows.chosen_data import settings_on
from core.workflows.known_block_groups import block_groups, file_state
from core.workflows.price_source import Ground, PriceSource, choose_model
from core.workflows.served_model import ServedModel, load_model, with_ranges
from core.workflows.training_state import Connect

LOOK_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 30.0
"""A version that could not be loaded is tried again after so long: somebody may have restored its file."""

_NOTHING_YET: Final = "No model has been loaded yet."
_log = logging.getLogger(__name__)


class Condition(StrEnum):
    """How the service stands."""

    OK = "ok"
    DEGRADED = "degraded"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """A loaded, verified version, and since when it answers."""

    model: ServedModel
    since: datetime

    @property
    def source(self) -> PriceSource:
        """Which version it is, and on what ground it answers."""
        return self.model.source

    @property
    def route(self) -> PriceRoute:
        """The quickest way to its prices."""
        return self.model.route

    @property
    def alias(self) -> str | None:
        """``champion``, where it serves for being that."""
        return Alias.CHAMPION.value if self.source.ground is Ground.CHAMPION else None


@dataclass(frozen=True, slots=True)
class Standing:
    """What answers, and what keeps the service from doing what it should. ``reason`` is empty while nothing does."""

    served: ServedVersion | None
    reason: str

    @property
    def condition(self) -> Condition:
        if self.served is None:
            return Condition.WAITING
        return Condition.DEGRADED if self.reason else Condition.OK


class Follower:
    """Keeps the version that should answer.

    Args:
        connect: opens MLflow's store.
        clock: seconds that never run backwards.
    """

    def __init__(self, settings: Settings, connect: Connect, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._connect = connect
        self._clock = clock
        self._looking = threading.Lock()
        self._standing = Standing(None, _NOTHING_YET)
        self._failed: tuple[str, str] | None = None
        self._retry_at = 0.0
        self._around: tuple[str, BlockGroups | None] = ("", None)

    @property
    def standing(self) -> Standing:
        """One reference: whoever takes it sees one version, whatever happens meanwhile. Any thread may ask."""
        return self._standing

    def look(self) -> None:
        """See which version should answer, and let it. Blocks while one is loaded; one look at a time."""
        with self._looking:
            try:
                self._follow(choose_model(self._settings, self._connect))
            except NoModel as error:
                self._note(f"{error.what} {error.remedy}")
            except LabError as error:
                self._note(error.what)

    def note_failure(self, error: BaseException) -> None:
        """A look ended in something nobody foresaw; the version that answers goes on."""
        _log.error("Looking for the version to serve failed.", exc_info=error)
        self._note(f"Looking for the version to serve failed: {type(error).__name__}.")

    def _follow(self, source: PriceSource) -> None:
        served = self._standing.served
        if served is not None and source.ground is Ground.MLFLOW_AWAY and self._settings.training.enable_mlflow:
            self._note("MLflow's records cannot be read, so a promotion would not be seen.")
            return
        if served is not None and served.source.sha256 == source.sha256:
            if served.source != source:
                is_renamed = served.source.version != source.version
                # The ranges of a version are measured after it was registered, and may be measured again.
                model = with_ranges(self._settings, self._connect, replace(served.model, source=source))
                served = replace(served, model=model, since=_now() if is_renamed else served.since)
            self._failed = None
            self._standing = Standing(served, "")
            return
        wanted = (source.version, source.sha256)
        if self._failed == wanted and self._clock() < self._retry_at:
            return
        # Set before it is tried: whatever the load ends in, it is not repeated every second.
        self._failed, self._retry_at = wanted, self._clock() + RETRY_SECONDS
        try:
            loaded = ServedVersion(self._load(source), _now())
        except LabError as error:
            self._note(f"Version {source.version} cannot be served: {error.what}")
            return
        self._failed = None
        self._standing = Standing(loaded, "")
        _log.info("Serving version %s (%s).", source.version, source.ground.value)

    def _load(self, source: PriceSource) -> ServedModel:
        model = load_model(self._settings, self._connect, source, self._block_groups(source))
        if not np.isfinite(model.route.prices(HouseRows.from_houses(probe_houses()))).all():
            raise RecordsError("It does not give every probe house a finite price.", remedy="Train the model again.")
        return model

    def _block_groups(self, source: PriceSource) -> BlockGroups | None:
        """What houses are compared with; without it prices and ranges are the same and nothing warns or explains."""
        chosen = settings_on(self._settings, source.data_sha256)
        state = f"{chosen.data_path} {file_state(chosen.data_path)}"
        known, found = self._around
        if found is None or known != state:
            try:
                found = block_groups(chosen)
            except DataError as error:
                _log.warning("Valuations have no warnings and no reasons. %s", error)
                found = None
            self._around = (state, found)
        return found

    def _note(self, reason: str) -> None:
        if reason != self._standing.reason:
            _log.warning("%s", reason)
        self._standing = replace(self._standing, reason=reason)


def _now() -> datetime:
    return datetime.now(UTC)
