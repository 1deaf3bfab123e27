"""A forest that was cut off goes on from its last checkpoint, and ends as if nothing had happened."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.domain.configuration import load_settings
from core.domain.errors import QueueUnavailable
from core.domain.hyperparameters import ModelFamily, TrainingSpec
from core.domain.jobs import Progress
from core.models import growth, trainer
from core.models.checkpoint import TreeCheckpoints, fingerprint
from core.models.families import build_pipeline
from core.models.growth import grow
from core.models.packaged import file_sha256
from core.models.steps import Rows, Step
from core.models.trainer import ModelTrainer
from tests.core.models.conftest import files_no_larger_than

XY = tuple[pd.DataFrame, pd.Series]

FORESTS = [ModelFamily.RANDOM_FOREST, ModelFamily.EXTRA_TREES]
TREES = 40


class CutOff(Exception):
    """What a SIGKILL does to a fit, as far as one process can show it."""


class Lines:
    """A ledger in memory: it outlives the attempts as the job database does."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def chunks(self) -> Sequence[tuple[str, str]]:
        return list(self.lines)

    def enter(self, name: str, sha256: str) -> None:
        self.lines.append((name, sha256))


class Mark:
    """Unpickled, it makes a file: what any code in a pickle could do."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.mark,))


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "FOREST_STEP_SECONDS", 0.02)


def drawn(rows: int = 400, seed: int = 0) -> Rows:
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(rows, 5))
    return Rows(X, X[:, 0] * 50_000 + draw.normal(size=rows) * 5_000 + 200_000)


ROWS = drawn()
WATCHED = drawn(100, seed=1)


def spec_of(family: ModelFamily, **knobs: object) -> TrainingSpec:
    return TrainingSpec.create(family, {"n_estimators": TREES, "max_depth": 8, **knobs})


def forest_of(spec: TrainingSpec, n_jobs: int = 2) -> Any:
    return build_pipeline(spec, n_jobs=n_jobs).named_steps["model"]


def trees_of(forest: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(tree.tree_.__getstate__()["nodes"], tree.tree_.__getstate__()["values"]) for tree in forest.estimators_]


def assert_same(forest: Any, bare: Any) -> None:
    """The same trees to the last bit, the same prices, the same knobs."""
    assert len(forest.estimators_) == len(bare.estimators_)
    for (nodes, values), (bare_nodes, bare_values) in zip(trees_of(forest), trees_of(bare), strict=True):
        assert all(np.array_equal(nodes[field], bare_nodes[field]) for field in nodes.dtype.names)
        np.testing.assert_array_equal(values, bare_values)
    bare.set_params(n_jobs=1)
    np.testing.assert_array_equal(forest.predict(WATCHED.X), bare.predict(WATCHED.X))
    np.testing.assert_array_equal(forest.feature_importances_, bare.feature_importances_)
    assert forest.get_params() == bare.get_params()
    assert set(vars(forest)) == set(vars(bare))


def attempt(
    spec: TrainingSpec,
    checkpoints: TreeCheckpoints,
    *,
    rows: Rows = ROWS,
    watched: Rows | None = None,
    cut_after: int | None = None,
) -> tuple[Any, list[Step]]:
    """One attempt at a fit; the forest is None when it was cut off after that many trees."""
    steps: list[Step] = []

    def on_step(step: Step) -> None:
        steps.append(step)
        if cut_after is not None and step.done > max(cut_after, step.restored):
            raise CutOff

    try:
        return grow(spec, forest_of(spec), rows, watched, on_step, checkpoints), steps
    except CutOff:
        return None, steps


def always(folder: Path, ledger: Lines) -> TreeCheckpoints:
    """Checkpoints that are written after every step."""
    return TreeCheckpoints(folder, ledger, every=1e-9)


def cut_off(spec: TrainingSpec, folder: Path, after: int = 20, **how: Any) -> Lines:
    """The ledger of an attempt that was cut off."""
    ledger = Lines()
    forest, _ = attempt(spec, always(folder, ledger), cut_after=after, **how)
    assert forest is None
    assert len(ledger.lines) >= 2
    return ledger


@pytest.mark.parametrize("family", FORESTS)
def test_a_forest_goes_on_where_it_was_cut_off_and_ends_as_a_bare_fit(family: ModelFamily, tmp_path: Path) -> None:
    spec = spec_of(family)
    ledger = cut_off(spec, tmp_path)
    kept = sum(len(joblib.load(tmp_path / name)) for name, _ in ledger.lines)
    assert kept > 4
    forest, steps = attempt(spec, always(tmp_path, ledger))
    assert steps[0] == Step(kept, None, restored=kept)
    assert_same(forest, forest_of(spec).fit(ROWS.X, ROWS.y))


@pytest.mark.parametrize("family", FORESTS)
def test_a_fit_that_leaves_checkpoints_ends_as_a_bare_fit(family: ModelFamily, tmp_path: Path) -> None:
    spec, ledger = spec_of(family), Lines()
    forest, _ = attempt(spec, always(tmp_path, ledger))
    assert ledger.lines
    assert_same(forest, forest_of(spec).fit(ROWS.X, ROWS.y))


@hypothesis_settings(max_examples=15)
@given(
    cuts=st.lists(st.integers(1, TREES - 1), max_size=4),
    family=st.sampled_from(FORESTS),
    trees=st.sampled_from([10, TREES]),
)
def test_however_often_a_forest_is_cut_off_it_ends_as_a_bare_fit(
    cuts: list[int], family: ModelFamily, trees: int
) -> None:
    spec, ledger = spec_of(family, n_estimators=trees), Lines()
    with tempfile.TemporaryDirectory() as name:
        begun = 0
        for cut in sorted(cuts):
            _, steps = attempt(spec, always(Path(name), ledger), cut_after=min(cut, trees - 1))
            assert steps[0].done >= begun
            begun = steps[0].restored
        forest, _ = attempt(spec, always(Path(name), ledger))
    assert_same(forest, forest_of(spec).fit(ROWS.X, ROWS.y))


def test_each_chunk_holds_only_the_trees_that_are_new(tmp_path: Path) -> None:
    spec, ledger = spec_of(ModelFamily.RANDOM_FOREST), Lines()
    checkpoints = always(tmp_path, ledger)
    bare = forest_of(spec).fit(ROWS.X, ROWS.y)
    checkpoints.load("fit")
    for done in (5, 5, 12, 40):
        checkpoints.offer(bare.estimators_[:done])
    assert [len(joblib.load(tmp_path / name)) for name, _ in ledger.lines] == [5, 7, 28]
    assert [file_sha256(tmp_path / name) for name, _ in ledger.lines] == [sha256 for _, sha256 in ledger.lines]
    assert len(always(tmp_path, ledger).load("fit")) == 40


def test_nothing_is_written_before_its_time(tmp_path: Path) -> None:
    bare = forest_of(spec_of(ModelFamily.RANDOM_FOREST)).fit(ROWS.X, ROWS.y)
    ledger = Lines()
    checkpoints = TreeCheckpoints(tmp_path, ledger, every=0.2)
    checkpoints.load("fit")
    checkpoints.offer(bare.estimators_[:5])
    assert not ledger.lines
    time.sleep(0.2)
    checkpoints.offer(bare.estimators_[:6])
    checkpoints.offer(bare.estimators_[:7])
    assert len(ledger.lines) == 1


def test_a_changed_chunk_is_never_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spec = spec_of(ModelFamily.RANDOM_FOREST)
    ledger = cut_off(spec, tmp_path)
    mark = tmp_path / "it ran"
    joblib.dump([Mark(mark)], tmp_path / ledger.lines[0][0])
    with caplog.at_level(logging.WARNING):
        forest, steps = attempt(spec, TreeCheckpoints(tmp_path, ledger, every=3_600))
    assert not mark.exists()
    assert "not the one that was written" in caplog.text
    assert steps[0].restored == 0
    assert_same(forest, forest_of(spec).fit(ROWS.X, ROWS.y))
    # It is armed: entered in the ledger it does run, so the digest is what kept it from running.
    ledger.enter(ledger.lines[0][0], file_sha256(tmp_path / ledger.lines[0][0]))
    TreeCheckpoints(tmp_path, ledger, every=1).load(fingerprint(forest_of(spec), ROWS.X, ROWS.y))
    assert mark.exists()


@pytest.mark.parametrize(
    "harm", [Path.unlink, lambda file: file.write_bytes(file.read_bytes()[:-9])], ids=["gone", "cut"]
)
def test_what_stands_before_a_bad_chunk_is_kept_and_what_follows_is_grown_again(harm: Any, tmp_path: Path) -> None:
    spec = spec_of(ModelFamily.EXTRA_TREES)
    ledger = cut_off(spec, tmp_path)
    good = len(joblib.load(tmp_path / ledger.lines[0][0])) + len(joblib.load(tmp_path / ledger.lines[1][0]))
    harm(tmp_path / ledger.lines[2][0])
    forest, steps = attempt(spec, always(tmp_path, ledger))
    assert steps[0].restored == good
    assert_same(forest, forest_of(spec).fit(ROWS.X, ROWS.y))
    # The bad one was written anew, so the next attempt gets past it.
    assert attempt(spec, always(tmp_path, ledger))[1][0].restored > good


def test_a_chunk_that_was_written_and_not_entered_is_passed_over(tmp_path: Path) -> None:
    spec = spec_of(ModelFamily.RANDOM_FOREST)
    ledger = cut_off(spec, tmp_path)
    last = ledger.lines.pop()[0]
    forest, steps = attempt(spec, always(tmp_path, ledger))
    assert steps[0].restored == int(last.removesuffix(".joblib").split("_")[-1])
    assert_same(forest, forest_of(spec).fit(ROWS.X, ROWS.y))


@pytest.mark.parametrize(
    ("spec", "rows"),
    [
        (spec_of(ModelFamily.RANDOM_FOREST, max_depth=9), ROWS),
        (TrainingSpec.create("random_forest", {"n_estimators": TREES, "max_depth": 8}, seed=7), ROWS),
        (spec_of(ModelFamily.EXTRA_TREES, max_features=0.35), ROWS),
        (spec_of(ModelFamily.RANDOM_FOREST), Rows(ROWS.X, np.where(np.arange(400) == 399, 1.0, ROWS.y))),
        (spec_of(ModelFamily.RANDOM_FOREST), Rows(ROWS.X[::-1], ROWS.y[::-1])),
    ],
    ids=["other depth", "other seed", "other family", "one other price", "other order"],
)
def test_trees_of_another_spec_or_of_other_rows_are_not_taken(spec: TrainingSpec, rows: Rows, tmp_path: Path) -> None:
    ledger = cut_off(spec_of(ModelFamily.RANDOM_FOREST), tmp_path)
    forest, steps = attempt(spec, always(tmp_path, ledger), rows=rows)
    assert {step.restored for step in steps} == {0}
    assert_same(forest, forest_of(spec).fit(rows.X, rows.y))


def test_how_many_trees_and_threads_are_asked_for_is_no_part_of_a_tree() -> None:
    def of(trees: int, n_jobs: int) -> str:
        return fingerprint(forest_of(spec_of(ModelFamily.RANDOM_FOREST, n_estimators=trees), n_jobs), ROWS.X, ROWS.y)

    assert of(10, 1) == of(40, 2)


def test_a_full_disk_loses_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spec, ledger = spec_of(ModelFamily.RANDOM_FOREST), Lines()
    with files_no_larger_than(10_000), caplog.at_level(logging.WARNING):
        forest, _ = attempt(spec, always(tmp_path, ledger))
    assert "without a checkpoint" in caplog.text
    assert not ledger.lines
    assert list(tmp_path.iterdir()) == []
    assert_same(forest, forest_of(spec).fit(ROWS.X, ROWS.y))


def test_once_the_disk_has_room_again_a_chunk_holds_what_was_missed(tmp_path: Path) -> None:
    bare = forest_of(spec_of(ModelFamily.RANDOM_FOREST)).fit(ROWS.X, ROWS.y)
    ledger = Lines()
    checkpoints = always(tmp_path, ledger)
    checkpoints.load("fit")
    with files_no_larger_than(10_000):
        checkpoints.offer(bare.estimators_[:10])
    checkpoints.offer(bare.estimators_[:12])
    assert len(always(tmp_path, ledger).load("fit")) == 12


def test_a_ledger_that_is_away_ends_no_fit(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Away(Lines):
        def chunks(self) -> Sequence[tuple[str, str]]:
            raise QueueUnavailable("The job database does not answer.", remedy="Start it.")

        def enter(self, name: str, sha256: str) -> None:
            raise QueueUnavailable("The job database does not answer.", remedy="Start it.")

    spec = spec_of(ModelFamily.RANDOM_FOREST)
    with caplog.at_level(logging.WARNING):
        forest, _ = attempt(spec, always(tmp_path, Away()))
    assert caplog.text.count("does not answer") > 2
    assert_same(forest, forest_of(spec).fit(ROWS.X, ROWS.y))


def test_the_curve_of_a_resumed_forest_is_whole(tmp_path: Path) -> None:
    spec = spec_of(ModelFamily.RANDOM_FOREST)
    ledger = cut_off(spec, tmp_path, watched=WATCHED)
    _, resumed = attempt(spec, TreeCheckpoints(tmp_path, ledger, every=3_600), watched=WATCHED)
    _, straight = attempt(spec, TreeCheckpoints(tmp_path, Lines(), every=3_600), watched=WATCHED)
    scores = {step.done: step.rmse for step in resumed}
    assert list(scores)[: resumed[0].restored] == list(range(1, resumed[0].restored + 1))
    for step in straight:
        if step.done in scores:
            assert scores[step.done] == pytest.approx(step.rmse, rel=1e-12)
    assert scores[TREES] == straight[-1].rmse


def test_progress_goes_on_at_the_restored_trees_and_counts_time_from_there(
    some: XY, held_out: XY, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "REPORT_SECONDS", 0.0)
    spec, ledger = spec_of(ModelFamily.RANDOM_FOREST), Lines()
    settings = load_settings(home=tmp_path, environment={})

    def train(stop_at: int | None) -> tuple[ModelTrainer, list[Progress]]:
        heard: list[Progress] = []
        fitting = ModelTrainer(settings, spec)

        def report(progress: Progress) -> None:
            heard.append(progress)
            if stop_at is not None and progress.done >= stop_at:
                raise CutOff

        checkpoints = always(tmp_path / "chunks", ledger)
        with suppress(CutOff):
            fitting.train(*some, watched=held_out, report=report, checkpoints=checkpoints)
        return fitting, heard

    _, before = train(stop_at=20)
    fitting, after = train(stop_at=None)
    assert fitting.restored_trees == after[0].done
    assert before[-2].done <= after[0].done <= before[-1].done
    assert after[0].remaining is None
    assert [one.done for one in after] == sorted({one.done for one in after})
    # Half the trees were there: at the pace of all forty in this time they would seem nearly done.
    second = after[1]
    assert second.remaining is not None
    grown = second.done - after[0].done
    pace = (second.elapsed - after[0].elapsed) / grown
    assert second.remaining == pytest.approx(pace * (TREES - second.done), rel=0.05)
    assert after[-1].remaining == 0
    assert len(after[-1].curve) >= after[0].done
    straight = ModelTrainer(settings, spec)
    straight.train(*some)
    assert straight.restored_trees == 0
    np.testing.assert_array_equal(fitting.predict(held_out[0]), straight.predict(held_out[0]))


def test_a_forest_whose_every_tree_was_kept_needs_no_other_step(tmp_path: Path) -> None:
    spec, ledger = spec_of(ModelFamily.RANDOM_FOREST), Lines()
    bare = forest_of(spec).fit(ROWS.X, ROWS.y)
    checkpoints = always(tmp_path, ledger)
    checkpoints.load(fingerprint(forest_of(spec), ROWS.X, ROWS.y))
    checkpoints.offer(bare.estimators_)
    forest, steps = attempt(spec, always(tmp_path, ledger))
    assert steps == [Step(TREES, None, restored=TREES)]
    assert_same(forest, bare)


@pytest.mark.parametrize("family", [family for family in ModelFamily if family not in FORESTS])
def test_other_families_leave_no_checkpoints(family: ModelFamily, tmp_path: Path) -> None:
    ledger = Lines()
    attempt(TrainingSpec.create(family), always(tmp_path, ledger))
    assert not ledger.lines
    assert list(tmp_path.iterdir()) == []
