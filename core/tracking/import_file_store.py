"""MLflow's old file store (``mlruns``, as versions up to 2.x wrote it), read file by file.

::

    mlruns/<experiment>/meta.yaml, tags/<key>, datasets/<id>/meta.yaml
    mlruns/<experiment>/<run>/meta.yaml, params/<key>, tags/<key>, inputs/<id>/meta.yaml, artifacts/…
    mlruns/<experiment>/<run>/metrics/<key>     a line a value: "time value step", time in milliseconds
    mlruns/.trash/<experiment>/…                deleted experiments; a deleted run says so in its meta.yaml

MLflow 3.17 opens such a folder no more. A key may hold ``/``: then its file lies in folders of that name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from core.domain.errors import UnreadableRecord
from core.domain.runs import RunStatus
from core.tracking.import_folder import ImportFolder, Note, join, unreadable

META: Final = "meta.yaml"
TRASH: Final = ".trash"
ARTIFACTS: Final = "artifacts"
LONGEST_PARAM: Final = 6_000
LONGEST_TAG: Final = 8_000
"""Characters MLflow 3.17 holds of a param and of a tag."""

LARGEST_NUMBER: Final = 2**63 - 1
"""The databases' largest whole number."""

_NO_RUNS: Final = frozenset({"tags", "datasets", "traces", "models", TRASH})
_STATES: Final = {
    1: RunStatus.RUNNING,
    2: RunStatus.SCHEDULED,
    3: RunStatus.FINISHED,
    4: RunStatus.FAILED,
    5: RunStatus.KILLED,
}
"""The file store writes a run's state as a number."""

_LONGEST_LINE: Final = 4_096
_BAD_LINES_TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class OldExperiment:
    """An experiment of the old store; ``place`` is its folder. ``deleted`` when it lies in the trash."""

    place: str
    name: str
    deleted: bool


@dataclass(frozen=True, slots=True)
class OldRun:
    """A run of the old store. Times are milliseconds since 1970; None where the old record has none.

    Every run of a deleted experiment is ``deleted``.
    """

    run_id: str
    place: str
    experiment: OldExperiment
    name: str
    user: str
    status: RunStatus
    started: int | None
    ended: int | None
    deleted: bool
    artifact_uri: str


class MetricPoint(NamedTuple):
    """One value of a metric."""

    key: str
    value: float
    time: int
    step: int


@dataclass(frozen=True, slots=True)
class OldDataset:
    """A dataset a run took in, and the tags of that."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None
    profile: str | None
    tags: tuple[tuple[str, str], ...]


def read_experiments(folder: ImportFolder, note: Note) -> list[OldExperiment]:
    """Every experiment, those in the trash last."""
    found = []
    for parent in ("", TRASH):
        for name in folder.folders(parent, note):
            place = join(parent, name)
            has_meta = folder.has_file(join(place, META))
            # Other folders lie beside the experiments: models, and what other programs keep there.
            if name == "models" or not (name.isdecimal() or has_meta):
                continue
            found.append(OldExperiment(place, _experiment_name(folder, place, name, note), deleted=parent == TRASH))
    return found


def run_places(folder: ImportFolder, experiment: OldExperiment, note: Note) -> list[str]:
    """The names of an experiment's run folders."""
    return [name for name in folder.folders(experiment.place, note) if name not in _NO_RUNS]


def read_run(folder: ImportFolder, experiment: OldExperiment, name: str, note: Note) -> OldRun:
    """The run of a folder.

    Raises:
        UnreadableRecord: its meta.yaml is missing, is none, or is of another run.
    """
    place = join(experiment.place, name)
    meta = folder.document(join(place, META))
    said = meta.get("run_id") or meta.get("run_uuid")
    if said is not None and said != name:
        raise unreadable("It is the meta.yaml of another run.", folder.shown(join(place, META)))

    def told(reason: str) -> None:
        note(folder.shown(join(place, META)), reason)

    status = _status(meta.get("status"))
    if status is None:
        told(f"The state {meta.get('status')!r} is none; the run comes in as {RunStatus.KILLED}.")
    times = {key: _moment(meta.get(key)) for key in ("start_time", "end_time")}
    for key, moment in times.items():
        if moment is None and meta.get(key) is not None:
            told(f"{key} is no time in milliseconds.")
    return OldRun(
        run_id=name,
        place=place,
        experiment=experiment,
        name=_text(meta.get("run_name")),
        user=_text(meta.get("user_id")),
        status=status or RunStatus.KILLED,
        started=times["start_time"],
        ended=times["end_time"],
        deleted=experiment.deleted or meta.get("lifecycle_stage") == "deleted",
        artifact_uri=_text(meta.get("artifact_uri")),
    )


