"""A model file is whole or not there, and none is opened that the records do not know."""

from __future__ import annotations

import os
import pickle
import stat
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor

from core.domain.errors import InvalidData, RecordsError, UntrustedModel
from core.domain.house import RAW_COLUMNS
from core.domain.hyperparameters import ModelFamily
from core.domain.settings import PROJECT_ROOT
from core.models.packaged import PriceModel, _load_pyfunc, file_sha256, read_model, write_model
from core.models.trainer import ModelTrainer
from tests.core.models.conftest import files_no_larger_than

XY = tuple[pd.DataFrame, pd.Series]
Trained = Callable[[ModelFamily], ModelTrainer]

NOBODY = 65_534


class Intruder:
    """Unpickled, it makes a file: what any code in a pickle could do."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.mark,))


@pytest.fixture
def written(tmp_path: Path, trained: Trained) -> tuple[Path, str]:
    file = tmp_path / "models" / "model.joblib"
    return file, write_model(trained(ModelFamily.LIGHTGBM).pipeline, file).sha256


@pytest.fixture
def intruder(tmp_path: Path) -> tuple[Path, Path]:
    """A pickle that leaves a mark when it is opened, and the mark."""
    file, mark = tmp_path / "intruder.joblib", tmp_path / "it ran"
    joblib.dump(Intruder(mark), file)
    return file, mark


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may write everywhere, so it steps down for a while; everybody else stays who they are."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def read_only_folder() -> Iterator[Path]:
    # Not under tmp_path: nobody cannot get there at all, and then the folder itself is never asked.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(stat.S_IRUSR | stat.S_IXUSR | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
        yield folder
        folder.chmod(stat.S_IRWXU)


def test_a_model_comes_back_as_it_was_written(
    family: ModelFamily, tmp_path: Path, held_out: XY, trained: Trained
) -> None:
    file = tmp_path / "deep" / "down" / "model.joblib"
    digest = write_model(trained(family).pipeline, file).sha256
    assert digest == file_sha256(file)
    back = read_model(file, digest)
    np.testing.assert_array_equal(back.predict(held_out[0]), trained(family).predict(held_out[0]))
    assert [left.name for left in file.parent.iterdir()] == ["model.joblib"]


def test_a_model_s_size_in_memory_is_that_of_its_content_before_it_was_compressed(
    family: ModelFamily, tmp_path: Path, trained: Trained
) -> None:
    file = tmp_path / "model.joblib"
    written = write_model(trained(family).pipeline, file)
    content = zlib.decompress(file.read_bytes())
    assert written.megabytes == len(content) / 1_000_000
    if family is ModelFamily.RANDOM_FOREST:
        trees = [tree.tree_.__getstate__() for tree in trained(family).pipeline.named_steps["model"].estimators_]
        arrays = sum(tree["nodes"].nbytes + tree["values"].nbytes for tree in trees) / 1_000_000
        assert arrays <= written.megabytes <= 1.2 * arrays


HOLDS = """
import sys
from pathlib import Path

import psutil
import sklearn.ensemble

from core.models.packaged import read_model

