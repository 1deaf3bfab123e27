"""Registered models of MLflow's old file store: ``mlruns/models/<name>/version-<number>/meta.yaml``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from core.domain.errors import UnreadableRecord
from core.tracking.import_file_store import ARTIFACTS, LARGEST_NUMBER, META, OldRun, read_texts, writable
from core.tracking.import_folder import ImportFolder, Note, join, unreadable
from core.tracking.import_models import place_below

MODELS: Final = "models"
LONGEST_VERSION_TAG: Final = 5_000
_VERSION: Final = re.compile(r"version-(\d{1,9})")
_OF_RUN: Final = re.compile(r"runs:/(?P<run>[^/]+)/(?P<path>.+)")
_LONGEST_ALIAS: Final = 255


@dataclass(frozen=True, slots=True)
class OldVersion:
    """A version of an old registry: of MLflow's, or of a registry.json.

    Attributes:
        key: names it among all that were ever imported.
        label: how people are told of it.
        name: the registered model it is of; empty: the lab's own.
        run_id: the id its run had; empty when none is named.
        created: milliseconds since 1970; None when the record does not say.
        folder: where its files may be read, and ``model`` the place there of its pickle or of its MLflow model.
        lacking: why there is no ``model``.
        sha256: the digest the record holds; empty for none.
        local_name: its name in a registry.json, if that has the lab's form.
        params, metrics: what a registry.json says of it; MLflow's versions leave that to the run.
    """

    key: str
    label: str
    name: str
    run_id: str
    created: int | None
    stage: str
    folder: ImportFolder
    model: str = ""
    lacking: str = ""
    sha256: str = ""
    family: str = ""
    description: str = ""
    local_name: str = ""
    aliases: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


def read_versions(folder: ImportFolder, runs: Mapping[str, OldRun], note: Note) -> Iterator[OldVersion]:
    """Every version of every registered model, each model's oldest first.

    Args:
        runs: by id the old store's runs, among whose files the models lie.
    """
    for model in folder.folders(MODELS, note):
        place = join(MODELS, model)
        name = model
        try:
            told = folder.document(join(place, META)).get("name")
            name = writable(told) if isinstance(told, str) and told else model
        except UnreadableRecord as error:
            note(error.where, f"{error.what} Its versions come in under the folder's name.")
        holders = _aliases(folder, place, note)
        for number in _numbers(folder, place, note):
            try:
                yield _read(folder, place, name, number, runs, holders.get(number, ()), note)
            except UnreadableRecord as error:
                note(error.where, error.what)


def _read(
    folder: ImportFolder,
    place: str,
    name: str,
    number: int,
    runs: Mapping[str, OldRun],
    aliases: tuple[str, ...],
    note: Note,
) -> OldVersion:
    home = join(place, f"version-{number}")
    meta = folder.document(join(home, META))
    run_id = _word(meta, "run_id")
    model, lacking = "", ""
    try:
        model = _model_place(folder, meta, run_id, runs)
    except UnreadableRecord as error:
        lacking = error.what
    created = meta.get("creation_timestamp")
    is_time = isinstance(created, int) and not isinstance(created, bool) and 0 <= created <= LARGEST_NUMBER
    return OldVersion(
        key=f"mlruns {name}/{number}",
        label=f"version {number} of {name}",
        name=name,
        run_id=run_id,
        created=created if is_time else None,
        stage=_word(meta, "current_stage"),
        folder=folder,
        model=model,
        lacking=lacking,
        description=_word(meta, "description"),
        aliases=aliases,
        tags=dict(read_texts(folder, join(home, "tags"), LONGEST_VERSION_TAG, note)),
    )


def _model_place(folder: ImportFolder, meta: Mapping[str, Any], run_id: str, runs: Mapping[str, OldRun]) -> str:
    """Where a version's model lies in the old store.

    Raises:
        UnreadableRecord: it lies elsewhere, or is gone.
    """
    source = _word(meta, "storage_location") or _word(meta, "source")
    found = _OF_RUN.fullmatch(source)
    owner, path = (found["run"], found["path"]) if found else (run_id, "")
    # The store may have been moved since, so what counts is the part within the run.
    marker = f"/{run_id}/{ARTIFACTS}/"
    if not path and run_id and marker in source:
        path = source.partition(marker)[2]
    if path and owner in runs:
        place = f"{runs[owner].place}/{ARTIFACTS}/{path.rstrip('/')}"
    elif path:
        raise unreadable(f"Its run {owner[:80]} is not in the folder.", source[:200])
    else:
        below = place_below(folder, source) if source else None
        if below is None:
            raise unreadable(f"Its model lies outside of the folder and was not read: {source[:200]}.", source[:200])
        place = below
    folder.path(place)
    return place


def _numbers(folder: ImportFolder, place: str, note: Note) -> list[int]:
    named = (_VERSION.fullmatch(name) for name in folder.folders(place, note))
    return sorted(int(found[1]) for found in named if found)


def _aliases(folder: ImportFolder, place: str, note: Note) -> dict[int, tuple[str, ...]]:
    """By version the aliases that point to it."""
    holders: dict[int, tuple[str, ...]] = {}
    for alias, number in read_texts(folder, join(place, "aliases"), _LONGEST_ALIAS, note):
        if number.strip().isdecimal():
            holders[int(number)] = (*holders.get(int(number), ()), alias)
    return holders


def _word(meta: Mapping[str, Any], key: str) -> str:
    told = meta.get(key)
    return writable(told) if isinstance(told, str) else ""
