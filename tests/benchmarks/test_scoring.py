"""A million houses: how long they take and how much memory, by the forest and by LightGBM, with ranges and warnings."""

from __future__ import annotations

import functools
import multiprocessing
import resource
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psutil
import pytest

from core.domain.configuration import load_settings
from core.domain.jobs import TrainingRequest
from core.domain.money import duration
from core.domain.settings import Settings
from core.tracking.store import open_store
from core.workflows.assessing import assess
from core.workflows.loaded_models import LoadedModels
from core.workflows.scoring import ScoringFiles, score_file
from core.workflows.training import train_now
from tests.benchmarks.claims import Claim, claim, load_now
from tests.conftest import rows_in

pytestmark = pytest.mark.long

ROWS = 1_000_000
MOST_MEGABYTES = 300
"""On top of the loaded version: parts in the making, and eight bytes for every price."""

MOST_TIMES = 3.0
"""The file may take so many times the CPU time of the bare predictions of its rows: reading, ranges and writing too."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One file by one version, in a process of its own. Megabytes are of the whole process.

    ``seconds`` are those of a clock; ``cpu`` and ``bare``, of the predictions alone, those of a processor.
    """

    priced: int
    seconds: float
    cpu: float
    loaded: float
    peak: float
    bare: float
    has_ranges: bool


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, data_file: Path) -> Settings:
    """A home with the default forest (150 trees of depth 20) and the default LightGBM, their ranges measured."""
    settings = load_settings(home=tmp_path_factory.mktemp("scoring"), environment=rows_in(data_file))
    measured = settings.model_copy(update={"evaluation": settings.evaluation.model_copy(update={"range_folds": 5})})
    connect = functools.cache(lambda: open_store(settings))
    for family in ("random_forest", "lightgbm"):
        outcome = train_now(settings, TrainingRequest.create(settings.default_spec(family), actor="tester"), connect)
        assert outcome.version is not None
        assess(measured, connect, outcome.version)
    return settings


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, real_rows: pd.DataFrame) -> dict[str, Path]:
    """The real rows over and over, with ids, as CSV and as Parquet."""
    folder = tmp_path_factory.mktemp("million")
    rows = pd.concat([real_rows] * (ROWS // len(real_rows) + 1), ignore_index=True).head(ROWS)
    rows.insert(0, "id", range(ROWS))
    rows.to_csv(folder / "houses.csv", index=False)
    rows.to_parquet(folder / "houses.parquet", index=False)
    return {kind: folder / f"houses.{kind}" for kind in ("csv", "parquet")}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize(("version", "family"), [("1", "random_forest"), ("2", "lightgbm")])
def test_a_million_rows_are_priced_in_bounded_memory(
    home: Settings, files: dict[str, Path], version: str, family: str, kind: str
) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        found = pool.apply(price_the_file, (home, version, files[kind]))
    print(
        f"\n{family}, {kind}: {found.priced:,} rows in {duration(found.seconds)} "
        f"({duration(found.cpu)} CPU, {found.cpu / found.bare:.1f} times the bare predictions), version in memory "
        f"{found.loaded:,.0f} MB, peak while pricing {found.peak:,.0f} MB"
    )
    assert found.has_ranges
    assert found.priced == ROWS
    what, told = f"a file of {ROWS:,} rows, {kind}, {family}", f"{duration(found.seconds)}; {load_now()}"
    claim(Claim(f"{what}: memory beside the model", found.peak - found.loaded, MOST_MEGABYTES, "MB", detail=told))
    claim(Claim(f"{what}: CPU against bare predictions", found.cpu / found.bare, MOST_TIMES, detail=told))


def price_the_file(settings: Settings, version: str, source: Path) -> Measured:
    """In a process of its own, so that its memory is its own."""
    import threading

    from core.features.direct import HouseRows

    model = LoadedModels(settings, functools.cache(lambda: open_store(settings))).served(version)
    process = psutil.Process()
    assert model.around is not None
    some = HouseRows.from_frame(model.around.rows)
    model.route.prices(some)
    began = time.process_time()
    model.route.prices(some)
    bare = (time.process_time() - began) * ROWS / len(some)
    loaded, peak, over = process.memory_info().rss, [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            peak[0] = max(peak[0], process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.process_time()
    report = score_file(settings, model, ScoringFiles.beside(source, source.with_name(f"priced_{version}.csv")))
    cpu = time.process_time() - began
    over.set()
    watcher.join()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024 >= peak[0]
    return Measured(
        priced=report.priced,
        seconds=report.seconds,
        cpu=cpu,
        loaded=loaded / 1e6,
        peak=peak[0] / 1e6,
        bare=bare,
        has_ranges=model.intervals is not None,
    )
