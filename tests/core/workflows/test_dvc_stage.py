"""A stage that DVC runs refuses what would make dvc.lock say what is not so."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.domain.configuration import load_settings
from core.domain.errors import DataUnavailable, InvalidSettings
from core.domain.settings import Settings
from core.workflows.dvc_stage import check_dvc_stage, check_ingested
from core.workflows.pipeline import ingest_data
from tests.actors import TESTER
from tests.core.workflows.conftest import WITHOUT_DATA, MakeHome


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path, environment={})


def by_dvc(root: Path, **more: str) -> dict[str, str]:
    return {"DVC_STAGE": "train_model", "DVC_ROOT": str(root), **more}


def test_a_stage_at_home_with_nothing_overridden_runs(settings: Settings) -> None:
    check_dvc_stage(settings, by_dvc(settings.home, HOUSING_LAB_TRACKING__URI="http://mlflow", HOUSING_LAB_HOME="x"))


def test_without_dvc_everything_may_be_overridden(settings: Settings, tmp_path: Path) -> None:
    check_dvc_stage(settings, {"HOUSING_LAB_MODEL__FAMILY": "ridge", "DVC_ROOT": str(tmp_path / "elsewhere")})


@pytest.mark.parametrize("name", ["HOUSING_LAB_MODEL__FAMILY", "HOUSING_LAB_DATA__PATH", "HOUSING_LAB_evaluation__x"])
def test_a_variable_over_a_param_is_refused_by_name(settings: Settings, name: str) -> None:
    with pytest.raises(InvalidSettings, match=name) as refused:
        check_dvc_stage(settings, by_dvc(settings.home, **{name: "1"}))
    assert "config/config.yaml" in refused.value.remedy


def test_a_home_where_dvc_does_not_look_is_refused(settings: Settings, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    with pytest.raises(InvalidSettings) as refused:
        check_dvc_stage(settings, by_dvc(elsewhere))
    assert str(elsewhere) in refused.value.what
    assert str(settings.home) in refused.value.what


def test_invented_rows_are_refused_under_dvc_alone(make_home: MakeHome) -> None:
    demo = make_home(**WITHOUT_DATA)
    ingest_data(demo, actor=TESTER)
    check_ingested(demo, {})
    with pytest.raises(DataUnavailable, match="invented"):
        check_ingested(demo, by_dvc(demo.home))


def test_real_rows_go_on(lab_home: Settings) -> None:
    check_ingested(lab_home, by_dvc(lab_home.home))
