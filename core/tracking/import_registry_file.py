"""An old registry.json, of whatever form the old project's had: versions with a model's path, metrics, time and stage.

Understood are a list of entries, a mapping from version to entry, either of them under ``models``, ``versions`` or the
name of a model, and the lab's own form.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

from core.domain.errors import NotFound, UnreadableRecord
from core.tracking.import_file_store import LARGEST_NUMBER, writable
from core.tracking.import_folder import ImportFolder, Note, join, unreadable
from core.tracking.import_versions import OldVersion
from core.tracking.local_version import LOCAL_PREFIX

_LAB_FOLDERS: Final = ("models", "model_registry")
"""Where registry.json lies in a project; its model paths are relative to the project."""

_SAVED: Final = "models/saved_models"
_LOCAL_NAME: Final = re.compile(rf"{LOCAL_PREFIX}\d{{8}}_\d{{6}}")
_DRIVE: Final = re.compile(r"[A-Za-z]:/")
_DEEPEST: Final = 4
_FIRST_MILLISECOND: Final = 100_000_000_000
"""A larger number is no time in seconds: that would be the year 5138."""

_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "version": ("version", "version_id", "model_version", "id"),
    "model": ("model_path", "path", "model_file", "file", "filename"),
    "metrics": ("metrics", "scores", "performance"),
    "params": ("params", "hyperparameters", "parameters", "model_params"),
    "created": ("created", "created_at", "timestamp", "registered_at", "registration_time", "date"),
    "stage": ("stage", "status", "current_stage"),
    "family": ("family", "model_type", "algorithm", "model_name", "type"),
    "run": ("run_id", "mlflow_run_id"),
    "sha256": ("sha256", "model_sha256"),
    "description": ("description", "notes"),
    "tags": ("tags", "metadata"),
}
"""What a field may be called; the first one that is there counts."""

_AN_ENTRY_HAS: Final = (*_WORDS["model"], *_WORDS["metrics"])
_IN_PRODUCTION: Final = ("production", "production_version", "production_model", "current_production", "champion")


def read_registry(file: Path, note: Note) -> list[OldVersion]:
    """The versions of a registry.json, in its order.

    Raises:
        NotFound: there is no such file.
        UnreadableRecord: it is no registry.
    """
    # The project is the folder that may be read: the models lie beside the registry, not below it.
    home = file.expanduser().resolve().parent
    if not file.expanduser().is_file():
        raise NotFound("There is no such file.", where=str(file), remedy="Give the old project's registry.json.")
    is_in_project = home.parts[-2:] == _LAB_FOLDERS
    folder = ImportFolder(home.parents[1] if is_in_project else home)
    below = "/".join(_LAB_FOLDERS) if is_in_project else ""
    place = join(below, file.expanduser().resolve().name)
    try:
        document = json.loads(folder.whole(place).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise unreadable(f"It is no JSON: {str(error)[:200] or type(error).__name__}.", str(file)) from error
    found = list(_entries(document))
    if not found:
        raise unreadable("It holds no versions: no entry has a model's path or metrics.", str(file))
    serving = _in_production(document)
    versions = {}
    for number, (name, entry) in enumerate(found, 1):
        version = _version(folder, below, entry, name or f"entry {number}", note)
        if version.key in versions:
            note(f"{file}: {version.label}", "There is another entry of that version; the first one comes in.")
            continue
        is_serving = not version.stage and version.key.removeprefix("registry ") == serving
        versions[version.key] = replace(version, stage="production") if is_serving else version
    return list(versions.values())


def _version(folder: ImportFolder, below: str, entry: Mapping[str, Any], name: str, note: Note) -> OldVersion:
    version = _text(entry, "version") or name
    where = f"{folder.shown(below)}: {version[:80]}"
    try:
        model, lacking = _model_place(folder, below, _text(entry, "model")), ""
    except UnreadableRecord as error:
        model, lacking = "", error.what
    local_name = version if _LOCAL_NAME.fullmatch(version) else ""
    created = _moment(_field(entry, "created"))
    if created is None and local_name:
        created = _moment(local_name.removeprefix(LOCAL_PREFIX).replace("_", "T"))
    metrics = {}
    for key, value in _flat(_field(entry, "metrics")):
        figure = _figure(value)
        if figure is None:
            note(f"{where}, metrics.{key[:80]}", f"{str(value)[:80]!r} is no number.")
        else:
            metrics[key] = figure
    return OldVersion(
        key=f"registry {version}",
        label=f"{version} of registry.json",
        name="",
        run_id=_text(entry, "run"),
        created=created,
        stage=_text(entry, "stage"),
        folder=folder,
        model=model,
        lacking=lacking,
        sha256=_text(entry, "sha256"),
        family=_text(entry, "family"),
        description=_text(entry, "description"),
        local_name=local_name,
        tags={key: writable(str(value)) for key, value in _flat(_field(entry, "tags")) if _is_plain(value)},
        params={key: writable(str(value)) for key, value in _flat(_field(entry, "params")) if _is_plain(value)},
        metrics=metrics,
    )


def _entries(document: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and content of each entry: the name it stands under, empty in a list."""
    if depth > _DEEPEST:
        return
    if isinstance(document, list):
        for item in document:
            yield from _entries(item, "", depth + 1)
    elif isinstance(document, dict):
        if any(key in document for key in _AN_ENTRY_HAS):
            yield name, document
            return
        for key, value in document.items():
            yield from _entries(value, str(key), depth + 1)


