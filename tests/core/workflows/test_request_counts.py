"""Counts of what REST was asked: several writers add up, a damaged file harms nobody, and old days go."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.data.block_groups import BlockGroups
from core.domain.paths import Paths
from core.evaluation.drift import DriftBaseline, DriftVerdict, drift
from core.features.direct import HouseRows
from core.serving import request_sketch
from core.serving.request_sketch import RequestSketch
from core.workflows.request_counts import KEPT_DAYS, RowsKnown, forget_old, read_counts, today, write_counts
from core.workflows.scoring_drift import training_rows

SPLIT = "random_0.2_42"
KNOWN = RowsKnown("a" * 64, SPLIT)


@pytest.fixture(scope="module")
def around(real_rows: pd.DataFrame) -> BlockGroups:
    rows = real_rows.head(3_000).reset_index(drop=True)
    return BlockGroups.of(rows, rows.index[::5], sha256="a" * 64, is_demo=False)


@pytest.fixture(scope="module")
def baseline(around: BlockGroups) -> DriftBaseline:
    return DriftBaseline.of(training_rows(around))


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


def some(around: BlockGroups, first: int, last: int) -> HouseRows:
    return HouseRows(around.numbers[first:last], around.place_numbers[first:last])


def test_what_is_written_is_read_as_it_was(paths: Paths, around: BlockGroups, baseline: DriftBaseline) -> None:
    sketch = baseline.count(some(around, 0, 500))
    write_counts(paths, today(), "ab", KNOWN, sketch)
    found = read_counts(paths, KNOWN, baseline, days=1)
    assert found.sketch is not None
    assert (found.rows, found.others, found.unreadable) == (500, 0, ())
    assert drift(found.sketch, baseline) == drift(sketch, baseline)


def test_processes_that_count_at_once_add_up_to_all_rows(
    paths: Paths, around: BlockGroups, baseline: DriftBaseline
) -> None:
    sketches = [RequestSketch(paths, SPLIT) for _ in range(3)]

    def work(sketch: RequestSketch, number: int) -> None:
        for place in range(100):
            sketch.note(around, some(around, number * 1000 + place, number * 1000 + place + 1))
            if place % 20 == 0:
                sketch.count()
        sketch.count()

    threads = [threading.Thread(target=work, args=(one, number)) for number, one in enumerate(sketches)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read_counts(paths, KNOWN, baseline, days=1)
    whole = [some(around, number * 1000, number * 1000 + 100) for number in range(3)]
    at_once = baseline.count(
        HouseRows(np.vstack([one.numbers for one in whole]), np.concatenate([one.places for one in whole]))
    )
    assert found.sketch is not None
    assert found.rows == 300
    assert drift(found.sketch, baseline) == drift(at_once, baseline)
    assert len(list(paths.request_counts.iterdir())) == 3


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 nothing", b"no archive at all", None])
def test_a_damaged_file_is_named_and_the_others_are_counted(
    paths: Paths, around: BlockGroups, baseline: DriftBaseline, damage: bytes | None
) -> None:
    write_counts(paths, today(), "aa", KNOWN, baseline.count(some(around, 0, 10)))
    write_counts(paths, today(), "bb", KNOWN, baseline.count(some(around, 0, 20)))
    file = paths.request_counts / f"{today()}.bb.npz"
    file.write_bytes(file.read_bytes()[:400] if damage is None else damage)
    found = read_counts(paths, KNOWN, baseline, days=1)
    assert (found.rows, found.unreadable) == (10, (file.name,))


def test_a_file_that_would_run_code_is_not_unpickled(paths: Paths, baseline: DriftBaseline) -> None:
    paths.request_counts.mkdir(parents=True)
    np.savez(paths.request_counts / f"{today()}.cc.npz", form=np.array([object()], dtype=object))
    assert read_counts(paths, KNOWN, baseline, days=1).unreadable == (f"{today()}.cc.npz",)


def test_counts_of_other_training_rows_are_not_added(
    paths: Paths, around: BlockGroups, baseline: DriftBaseline
) -> None:
    other = DriftBaseline.of(some(around, 0, 1500))
    write_counts(paths, today(), "aa", RowsKnown("b" * 64, SPLIT), other.count(some(around, 0, 30)))
    write_counts(paths, today(), "bb", RowsKnown("a" * 64, "random_0.3_42"), baseline.count(some(around, 0, 7)))
    found = read_counts(paths, KNOWN, baseline, days=1)
    assert (found.rows, found.others, found.unreadable) == (0, 37, ())


def test_days_are_told_apart_and_old_ones_removed(paths: Paths, around: BlockGroups, baseline: DriftBaseline) -> None:
    for back in (0, 1, 6, 7, KEPT_DAYS):
        day = today() - timedelta(days=back)
        write_counts(paths, day, "aa", KNOWN, baseline.count(some(around, 0, 10 + back)))
    found = read_counts(paths, KNOWN, baseline, days=7)
    assert [rows for _, rows in found.by_day] == [16, 11, 10]
    forget_old(paths)
    left = sorted(file.name for file in paths.request_counts.iterdir())
    assert len(left) == 4
    assert left[0] > f"{today() - timedelta(days=KEPT_DAYS)}"


def test_midnight_begins_a_new_file(paths: Paths, around: BlockGroups, baseline: DriftBaseline) -> None:
    day = today() - timedelta(days=1)
    sketch = RequestSketch(paths, SPLIT, day=lambda: day)
    sketch.note(around, some(around, 0, 5))
    sketch.count()
    day = today()
    sketch.note(around, some(around, 0, 3))
    sketch.count()
    assert read_counts(paths, KNOWN, baseline, days=2).by_day == ((today() - timedelta(days=1), 5), (today(), 3))


def test_what_cannot_be_written_is_kept_and_written_later(
    paths: Paths, around: BlockGroups, baseline: DriftBaseline
) -> None:
    paths.logs.mkdir(parents=True)
    paths.request_counts.write_text("a file where the folder should be")
    sketch = RequestSketch(paths, SPLIT)
    sketch.note(around, some(around, 0, 5))
    sketch.count()
    paths.request_counts.unlink()
    sketch.note(around, some(around, 0, 1))
    sketch.count()
    assert read_counts(paths, KNOWN, baseline, days=1).rows == 6


def test_what_comes_too_fast_is_not_counted_and_takes_no_memory(
    paths: Paths, around: BlockGroups, baseline: DriftBaseline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_sketch, "MOST_WAITING", 100)
    sketch = RequestSketch(paths, SPLIT)
    for _ in range(10):
        sketch.note(around, some(around, 0, 30))
    sketch.count()
    assert read_counts(paths, KNOWN, baseline, days=1).rows == 90


def test_without_block_groups_nothing_is_counted(paths: Paths, around: BlockGroups) -> None:
    sketch = RequestSketch(paths, SPLIT)
    sketch.note(None, some(around, 0, 5))
    sketch.count()
    assert not paths.request_counts.exists()


def test_houses_of_another_kind_are_told_from_the_training_rows(
    paths: Paths, around: BlockGroups, baseline: DriftBaseline
) -> None:
    rich = around.numbers[:400].copy()
    rich[:, 7] = 14.0
    sketch = RequestSketch(paths, SPLIT)
    sketch.note(around, HouseRows(rich, around.place_numbers[:400]))
    sketch.start()
    sketch.close()
    found = read_counts(paths, KNOWN, baseline, days=1)
    assert found.sketch is not None
    verdicts = {one.feature: one.verdict for one in drift(found.sketch, baseline)}
    assert verdicts["median_income"] is DriftVerdict.VERY_DIFFERENT
