"""Which runs serve: those behind the versions that hold an alias."""

from __future__ import annotations

from core.domain.errors import NotFound
from core.tracking.store import Store, mlflow_errors


class RunAliases:
    """Reads the aliases of the registered model, and remembers which run each version is of: that never changes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs: dict[str, str] = {}

    def read(self) -> dict[str, tuple[str, ...]]:
        """The aliases by run id, as they stand now. Raises StoreUnavailable."""
        # The search for versions leaves the aliases out; the model has them.
        with mlflow_errors(self._store.uri):
            held = self._store.client.get_registered_model(self._store.model_name).aliases
        aliases: dict[str, list[str]] = {}
        for alias, version in sorted(held.items()):
            run_id = self._run_of(str(version))
            if run_id:
                aliases.setdefault(run_id, []).append(alias)
        return {run_id: tuple(names) for run_id, names in sorted(aliases.items())}

    def _run_of(self, version: str) -> str:
        if version not in self._runs:
            try:
                with mlflow_errors(self._store.uri):
                    found = self._store.client.get_model_version(self._store.model_name, version)
            except NotFound:
                return ""  # deleted since the aliases were read
            self._runs[version] = found.run_id or ""
        return self._runs[version]
