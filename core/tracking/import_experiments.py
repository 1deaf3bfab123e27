"""Which experiment of ours an old one's runs come into."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from core.tracking.import_file_store import LONGEST_TAG, OldExperiment, read_texts
from core.tracking.import_folder import ImportFolder, Note, join
from core.tracking.import_requests import each_or_noted
from core.tracking.store import Store, mlflow_errors

_DEFAULT: Final = "Default"
_DEFAULT_HERE: Final = "Default (imported)"
"""MLflow makes an experiment Default of its own, and lets its files fall into whatever folder one stands in."""

_LONGEST: Final = 500


class ExperimentNames:
    """Finds or makes experiments of ours by the names of old ones.

    Args:
        into: the one experiment for all runs; empty: each keeps its own name.

    Raises:
        StoreUnavailable: by every method, when our store does not answer.
    """

    def __init__(self, store: Store, into: str = "") -> None:
        self._store = store
        self._into = into.strip()
        self._ids: dict[str, str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The experiments that were asked for, in that order."""
        return tuple(self._ids)

    def id_of(self, folder: ImportFolder, experiment: OldExperiment, note: Note) -> str:
        """The id of our experiment for an old one's runs; where there is none it is made, with the old one's tags."""
        name = self._into or (_DEFAULT_HERE if experiment.name == _DEFAULT else experiment.name[:_LONGEST])
        if name not in self._ids:
            self._ids[name] = self.id_by_name(name) or self._create(name, folder, experiment, note)
        return self._ids[name]

    def of_the_lab(self) -> str:
        """The experiment for what belongs to none: the lab's own, unless all goes into another one."""
        if not self._into:
            return self._store.experiment_id
        if self._into not in self._ids:
            self._ids[self._into] = self.id_by_name(self._into) or self._made(self._into)
        return self._ids[self._into]

    def id_by_name(self, name: str) -> str | None:
        """The experiment of that name, restored if it was deleted; None where there is none."""
        client = self._store.client
        with mlflow_errors(self._store.uri):
            found = client.get_experiment_by_name(name)
            if found is None:
                return None
            if found.lifecycle_stage == "deleted":
                client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)

    def _made(self, name: str) -> str:
        client = self._store.client
        with mlflow_errors(self._store.uri):
            # A server has a place of its own for files; a database has none, so they go where the lab's go.
            is_server = self._store.uri.startswith(("http://", "https://"))
            ours = None if is_server else client.get_experiment(self._store.experiment_id).artifact_location
            return str(client.create_experiment(name, artifact_location=ours))

    def _create(self, name: str, folder: ImportFolder, experiment: OldExperiment, note: Note) -> str:
        made = self._made(name)
        tags = {} if self._into else dict(read_texts(folder, join(experiment.place, "tags"), LONGEST_TAG, note))
        each_or_noted(
            self._store,
            list(tags.items()),
            partial(self._set_tags, made),
            lambda tag, reason: note(f"{experiment.place}/tags/{tag[0]}", reason),
        )
        return made

    def _set_tags(self, experiment_id: str, tags: Sequence[tuple[str, str]]) -> None:
        for key, value in tags:
            self._store.client.set_experiment_tag(experiment_id, key, value)
