"""Which files of an old store are models, found without opening one: reading a pickle runs the code in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import urlsplit

from core.domain.errors import UnreadableRecord
from core.domain.imports import LeftOutModel
from core.tracking.import_file_store import ARTIFACTS, OldRun
from core.tracking.import_folder import ImportFolder, Note, join, unreadable
from core.tracking.runs import local_path

DESCRIPTION: Final = "MLmodel"
"""The file that makes a folder a model of MLflow's. Loading one imports whatever module it names."""

_SUFFIXES: Final = frozenset(
    {".pkl", ".pickle", ".joblib", ".cloudpickle", ".dill", ".pt", ".pth", ".bin", ".model", ".sav"}
)
_PACKED: Final = frozenset({".gz", ".z", ".bz2", ".xz", ".lzma", ".lz4", ".zst"})
_PICKLE_MARK: Final = b"\x80"
"""How a pickle of protocol 2 to 5 begins, followed by that number. Older ones are known by their names alone."""

_PROTOCOLS: Final = range(2, 6)


@dataclass(frozen=True, slots=True)
class ArtifactFiles:
    """A run's files below ``place``: those that may be copied, and those of models."""

    place: str
    plain: tuple[str, ...]
    models: tuple[str, ...]


def sort_artifacts(folder: ImportFolder, run: OldRun, note: Note) -> ArtifactFiles:
    """A run's files, of which the whole folder of an MLflow model counts as model."""
    place = _artifacts_place(folder, run, note)
    if place is None:
        return ArtifactFiles("", (), ())
    files = list(folder.files(place, note))
    homes = {str(PurePosixPath(file).parent) for file in files if PurePosixPath(file).name == DESCRIPTION}
    models = [file for file in files if _lies_in(file, homes) or is_pickled(folder, join(place, file))]
    return ArtifactFiles(place, tuple(file for file in files if file not in set(models)), tuple(models))


def untrusted(folder: ImportFolder, found: ArtifactFiles, belongs_to: str, note: Note) -> Iterator[LeftOutModel]:
    """The model files of a run with their digests: the pickles, or of a model without one its description."""
    pickles = [file for file in found.models if is_pickled(folder, join(found.place, file))]
    described = [file for file in found.models if PurePosixPath(file).name == DESCRIPTION]
    shown = pickles + [file for file in described if not _lies_in_any(pickles, str(PurePosixPath(file).parent))]
    for file in shown:
        place = join(found.place, file)
        try:
            yield LeftOutModel(folder.shown(place), folder.sha256(place), belongs_to)
        except UnreadableRecord as error:
            note(error.where, error.what)


def is_pickled(folder: ImportFolder, place: str) -> bool:
    """Whether a file is a pickle by its name or by how it begins. Unreadable ones are not."""
    suffixes = [suffix.lower() for suffix in PurePosixPath(place).suffixes]
    if suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    if suffixes and suffixes[-1] in _SUFFIXES:
        return True
    try:
        with folder.open(place) as stream:
            beginning = stream.read(2)
    except UnreadableRecord:
        return False
    return len(beginning) == 2 and beginning[:1] == _PICKLE_MARK and beginning[1] in _PROTOCOLS


def model_file(folder: ImportFolder, place: str) -> str:
    """The pickle of an MLflow model's folder, as its description names it; the place itself when it is a pickle.

    Raises:
        UnreadableRecord: there is none.
    """
    if folder.has_file(place):
        return place
    description = folder.document(join(place, DESCRIPTION))
    for name in _named_files(description):
        if folder.has_file(join(place, name)):
            return join(place, name)
    pickles = [join(place, file) for file in folder.files(place) if is_pickled(folder, join(place, file))]
    if len(pickles) == 1:
        return pickles[0]
    raise unreadable("The model holds no pickle that its MLmodel names.", folder.shown(place))


def place_below(folder: ImportFolder, address: str) -> str | None:
    """The place an address of files means in a folder; None when it lies elsewhere.

    Raises:
        UnreadableRecord: the address climbs.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("", "file"):
        return None
    path = local_path(address) if parts.scheme == "file" else Path(address)
    if path is None:
        return None
    if ".." in path.parts:
        raise unreadable(f"{address[:200]} leads out of the folder; nothing there is read.", folder.shown())
    if not path.is_absolute():
        return path.as_posix()
    return path.relative_to(folder.root).as_posix() if path.is_relative_to(folder.root) else None


def _artifacts_place(folder: ImportFolder, run: OldRun, note: Note) -> str | None:
    """Where a run's files lie: in its own folder, else where its record says, if that is in the old store."""
    own = join(run.place, ARTIFACTS)
    if next(folder.files(own), None) is not None or not run.artifact_uri:
        return own
    # The store may have been moved since: an address of this very form means its own folder.
    if run.artifact_uri.rstrip("/").endswith(f"/{run.run_id}/{ARTIFACTS}") and ".." not in run.artifact_uri:
        return own
    try:
        place = place_below(folder, run.artifact_uri)
    except UnreadableRecord as error:
        note(folder.shown(run.place), error.what)
        return own
    if place is None:
        note(folder.shown(run.place), f"Its files lie outside of the folder and were not read: {run.artifact_uri}.")
        return own
    return place


def _named_files(description: dict[str, Any]) -> list[str]:
    flavors = description.get("flavors")
    flavors = flavors if isinstance(flavors, dict) else {}
    named = []
    for flavor, keys in (("sklearn", ("pickled_model",)), ("python_function", ("model_path", "data"))):
        told = flavors.get(flavor)
        named += [told[key] for key in keys if isinstance(told, dict) and isinstance(told.get(key), str)]
    return named


def _lies_in(file: str, folders: set[str]) -> bool:
    return any(str(parent) in folders for parent in PurePosixPath(file).parents)


def _lies_in_any(files: Sequence[str], folder: str) -> bool:
    return any(_lies_in(file, {folder}) for file in files)