held = lambda: psutil.Process().memory_full_info().uss
before = held()
model = read_model(Path(sys.argv[1]), sys.argv[2])
print(held() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is given back where glibc keeps it")
def test_a_process_that_has_read_a_forest_holds_it_once(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    X = draw.normal(size=(8_000, 6))
    forest = RandomForestRegressor(n_estimators=40, max_features=1.0, random_state=0).fit(X, draw.normal(size=8_000))
    written, pickled = write_model(forest, tmp_path / "forest.joblib"), tmp_path / "pickled"
    joblib.dump(forest, pickled)
    command = [sys.executable, "-c", HOLDS, str(tmp_path / "forest.joblib"), written.sha256]
    held = int(subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True).stdout)
    assert pickled.stat().st_size > 20e6
    assert held < 1.4 * pickled.stat().st_size, "twice, while what was unpickled is kept beside it"


def test_a_client_without_the_compressor_reads_the_file(tmp_path: Path, trained: Trained, held_out: XY) -> None:
    file, rows = tmp_path / "model.joblib", tmp_path / "rows.csv"
    write_model(trained(ModelFamily.RANDOM_FOREST).pipeline, file)
    held_out[0].to_csv(rows, index=False)
    program = (
        "import sys; sys.modules['isal'] = None; import pandas as pd; from core.models.packaged import _load_pyfunc;"
        f"print(*_load_pyfunc({str(file)!r}).predict(pd.read_csv({str(rows)!r})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    prices = [float(price) for price in done.stdout.split()]
    np.testing.assert_array_equal(prices, trained(ModelFamily.RANDOM_FOREST).predict(held_out[0]))


def test_a_new_model_replaces_the_old_one_in_the_same_place(written: tuple[Path, str], trained: Trained) -> None:
    file, old = written
    new = write_model(trained(ModelFamily.RIDGE).pipeline, file).sha256
    assert new != old
    with pytest.raises(UntrustedModel):
        read_model(file, old)
    assert type(read_model(file, new).named_steps["model"]).__name__ == "Ridge"


@pytest.mark.parametrize("place", [0, 0.5, -1])
def test_one_flipped_bit_anywhere_is_noticed(place: float, written: tuple[Path, str]) -> None:
    file, digest = written
    content = bytearray(file.read_bytes())
    content[int(place * len(content)) if place >= 0 else -1] ^= 1
    file.write_bytes(content)
    with pytest.raises(UntrustedModel, match=digest[:12]) as refusal:
        read_model(file, digest)
    assert file_sha256(file)[:12] in refusal.value.what
    assert refusal.value.where == str(file)
    assert "backup" in refusal.value.remedy


def test_a_truncated_file_is_not_the_one_recorded(written: tuple[Path, str]) -> None:
    file, digest = written
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(UntrustedModel):
        read_model(file, digest)


def test_a_file_without_a_recorded_digest_is_never_opened(intruder: tuple[Path, Path]) -> None:
    file, mark = intruder
    with pytest.raises(UntrustedModel, match="hold none"):
        read_model(file, "")
    assert not mark.exists()


def test_code_in_a_foreign_pickle_does_not_run(intruder: tuple[Path, Path], written: tuple[Path, str]) -> None:
    file, mark = intruder
    with pytest.raises(UntrustedModel):
        read_model(file, written[1])
    assert not mark.exists()
    # It is armed: with its own digest it does run, so the refusal above is what kept it from running.
    read_model(file, file_sha256(file))
    assert mark.exists()


def test_the_bytes_that_were_checked_are_the_bytes_that_are_opened(
    intruder: tuple[Path, Path], written: tuple[Path, str]
) -> None:
    file, mark = intruder
    model, digest = written

    class SwappedOnceOpened(type(model)):
        """Whoever opens the path a second time is handed the intruder."""

        def open(self, *how: Any, **more: Any) -> Any:
            stream = super().open(*how, **more)
            file.replace(self)
            return stream

    opened = read_model(SwappedOnceOpened(model), digest)
    assert not file.exists()
    assert not mark.exists()
    assert "model" in opened.named_steps


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    missing = tmp_path / "model.joblib"
    with pytest.raises(RecordsError, match="cannot be read: No such file") as refusal:
        read_model(missing, "0" * 64)
    assert refusal.value.where == str(missing)
    assert "train the model again" in refusal.value.remedy


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no pickle at all",
        pickle.dumps(np.arange(3))[:-5],
        b"ccore.models.packaged\nAClassThatLeft\n.",
        b"ca_library_that_is_gone\nModel\n.",
    ],
    ids=["empty", "text", "cut off", "a class that left", "a library that is gone"],
)
def test_a_recorded_file_that_this_version_cannot_open_is_told(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model.joblib"
    file.write_bytes(content)
    with pytest.raises(RecordsError, match="cannot be opened") as refusal:
        read_model(file, file_sha256(file))
    assert not isinstance(refusal.value, UntrustedModel)
    assert refusal.value.where == str(file)


def test_a_cut_off_compressed_model_is_told_too(written: tuple[Path, str]) -> None:
    file, _ = written
    file.write_bytes(file.read_bytes()[:-1_000])
    with pytest.raises(RecordsError, match="cannot be opened"):
        read_model(file, file_sha256(file))


def test_a_disk_that_fills_up_leaves_neither_file_nor_draft(tmp_path: Path, trained: Trained) -> None:
    target = tmp_path / "model.joblib"
    with files_no_larger_than(20_000), pytest.raises(RecordsError, match="could not be written") as refusal:
        write_model(trained(ModelFamily.RANDOM_FOREST).pipeline, target)
    assert refusal.value.where == str(target)
    assert "disk space" in refusal.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_leaves_the_model_that_was_there(written: tuple[Path, str], trained: Trained) -> None:
    file, digest = written
    with files_no_larger_than(20_000), pytest.raises(RecordsError):
        write_model(trained(ModelFamily.RANDOM_FOREST).pipeline, file)
    assert file_sha256(file) == digest
    assert list(file.parent.iterdir()) == [file]


def test_a_folder_nobody_may_write_to_is_told(read_only_folder: Path, trained: Trained) -> None:
    pipeline = trained(ModelFamily.RIDGE).pipeline
    with as_nobody(), pytest.raises(RecordsError, match="Permission denied") as refusal:
        write_model(pipeline, read_only_folder / "model.joblib")
    assert "permissions" in refusal.value.remedy
    assert list(read_only_folder.iterdir()) == []


def test_a_file_where_the_folder_should_be_is_told(tmp_path: Path, trained: Trained) -> None:
    (tmp_path / "models").write_text("", encoding="utf-8")
    with pytest.raises(RecordsError, match="could not be written"):
        write_model(trained(ModelFamily.RIDGE).pipeline, tmp_path / "models" / "model.joblib")


def test_what_mlflow_loads_takes_nine_columns_in_any_order_and_passes_over_others(
    family: ModelFamily, tmp_path: Path, held_out: XY, trained: Trained
) -> None:
    file = tmp_path / "model.joblib"
    write_model(trained(family).pipeline, file)
    model = _load_pyfunc(str(file))
    assert isinstance(model, PriceModel)
    prices = trained(family).predict(held_out[0])
    turned = held_out[0][list(reversed(RAW_COLUMNS))].assign(owner="x", median_house_value=-1.0)
    np.testing.assert_array_equal(model.predict(turned), prices)
    np.testing.assert_array_equal(model.predict(held_out[0], params={}), prices)
    assert "model" in model.get_raw_model().named_steps


def test_what_mlflow_loads_names_a_missing_column_and_an_unknown_place(held_out: XY, trained: Trained) -> None:
    model = PriceModel(trained(ModelFamily.RIDGE).pipeline)
    with pytest.raises(InvalidData, match="lack households, median_income"):
        model.predict(held_out[0].drop(columns=["median_income", "households"]))
    with pytest.raises(InvalidData, match="LAKE"):
        model.predict(held_out[0].assign(ocean_proximity="LAKE"))