def _model_place(folder: ImportFolder, below: str, said: str) -> str:
    """Where the model file of an entry lies.

    Raises:
        UnreadableRecord: the entry names none, it is gone, or its path leads elsewhere.
    """
    if not said:
        raise unreadable("It names no model file.", folder.shown(below))
    text = said.replace("\\", "/")
    path = PurePosixPath(text)
    candidates = [f"{_SAVED}/{path.name}", path.name]
    if ".." in path.parts:
        raise unreadable(f"{said[:200]} leads out of the folder; nothing there is read.", folder.shown())
    if not path.is_absolute() and not _DRIVE.match(text):
        candidates = [text, join(below, text), *candidates]
    elif Path(text).is_relative_to(folder.root):
        candidates = [Path(text).relative_to(folder.root).as_posix(), *candidates]
    for candidate in candidates:
        if folder.has_file(candidate):
            return candidate
    with folder.open(candidates[0]):  # says why
        return candidates[0]


def _in_production(document: Any) -> str:
    """The version that a registry names as the one in production; empty for none."""
    if not isinstance(document, dict):
        return ""
    said = next((document[key] for key in _IN_PRODUCTION if isinstance(document.get(key), str)), "")
    return writable(said)


def _field(entry: Mapping[str, Any], what: str) -> Any:
    return next((entry[key] for key in _WORDS[what] if entry.get(key) is not None), None)


def _text(entry: Mapping[str, Any], what: str) -> str:
    said = _field(entry, what)
    return writable(str(said)) if _is_plain(said) else ""


def _flat(said: Any) -> Iterator[tuple[str, Any]]:
    """Names and values of a mapping; those of mappings within under both names."""
    if not isinstance(said, dict):
        return
    for key, value in said.items():
        if isinstance(value, dict):
            yield from ((writable(f"{key}.{inner}"), deep) for inner, deep in value.items())
        else:
            yield writable(str(key)), value


def _is_plain(said: Any) -> bool:
    return isinstance(said, str | int | float | bool)


def _figure(said: Any) -> float | None:
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    try:
        return float(said)
    except OverflowError:
        return None


def _moment(said: Any) -> int | None:
    """Milliseconds since 1970 of a time in ISO form (UTC unless it says otherwise), in seconds or milliseconds."""
    if isinstance(said, str):
        try:
            read = datetime.fromisoformat(said.strip())
        except ValueError:
            return None
        said = (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    figure = _figure(said)
    if figure is None or not math.isfinite(figure):
        return None
    milliseconds = figure if figure > _FIRST_MILLISECOND else figure * 1000
    return round(milliseconds) if 0 <= milliseconds <= LARGEST_NUMBER else None
