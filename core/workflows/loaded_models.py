"""Versions in memory, each loaded once and shared by all sessions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from core.data.block_groups import BlockGroups
from core.domain.datasets import CONFIGURED
from core.domain.errors import DataError, LabError
from core.domain.runs import ModelVersion
from core.domain.settings import SQLITE, Settings
from core.tracking.registry import alias_holders, list_versions
from core.tracking.store import Store
from core.workflows.chosen_data import settings_on
from core.workflows.known_block_groups import block_groups, file_state
from core.workflows.lately import HELD_SECONDS, WATCHED_SECONDS, Lately
from core.workflows.price_source import Ground, PriceSource, choose_model
from core.workflows.recent import Recent
from core.workflows.served_model import ServedModel, load_model
from core.workflows.training_state import Connect

KEPT_MODELS: Final = 5
"""The one in use, and those looked at beside it. A deep forest is 200 MB."""

KEPT_FILES: Final = 2


class LoadedModels:
    """What prices houses on this server.

    Args:
        settings: whose data file. connect: opens MLflow's store.
    """

    def __init__(self, settings: Settings, connect: Connect) -> None:
        self._settings = settings
        self._connect = connect
        self._models: Recent[tuple[str, str, str], ServedModel] = Recent(KEPT_MODELS)
        self._around: Recent[str, BlockGroups] = Recent(KEPT_FILES)
        self._lately = Lately(connect)
        self._held = WATCHED_SECONDS if settings.tracking_uri.startswith(SQLITE) else HELD_SECONDS

    def source(self, version: str | None = None) -> PriceSource:
        """The version a price would come from now: the one named, the champion, or the newest.

        A screen asks this at every move of a slider, several times. What moves in a local store shows at once, in
        any other after a second.

        Raises:
            NoModel: nothing is trained yet. NotFound: there is no such version.
        """
        return self._lately.get(
            ("source", version, self._records_state()),
            lambda connect: choose_model(self._settings, connect, version),
            is_stopgap=lambda source: source.ground is Ground.MLFLOW_AWAY,
            held=self._held,
        )

    def versions(self) -> tuple[ModelVersion, ...]:
        """MLflow's versions with their aliases, the newest first; as fresh as ``source``. Raises StoreUnavailable."""
        return self._lately.get(
            ("versions", self._records_state()), lambda connect: _with_aliases(connect()), held=self._held
        )

    def served(self, version: str | None = None) -> ServedModel:
        """That version, ready to price.

        Raises:
            NoModel, NotFound, UntrustedModel, RecordsError: it cannot be loaded.
        """
        source = self.source(version)
        try:
            around = self.block_groups(source.data_sha256)
        except DataError:
            around = None
        # A range is measured after a version was registered, and block groups may come or change: then it is made anew.
        key = (source.sha256, source.intervals_sha256, around.sha256 if around else "")
        model = self._models.get(key, lambda: load_model(self._settings, self._connect, source, around))
        # The file is the same; on what ground it serves may have changed since it was loaded.
        return model if model.source == source else replace(model, source=source)

    def block_groups(self, sha256: str = CONFIGURED) -> BlockGroups:
        """The block groups of that dataset; of the configured file where no dataset has them.

        Raises:
            DataError: the file is not here, or breaks the schema.
        """
        chosen = settings_on(self._settings, sha256)
        key = f"{chosen.data_path} {file_state(chosen.data_path)}"
        return self._around.get(key, lambda: block_groups(chosen))

    def block_groups_of(self, version: str | None) -> BlockGroups:
        """Those the version was trained on; the configured file's while there is no such version. Raises DataError."""
        try:
            sha256 = self.source(version).data_sha256
        except LabError:
            sha256 = CONFIGURED
        return self.block_groups(sha256)

    def _records_state(self) -> str:
        """Changes when the local records do; a store elsewhere cannot be looked at so."""
        uri = self._settings.tracking_uri
        file = uri.removeprefix(SQLITE).partition("?")[0] if uri.startswith(SQLITE) else ""
        paths = [Path(name) for name in (file, f"{file}-wal") if file]
        return "; ".join(file_state(path) for path in (*paths, self._settings.paths.registry))


def _with_aliases(store: Store) -> tuple[ModelVersion, ...]:
    """MLflow leaves the aliases out of a list of versions."""
    held = alias_holders(store)
    return tuple(
        replace(version, aliases=tuple(alias for alias, holder in held.items() if holder == version.version))
        for version in list_versions(store)
    )
