"""Dataset versions on disk: whole or not there, kept once, found by name, never led out of their folder."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from core.data.dataset_store import ABOUT_FILE, DatasetStore, digest
from core.data.own_table import own_table
from core.data.schema import COLUMNS
from core.domain.configuration import load_settings
from core.domain.datasets import CONFIGURED_NAME, DatasetVersion, dataset_name
from core.domain.errors import DataUnavailable, InvalidData, NotFound
from core.domain.paths import Paths
from core.domain.settings import DataSettings


@pytest.fixture
def store(tmp_path: Path) -> DatasetStore:
    return DatasetStore(Paths(tmp_path))


@pytest.fixture(scope="module")
def limits() -> DataSettings:
    return load_settings(environment={}).data


def version_of(content: bytes, name: str, *, seconds: int = 0) -> DatasetVersion:
    added = datetime(2026, 3, 1, 12, 0, seconds, tzinfo=UTC)
    return DatasetVersion(digest(content), name, rows=3, size=len(content), added=added, actor="me", file_name="a.csv")


def keep(store: DatasetStore, content: bytes, name: str, *, seconds: int = 0) -> DatasetVersion:
    version = version_of(content, name, seconds=seconds)
    store.add(version, content)
    return version


def test_what_is_kept_is_found_by_name_by_digest_and_by_its_beginning(store: DatasetStore) -> None:
    old, new = keep(store, b"old", "Last year"), keep(store, b"new", "This year", seconds=5)
    assert store.all() == (new, old)
    for asked in ("this year", " This  year ", new.sha256, new.sha256[:8]):
        assert store.find(asked) == new
    assert store.rows_file(new.sha256).read_bytes() == b"new"
    with pytest.raises(NotFound, match="no dataset 'next year'"):
        store.find("next year")


def test_the_same_rows_are_refused_kindly_and_so_is_a_taken_name(store: DatasetStore) -> None:
    keep(store, b"rows", "mine")
    with pytest.raises(InvalidData, match="here already, as 'mine'"):
        keep(store, b"rows", "yours")
    with pytest.raises(InvalidData, match="a dataset 'mine' already"):
        keep(store, b"other rows", "MINE")
    assert [one.name for one in store.all()] == ["mine"]


@pytest.mark.parametrize("name", ["../../etc", "..", "/etc/passwd", "a" * 63, "A" * 64, "", "0" * 63 + "/"])
def test_no_name_becomes_a_path(store: DatasetStore, name: str) -> None:
    assert not store.has(name)
    with pytest.raises(NotFound):
        store.rows_file(name)


def test_what_is_removed_is_gone_and_removing_it_again_says_so(store: DatasetStore, tmp_path: Path) -> None:
    version = keep(store, b"rows", "mine")
    store.remove(version.sha256)
    assert store.all() == ()
    assert list(Paths(tmp_path).datasets.iterdir()) == []
    with pytest.raises(NotFound):
        store.remove(version.sha256)


def test_a_folder_that_is_no_version_is_left_out_and_its_rows_can_be_added(
    store: DatasetStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    version = keep(store, b"rows", "mine")
    about = Paths(tmp_path).datasets / version.sha256 / ABOUT_FILE
    about.write_text("{")
    assert store.all() == ()
    assert "is no dataset version" in caplog.text
    keep(store, b"rows", "mine again")
    assert json.loads(about.read_text())["name"] == "mine again"


def test_what_a_crash_left_is_swept_and_what_is_being_written_is_not(store: DatasetStore, tmp_path: Path) -> None:
    keep(store, b"rows", "mine")
    root = Paths(tmp_path).datasets
    old, young = root / ".draft.1.old", root / ".draft.2.young"
    old.mkdir()
    young.mkdir()
    os.utime(old, (time.time() - 7_200,) * 2)
    keep(store, b"more", "more")
    assert (old.exists(), young.exists()) == (False, True)


def test_a_disk_that_refuses_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    Paths(tmp_path).datasets.parent.mkdir(parents=True)
    Paths(tmp_path).datasets.write_text("a file where the folder should be")
    with pytest.raises(DataUnavailable, match="cannot be written"):
        keep(DatasetStore(Paths(tmp_path)), b"rows", "mine")


def _race(home: Path, number: int, answers: multiprocessing.Queue[str]) -> None:
    try:
        keep(DatasetStore(Paths(home)), b"the same rows", f"process {number}")
        answers.put("added")
    except InvalidData:
        answers.put("refused")


def test_of_processes_that_bring_the_same_rows_at_once_one_adds_them(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    processes = [context.Process(target=_race, args=(tmp_path, number, answers)) for number in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert sorted(answers.get(timeout=5) for _ in processes) == ["added", "refused", "refused", "refused"]
    (version,) = DatasetStore(Paths(tmp_path)).all()
    assert DatasetStore(Paths(tmp_path)).rows_file(version.sha256).read_bytes() == b"the same rows"


def test_a_csv_file_is_kept_byte_for_byte(real_rows: pd.DataFrame, limits: DataSettings) -> None:
    content = real_rows.head(60).to_csv(index=False).encode()
    assert own_table(io.BytesIO(content), "mine.csv", limits) == (content, 60)


def test_a_parquet_file_is_kept_as_the_csv_of_the_same_values(real_rows: pd.DataFrame, limits: DataSettings) -> None:
    rows = real_rows.head(400)
    packed = io.BytesIO()
    rows[list(reversed(COLUMNS))].to_parquet(packed)
    content, count = own_table(packed, "mine.parquet", limits)
    pd.testing.assert_frame_equal(pd.read_csv(io.BytesIO(content)), rows[list(COLUMNS)])
    assert count == 400
    assert own_table(io.BytesIO(content), "mine.csv", limits) == (content, 400)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"median_income": 83252.0}, "line 5: median_income is 83252, outside 0 to 20"),
        ({"ocean_proximity": "LAKE"}, "line 5: ocean_proximity is 'LAKE', not one of"),
        ({"latitude": None}, "line 5: latitude is missing"),
        ({"total_bedrooms": 99999.0}, "line 5: total_bedrooms is"),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_bad_row_is_named_with_its_line_column_and_rule(
    real_rows: pd.DataFrame, limits: DataSettings, change: dict[str, object], said: str, kind: str
) -> None:
    rows = real_rows.head(60).copy()
    for name, value in change.items():
        rows.loc[3, name] = value
    file = io.BytesIO()
    if kind == "csv":
        rows.to_csv(file, index=False)
    else:
        rows.to_parquet(file)
    with pytest.raises(InvalidData) as refused:
        own_table(file, f"mine.{kind}", limits)
    assert said in refused.value.what


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"PAR1 but broken", b"a,b\n1,2\n", b"\x00" * 50])
def test_what_is_no_table_of_ours_is_refused(content: bytes, limits: DataSettings) -> None:
    with pytest.raises(InvalidData):
        own_table(io.BytesIO(content), "mine.csv", limits)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(limits: DataSettings) -> None:
    small = limits.model_copy(update={"max_megabytes": 1})
    with pytest.raises(InvalidData, match="at most 1 MB"):
        own_table(io.BytesIO(b"x" * 1_100_000), "mine.csv", small)


@pytest.mark.parametrize("name", ["", "  \n ", CONFIGURED_NAME, "Configured", "a" * 64, "x" * 81, "a\u202eb", "a\x00b"])
def test_a_name_that_means_nothing_or_another_thing_is_refused(name: str) -> None:
    with pytest.raises(InvalidData):
        dataset_name(name)


@pytest.mark.parametrize("name", ["<b>$5</b>", "Größe 2024", "'; DROP TABLE", "a/../b", "🏠"])
def test_a_strange_name_is_a_name(name: str) -> None:
    assert dataset_name(f"  {name} ") == name
