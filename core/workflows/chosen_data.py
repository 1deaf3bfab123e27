"""Which file holds the rows of a digest: a dataset version of somebody's own, or the configured file.

All that reads rows asks settings where they are. So the rows of a digest are read under settings that name their file;
everything else about them stays as it is.
"""

from __future__ import annotations

from core.data.dataset_store import DatasetStore
from core.domain.datasets import CONFIGURED, CONFIGURED_NAME
from core.domain.errors import NotFound
from core.domain.settings import Settings


def settings_on(settings: Settings, sha256: str) -> Settings:
    """The settings under which the data file is the one of that digest.

    For the configured file, and for a digest nobody kept rows of, they are the settings as they are: whoever reads
    compares the digest of what is read with the one that was wanted.
    """
    store = DatasetStore(settings.paths)
    if sha256 == CONFIGURED or not store.has(sha256):
        return settings
    data = settings.data.model_copy(update={"path": store.rows_file(sha256)})
    return settings.model_copy(update={"data": data})


def dataset_name_of(settings: Settings, sha256: str) -> str:
    """What the dataset version of that digest is called; empty for all other rows."""
    return next((one.name for one in DatasetStore(settings.paths).all() if one.sha256 == sha256), "")


def require_dataset(settings: Settings, sha256: str) -> None:
    """Nothing, for the configured file and for a dataset that is kept here.

    Raises:
        NotFound: there is no such dataset.
    """
    if sha256 != CONFIGURED and not DatasetStore(settings.paths).has(sha256):
        raise NotFound(
            f"There is no dataset with SHA-256 {sha256[:12]}… here.",
            where=str(settings.paths.datasets),
            remedy="Choose another one, or add it on the Data screen. `python -m core data` lists all.",
        )


def find_dataset(settings: Settings, name: str) -> str:
    """The digest of the dataset of that name, or beginning of a digest; empty for ``configured``.

    Raises:
        NotFound: there is none.
    """
    if name.casefold() == CONFIGURED_NAME:
        return CONFIGURED
    return DatasetStore(settings.paths).find(name).sha256
