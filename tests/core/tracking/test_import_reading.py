"""Old records are read as they were written, and no content of a file makes the reader fail."""

from __future__ import annotations

import json
import math
import string
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from core.domain.errors import LabError, UnreadableRecord
from core.tracking.import_file_store import (
    LONGEST_PARAM,
    OldExperiment,
    read_datasets,
    read_experiments,
    read_metrics,
    read_run,
    read_texts,
)
from core.tracking.import_folder import ImportFolder
from core.tracking.import_models import is_pickled, place_below
from core.tracking.import_registry_file import read_registry
from tests.core.old_store import OldStore, write_bytes

RUN = "ab" * 16
_SIGNS = string.ascii_letters + string.digits + "_-. "
KEYS = st.lists(
    st.text(_SIGNS, min_size=1, max_size=20).filter(lambda part: set(part) != {"."}), min_size=1, max_size=3
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)
POINTS = st.lists(st.tuples(st.integers(0, 2**62), st.floats(), st.integers(-(2**62), 2**62)), max_size=20)


def ignore(where: str, reason: str) -> None:
    """Nobody is told."""


@given(key=KEYS, value=TEXTS)
def test_a_param_is_read_back_whatever_its_name_and_value(key: list[str], value: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_bytes(Path(folder, "params", *key), value.encode())
        assert list(read_texts(ImportFolder(Path(folder)), "params", LONGEST_PARAM, ignore)) == [("/".join(key), value)]


@given(points=POINTS)
def test_every_value_of_a_metric_is_read_back(points: list[tuple[int, float, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        old = OldStore(Path(folder))
        old.run(old.experiment("1", "one"), RUN, metrics={"a/b": points})
        read = list(read_metrics(*opened(old), ignore))
    assert [(point.time, repr(point.value), point.step) for point in read] == [
        (time, repr(value), step) for time, value, step in points
    ]


@settings(max_examples=60)
@given(
    content=st.binary(max_size=300)
    | st.builds(lambda value: json.dumps(value).encode(), st.recursive(st.integers() | st.text(), st.lists))
    | st.sampled_from(
        [b"run_id: !!python/name:os.system", b"a: &a [*a]", b"status: [3]", b"start_time: 1e999", b"? x"]
    ),
    place=st.sampled_from(["meta.yaml", "params/a", "metrics/a", "tags/a", "inputs/i/meta.yaml"]),
)
def test_no_content_of_a_file_makes_the_reader_fail(content: bytes, place: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        old = OldStore(Path(name))
        old.run(old.experiment("1", "one"), RUN)
        write_bytes(old.root / "1" / RUN / place, content)
        try:
            folder, run = opened(old)
        except UnreadableRecord:
            return
        list(read_metrics(folder, run, ignore))
        list(read_datasets(folder, run, ignore))
        for kind in ("params", "tags"):
            list(read_texts(folder, f"{run.place}/{kind}", LONGEST_PARAM, ignore))


@given(
    document=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    ["models", "versions", "version", "model_path", "metrics", "created", "stage", "tags", "x"]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=20,
    )
)
def test_no_registry_makes_the_reader_fail_or_leave_its_folder(document: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "registry.json"
        file.write_text(json.dumps(document), encoding="utf-8")
        try:
            versions = read_registry(file, ignore)
        except LabError:
            return
        for version in versions:
            assert bool(version.model) != bool(version.lacking)
            assert version.folder.root == Path(name).resolve()
            assert all(isinstance(figure, float) for figure in version.metrics.values())


ENTRY = {"path": "m.joblib", "metrics": {"rmse": 1.5, "test": {"mae": 2}}, "registered_at": 1_700_000_000}
FORMS = {
    "a list": [{"version": "v1", **ENTRY}],
    "under models": {"models": [{"version_id": "v1", **ENTRY}]},
    "by version": {"v1": ENTRY},
    "by version under versions": {"versions": {"v1": ENTRY}, "latest": "v1"},
    "by model": {"house_prices": {"versions": [{"version": "v1", **ENTRY}]}},
    "a number for a version": {"models": [{"version": "v1", **ENTRY, "run_id": None}], "next": 2},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_registry_is_understood_in_the_forms_it_is_known_in(form: object, tmp_path: Path) -> None:
    (tmp_path / "m.joblib").write_bytes(b"\x80\x04N.")
    file = tmp_path / "registry.json"
    file.write_text(json.dumps(form), encoding="utf-8")
    (version,) = read_registry(file, ignore)
    assert (version.key, version.model, version.created) == ("registry v1", "m.joblib", 1_700_000_000_000)
    assert version.metrics == {"rmse": 1.5, "test.mae": 2.0}


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        ("2024-01-05T10:15:00", 1_704_449_700_000),
        ("2024-01-05T12:15:00+02:00", 1_704_449_700_000),
        (1_704_449_700, 1_704_449_700_000),
        (1_704_449_700_000, 1_704_449_700_000),
        ("last spring", None),
        (True, None),
        (math.inf, None),
        (-5, None),
    ],
)
def test_a_time_is_understood_as_text_seconds_or_milliseconds(tmp_path: Path, said: object, moment: int | None) -> None:
    file = tmp_path / "registry.json"
    file.write_text(json.dumps([{"version": "1", "metrics": {}, "created": said}]), encoding="utf-8")
    (version,) = read_registry(file, ignore)
    assert version.created == moment


def test_a_version_named_by_its_second_was_created_then(tmp_path: Path) -> None:
    file = tmp_path / "registry.json"
    file.write_text(json.dumps({"v_20240105_101500": {"metrics": {}}, "v_20249999_101500": {"metrics": {}}}))
    named, impossible = read_registry(file, ignore)
    assert (named.created, named.local_name) == (1_704_449_700_000, "v_20240105_101500")
    assert impossible.created is None


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("models/saved_models/m.joblib", True),
        ("saved_models/m.joblib", True),
        ("/somewhere/else/models/saved_models/m.joblib", True),
        ("C:\\old\\models\\saved_models\\m.joblib", True),
        ("models/../models/saved_models/m.joblib", False),
        ("models/saved_models/link.joblib", False),
        ("models/saved_models", False),
        ("", False),
    ],
)
def test_a_model_is_looked_for_in_the_registry_s_project_alone(tmp_path: Path, said: str, found: bool) -> None:
    saved = tmp_path / "models" / "saved_models"
    write_bytes(saved / "m.joblib", b"\x80\x04N.")
    (saved / "link.joblib").symlink_to(saved / "m.joblib")
    file = tmp_path / "models" / "model_registry" / "registry.json"
    write_bytes(file, json.dumps([{"version": "1", "model_path": said, "metrics": {}}]).encode())
    (version,) = read_registry(file, ignore)
    assert (version.model == "models/saved_models/m.joblib", bool(version.lacking)) == (found, not found)


@pytest.mark.parametrize(
    ("name", "content", "pickled"),
    [
        ("m.pkl", b"", True),
        ("m.JOBLIB", b"x\x9c", True),
        ("m.pkl.gz", b"\x1f\x8b", True),
        ("data", b"\x80\x05...", True),
        ("data", b"\x80\x09...", False),
        ("rows.csv.gz", b"\x1f\x8b", False),
        ("model.metrics.json", b"{}", False),
        ("fit.png", b"\x89PNG", False),
    ],
)
def test_a_pickle_is_known_by_its_name_or_its_first_bytes(
    tmp_path: Path, name: str, content: bytes, pickled: bool
) -> None:
    (tmp_path / name).write_bytes(content)
    assert is_pickled(ImportFolder(tmp_path), name) is pickled


@pytest.mark.parametrize("place", ["../x", "a/../../x", "/etc/passwd", "a\0b", "a\\..\\x"])
def test_a_path_that_leads_out_is_refused(tmp_path: Path, place: str) -> None:
    with pytest.raises(UnreadableRecord):
        ImportFolder(tmp_path).path(place)


def test_an_address_means_a_place_only_where_it_lies_in_the_folder(tmp_path: Path) -> None:
    folder = ImportFolder(tmp_path)
    assert place_below(folder, f"file://{folder.root}/a/b") == "a/b"
    assert place_below(folder, f"{folder.root}/a") == "a"
    assert place_below(folder, "s3://bucket/a") is None
    assert place_below(folder, "file:///etc") is None
    with pytest.raises(UnreadableRecord):
        place_below(folder, f"file://{folder.root}/../etc")


def opened(old: OldStore) -> tuple[ImportFolder, Any]:
    folder = ImportFolder(old.root)
    (experiment,) = read_experiments(folder, ignore)
    assert experiment == OldExperiment("1", "one", deleted=False)
    return folder, read_run(folder, experiment, RUN, ignore)
