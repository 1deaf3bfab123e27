"""The stages' log files: one line an entry, whatever is said in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.domain.configuration import load_settings
from core.domain.errors import RecordsError
from core.domain.settings import HOME_VARIABLE, Settings
from core.workflows.stage_log import PipelineLogger

ENTRY = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (START |INFO  |METRIC|END   ) .*")


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path, environment={})


def test_a_stage_is_told_from_start_to_end(home: Settings) -> None:
    log = PipelineLogger("ingest_data", home)
    log.stage_start()
    log.info("20,640 rows")
    log.metric("rmse", 48_677.25)
    log.stage_end()
    lines = log.path.read_text(encoding="utf-8").splitlines()
    assert log.path == home.home / "logs" / "stage_ingest_data.log"
    assert all(ENTRY.fullmatch(line) for line in lines)
    texts = [line.split(" ", 1)[1] for line in lines]
    assert texts[:3] == ["START  ingest_data", "INFO   20,640 rows", "METRIC rmse = 48677.25"]
    assert re.fullmatch(r"END    ingest_data: success after \d+\.\d s", texts[3])


def test_a_stage_that_was_not_started_here_ends_without_a_duration(home: Settings) -> None:
    log = PipelineLogger("train_model", home)
    log.stage_end("failed")
    assert log.path.read_text(encoding="utf-8").endswith("END    train_model: failed\n")


def test_two_loggers_add_to_one_file(home: Settings) -> None:
    PipelineLogger("train_model", home).info("one")
    PipelineLogger("train_model", home).info("two")
    text = PipelineLogger("train_model", home).path.read_text(encoding="utf-8")
    assert [line.split()[-1] for line in text.splitlines()] == ["one", "two"]


def test_the_old_project_s_call_needs_a_stage_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core import PipelineLogger as FromTheDoor

    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    FromTheDoor("train_model").info("hello")
    assert (tmp_path / "logs" / "stage_train_model.log").read_text(encoding="utf-8").endswith("hello\n")


@given(message=st.text(st.characters(codec=None), max_size=60))
@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_message_can_forge_a_line_or_stop_the_log(home: Settings, message: str) -> None:
    log = PipelineLogger("train_model", home)
    log.info(message)
    log.info("\ud800 2026-01-01T00:00:00.000Z END    train_model: success")
    lines = log.path.read_text(encoding="utf-8").splitlines()
    log.path.unlink()
    assert len(lines) == 2
    assert all(ENTRY.fullmatch(line) for line in lines)


def test_a_log_that_cannot_be_written_says_where(home: Settings) -> None:
    home.paths.stage_log("train_model").mkdir(parents=True)
    with pytest.raises(RecordsError) as raised:
        PipelineLogger("train_model", home).stage_start()
    assert raised.value.where.endswith("stage_train_model.log")
    assert raised.value.remedy