def read_texts(folder: ImportFolder, place: str, longest: int, note: Note) -> Iterator[tuple[str, str]]:
    """Key and value of each param or tag of a folder; a longer value is cut, and said to be."""
    for key in folder.files(place, note):
        where = folder.shown(join(place, key))
        try:
            text, size = folder.text(join(place, key), longest)
        except UnreadableRecord as error:
            note(error.where, error.what)
            continue
        if not _is_writable(key):
            note(where, "Its name is no text.")
            continue
        if size > len(text.encode()):
            note(where, f"It is {size:,} bytes long and MLflow holds {longest:,} characters: the rest was cut off.")
        yield key, writable(text)


def read_metrics(folder: ImportFolder, run: OldRun, note: Note) -> Iterator[MetricPoint]:
    """Every value of every metric, as its lines stand."""
    place = join(run.place, "metrics")
    for key in folder.files(place, note):
        where = folder.shown(join(place, key))
        if not _is_writable(key):
            note(where, "Its name is no text.")
            continue
        bad = 0
        try:
            for number, line in _lines(folder, join(place, key)):
                point = _metric_point(key, line)
                if point is not None:
                    yield point
                    continue
                bad += 1
                if bad <= _BAD_LINES_TOLD:
                    shown = line[:60].decode("utf-8", "replace")
                    note(f"{where}:{number}", f"{shown!r} is no line of time, value and step.")
        except UnreadableRecord as error:
            note(error.where, error.what)
        if bad > _BAD_LINES_TOLD:
            note(where, f"So are {bad - _BAD_LINES_TOLD:,} more of its lines.")


def read_datasets(folder: ImportFolder, run: OldRun, note: Note) -> Iterator[OldDataset]:
    """The datasets a run took in."""
    inputs = join(run.place, "inputs")
    for name in folder.folders(inputs, note):
        try:
            link = folder.document(join(join(inputs, name), META))
            source = _text(link.get("source_id"))
            if link.get("source_type", "DATASET") != "DATASET":
                continue
            if not source or "/" in source:
                raise unreadable("It names no dataset.", folder.shown(join(inputs, name)))
            meta = folder.document(f"{run.experiment.place}/datasets/{source}/{META}")
        except UnreadableRecord as error:
            note(error.where, error.what)
            continue
        tags = link.get("tags")
        yield OldDataset(
            name=_text(meta.get("name")),
            digest=_text(meta.get("digest")),
            source_type=_text(meta.get("source_type")),
            source=_text(meta.get("source")),
            schema=_text(meta.get("schema")) or None,
            profile=_text(meta.get("profile")) or None,
            tags=tuple((_text(key), _text(value)) for key, value in tags.items()) if isinstance(tags, dict) else (),
        )


def writable(text: str) -> str:
    """Text that every database takes: half a surrogate pair and the sign NUL are replaced."""
    return text if _is_writable(text) else text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _is_writable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _experiment_name(folder: ImportFolder, place: str, number: str, note: Note) -> str:
    unnamed = f"imported {number}"
    try:
        name = _text(folder.document(join(place, META)).get("name"))
    except UnreadableRecord as error:
        note(error.where, f"{error.what} The experiment's runs come in under the name {unnamed!r}.")
        return unnamed
    return name or unnamed


def _lines(folder: ImportFolder, place: str) -> Iterator[tuple[int, bytes]]:
    """Number and content of each line that is not empty. Of an endless one only the beginning is kept."""
    with folder.open(place) as stream:
        number = 0
        while line := stream.readline(_LONGEST_LINE):
            number += 1
            part = line
            while part and not part.endswith(b"\n"):
                part = stream.readline(_LONGEST_LINE)
            if line.strip():
                yield number, line


def _metric_point(key: str, line: bytes) -> MetricPoint | None:
    words = line.split()
    if len(words) not in (2, 3, 5):  # without a step, as 0.x wrote them, and with a dataset, as later ones do
        return None
    try:
        time, value = int(words[0]), float(words[1])
        step = int(words[2]) if len(words) > 2 else 0
    except ValueError:
        return None
    if not 0 <= time <= LARGEST_NUMBER or abs(step) > LARGEST_NUMBER:
        return None
    return MetricPoint(key, value, time, step)


def _status(said: Any) -> RunStatus | None:
    if isinstance(said, int):
        return _STATES.get(said)
    return RunStatus(said) if isinstance(said, str) and said in set(RunStatus) else None


def _moment(said: Any) -> int | None:
    is_whole = isinstance(said, int) and not isinstance(said, bool)
    return said if is_whole and 0 <= said <= LARGEST_NUMBER else None


def _text(said: Any) -> str:
    """A text of a document, as it stands; empty for what is none."""
    if isinstance(said, bool) or not isinstance(said, str | int | float):
        return ""
    return writable(str(said))
