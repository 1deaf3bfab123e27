"""The configured file, else a download, else demo data that never passes for real."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from core.data.demo import DEMO_ROWS, demo_rows
from core.data.ingest import RETRY_AFTER_SECONDS, DataIngestor, Dataset, known_rows, known_source
from core.domain.errors import DataUnavailable, InvalidData
from core.domain.provenance import DataSource
from core.domain.settings import Settings
from tests.core.data.conftest import Answer, Web

CONTENT = demo_rows(200, seed=5).to_csv(index=False).encode()
SHA256 = hashlib.sha256(CONTENT).hexdigest()
DEFAULT = Path("data/raw/housing.csv")


def over(settings: Settings, **data: object) -> Settings:
    return settings.model_copy(update={"data": settings.data.model_copy(update=data)})


@pytest.fixture
def offline(settings: Settings, web: Web) -> Settings:
    """An empty home at the default path, and a server that knows no such file."""
    web.answers = [Answer(status=404)]
    return over(settings, path=DEFAULT, url=web.url, sha256=SHA256)


@pytest.fixture
def online(offline: Settings, web: Web) -> Settings:
    web.answers = [Answer(CONTENT)]
    return offline


def demo_file(settings: Settings) -> Path:
    return settings.home / "data" / "raw" / "housing_demo.csv"


def test_the_real_file_is_the_reference(settings: Settings, real_rows: pd.DataFrame) -> None:
    dataset = DataIngestor(settings).ingest()
    assert (dataset.source, dataset.is_reference, dataset.is_demo) == (DataSource.FILE, True, False)
    assert dataset.sha256 == settings.data.sha256
    pd.testing.assert_frame_equal(dataset.rows, real_rows[list(dataset.rows.columns)])


def test_an_own_file_is_used_without_a_look_at_the_network(online: Settings, web: Web) -> None:
    online.data_path.parent.mkdir(parents=True)
    own = demo_rows(80, seed=3).to_csv(index=False).encode()
    online.data_path.write_bytes(own)
    assert known_source(online) is DataSource.FILE
    dataset = DataIngestor(online).ingest()
    assert (dataset.source, dataset.is_reference, len(dataset.rows)) == (DataSource.FILE, False, 80)
    assert dataset.sha256 == hashlib.sha256(own).hexdigest()
    assert web.requests == 0


def test_without_a_file_the_pinned_one_is_downloaded_once(online: Settings, web: Web) -> None:
    assert known_source(online) is None
    told: list[tuple[str, int, int]] = []
    first = DataIngestor(online, report=lambda *progress: told.append(progress)).ingest()
    assert (first.source, first.is_reference, first.sha256) == (DataSource.DOWNLOAD, True, SHA256)
    assert told[-1][1:] == (len(CONTENT), len(CONTENT))
    second = DataIngestor(online).ingest()
    assert (second.source, second.is_reference) == (DataSource.FILE, True)
    assert web.requests == 1


def test_without_file_and_network_demo_rows_stand_beside_the_path(offline: Settings) -> None:
    dataset = DataIngestor(offline).ingest()
    assert (dataset.source, dataset.is_demo, dataset.is_reference) == (DataSource.DEMO, True, False)
    assert dataset.path == demo_file(offline)
    assert not offline.data_path.exists()
    assert "404" in dataset.note
    pd.testing.assert_frame_equal(dataset.rows, demo_rows())
    assert known_source(offline) is DataSource.DEMO


def test_the_demo_file_is_the_same_everywhere_and_every_time(offline: Settings, tmp_path: Path) -> None:
    first = DataIngestor(offline).ingest()
    other = offline.model_copy(update={"home": tmp_path / "elsewhere"})
    assert DataIngestor(other).ingest().sha256 == first.sha256


def test_after_a_failure_the_network_is_left_alone_for_ten_minutes(offline: Settings, web: Web) -> None:
    DataIngestor(offline).ingest()
    assert DataIngestor(offline).ingest().is_demo
    assert web.requests == 1
    past = time.time() - RETRY_AFTER_SECONDS - 1
    os.utime(demo_file(offline), (past, past))
    assert DataIngestor(offline).ingest().is_demo
    assert web.requests == 2
    DataIngestor(offline).ingest()
    assert web.requests == 2


def test_the_real_file_takes_over_once_the_network_is_back(offline: Settings, web: Web) -> None:
    assert DataIngestor(offline).ingest().is_demo
    past = time.time() - RETRY_AFTER_SECONDS - 1
    os.utime(demo_file(offline), (past, past))
    web.answers = [Answer(CONTENT)]
    assert DataIngestor(offline).ingest().source is DataSource.DOWNLOAD
    assert known_source(offline) is DataSource.FILE


def test_a_file_put_in_place_wins_over_the_demo_at_once(offline: Settings) -> None:
    assert DataIngestor(offline).ingest().is_demo
    offline.data_path.write_bytes(CONTENT)
    assert DataIngestor(offline).ingest().source is DataSource.FILE


def test_a_copy_of_the_demo_file_stays_demo(offline: Settings) -> None:
    DataIngestor(offline).ingest()
    shutil.copy(demo_file(offline), offline.data_path)
    assert known_source(offline) is DataSource.DEMO
    assert DataIngestor(offline).ingest().is_demo


def test_the_demo_file_named_as_data_path_stays_demo(offline: Settings) -> None:
    DataIngestor(offline).ingest()
    chosen = over(offline, path=demo_file(offline))
    assert known_source(chosen) is DataSource.DEMO
    assert DataIngestor(chosen).ingest().is_demo


def test_where_demo_is_not_allowed_the_error_says_what_to_do(offline: Settings) -> None:
    DataIngestor(offline).ingest()
    strict = over(offline, allow_demo=False)
    assert known_source(strict) is None
    with pytest.raises(DataUnavailable) as caught:
        DataIngestor(strict).ingest()
    assert str(strict.data_path) in caught.value.what
    assert "404" in caught.value.what
    assert "allow_demo" in caught.value.remedy


def test_a_wrong_download_gives_demo_data_and_says_why(online: Settings, web: Web) -> None:
    web.answers = [Answer(b"<html>sign in</html>")]
    dataset = DataIngestor(online).ingest()
    assert dataset.is_demo
    assert "SHA-256" in dataset.note
    assert not online.data_path.exists()


def test_a_chosen_path_without_a_file_is_an_error_and_not_filled(online: Settings, web: Web) -> None:
    chosen = over(online, path=Path("mine/houses.csv"))
    assert known_source(chosen) is None
    with pytest.raises(DataUnavailable, match=r"configured data\.path") as caught:
        DataIngestor(chosen).ingest()
    assert caught.value.where == str(chosen.data_path)
    assert web.requests == 0
    assert not chosen.data_path.exists()


def test_a_broken_file_is_an_error_and_not_replaced_by_demo_data(online: Settings, web: Web) -> None:
    online.data_path.parent.mkdir(parents=True)
    online.data_path.write_text("latitude\n90\n")
    with pytest.raises(InvalidData):
        DataIngestor(online).ingest()
    assert online.data_path.read_text() == "latitude\n90\n"
    assert web.requests == 0


def test_a_file_with_more_rows_than_data_max_rows_is_refused(offline: Settings) -> None:
    offline.data_path.parent.mkdir(parents=True)
    offline.data_path.write_bytes(CONTENT)
    assert len(DataIngestor(over(offline, max_rows=200)).ingest().rows) == 200
    with pytest.raises(InvalidData, match="200 rows; at most 199"):
        DataIngestor(over(offline, max_rows=199)).ingest()


def test_the_rows_of_a_training_are_known_without_reading_them(offline: Settings) -> None:
    assert known_rows(offline) is None
    DataIngestor(offline).ingest()
    assert known_rows(offline) == DEMO_ROWS
    offline.data_path.write_bytes(CONTENT)
    assert known_rows(offline) == 200


def test_a_dangling_link_is_told_as_unreadable_and_kept(online: Settings) -> None:
    online.data_path.parent.mkdir(parents=True)
    online.data_path.symlink_to("nowhere.csv")
    with pytest.raises(DataUnavailable, match="no such data file"):
        DataIngestor(online).ingest()
    assert online.data_path.is_symlink()


def test_a_home_that_cannot_be_written_to_is_told_as_such(offline: Settings, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(DataUnavailable, match="cannot be written"):
        DataIngestor(offline).ingest()


def _ingest(settings: Settings) -> tuple[str, int, bool]:
    dataset: Dataset = DataIngestor(settings).ingest()
    return dataset.sha256, len(dataset.rows), dataset.is_demo


@pytest.mark.parametrize(("answer", "rows"), [(Answer(CONTENT), 200), (Answer(status=404), DEMO_ROWS)])
def test_processes_that_ingest_at_once_all_get_the_same_rows(
    offline: Settings, web: Web, answer: Answer, rows: int
) -> None:
    web.answers = [answer]
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        results = list(pool.map(_ingest, [offline] * 4))
    assert len(set(results)) == 1
    assert results[0][1:] == (rows, rows == DEMO_ROWS)
    assert [path.name for path in offline.data_path.parent.iterdir()] == [
        demo_file(offline).name if rows == DEMO_ROWS else offline.data_path.name
    ]


def test_users_of_the_script_project_need_no_settings(
    data_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core import DataIngestor as Ingestor

    monkeypatch.setenv("HOUSING_LAB_HOME", str(tmp_path))
    monkeypatch.setenv("HOUSING_LAB_DATA__PATH", str(data_file))
    assert len(Ingestor().ingest().rows) == 20_640
