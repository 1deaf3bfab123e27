"""The rows that are here already: read without a network and without leaving anything behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.data.ingest import DataIngestor, read_known
from core.domain.configuration import load_settings
from core.domain.errors import InvalidData
from core.domain.provenance import DataSource
from core.domain.settings import Settings

AWAY = {"HOUSING_LAB_DATA__URL": "http://127.0.0.1:9/housing.csv"}


def test_what_is_read_is_what_would_be_ingested(settings: Settings) -> None:
    known, ingested = read_known(settings), DataIngestor(settings).ingest()
    assert known is not None
    assert (known.sha256, known.source, known.path) == (ingested.sha256, ingested.source, ingested.path)
    assert known.rows.equals(ingested.rows)


def test_where_nothing_is_nothing_is_fetched_or_written(tmp_path: Path) -> None:
    assert read_known(load_settings(home=tmp_path, environment=AWAY)) is None
    assert list(tmp_path.rglob("*")) == []


def test_demo_rows_that_are_here_are_read(tmp_path: Path) -> None:
    away = load_settings(home=tmp_path, environment=AWAY)
    made = DataIngestor(away).ingest()
    known = read_known(away)
    assert known is not None
    assert (known.source, known.sha256) == (DataSource.DEMO, made.sha256)


def test_a_file_that_is_no_table_says_so(tmp_path: Path) -> None:
    file = tmp_path / "housing.csv"
    file.write_text("{}")
    with pytest.raises(InvalidData):
        read_known(load_settings(home=tmp_path, environment={"HOUSING_LAB_DATA__PATH": str(file)}))
