"""Settings come from config.yaml and the environment; whatever is wrong is named with its key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from core.domain.configuration import load_settings
from core.domain.errors import InvalidSettings, InvalidSpec
from core.domain.hyperparameters import ModelFamily
from core.domain.paths import Paths
from core.domain.settings import PROJECT_ROOT, Settings


def with_config(home: Path, text: str) -> Path:
    (home / "config").mkdir()
    (home / "config" / "config.yaml").write_text(text, encoding="utf-8")
    return home


def shipped() -> dict[str, dict[str, object]]:
    values: dict[str, dict[str, object]] = yaml.safe_load(
        (PROJECT_ROOT / "config" / "config.yaml").read_text(encoding="utf-8")
    )
    return values


def test_the_shipped_file_shows_every_key_there_is(tmp_path):
    known = load_settings(home=tmp_path, environment={}).model_dump(exclude={"home"})
    assert {section: set(keys) for section, keys in shipped().items()} == {
        section: set(keys) for section, keys in known.items()
    }


def test_without_a_file_of_its_own_a_home_takes_the_projects(tmp_path):
    settings = load_settings(home=tmp_path, environment={})
    assert settings.home == tmp_path.resolve()
    assert settings.training.enable_mlflow is True
    assert settings.data.random_state == 42


def test_a_home_with_a_file_of_its_own_takes_that(tmp_path):
    text = (PROJECT_ROOT / "config" / "config.yaml").read_text(encoding="utf-8")
    home = with_config(tmp_path, text.replace("enable_mlflow: true", "enable_mlflow: false"))
    assert load_settings(home=home, environment={}).training.enable_mlflow is False


def test_home_is_the_argument_then_the_variable_then_the_project(tmp_path):
    environment = {"HOUSING_LAB_HOME": str(tmp_path / "named")}
    assert load_settings(home=tmp_path, environment=environment).home == tmp_path.resolve()
    assert load_settings(environment=environment).home == (tmp_path / "named").resolve()
    assert load_settings(environment={}).home == PROJECT_ROOT


@pytest.mark.parametrize(
    ("variable", "text", "read"),
    [
        ("TRAINING__ENABLE_MLFLOW", "false", lambda settings: settings.training.enable_mlflow is False),
        ("TRAINING__N_JOBS", "4", lambda settings: settings.training.n_jobs == 4),
        ("DATA__TEST_SIZE", "0.25", lambda settings: settings.data.test_size == 0.25),
        ("TRACKING__URI", "null", lambda settings: settings.tracking.uri is None),
        ("TRACKING__EXPERIMENT_NAME", "2024", lambda settings: settings.tracking.experiment_name == "2024"),
        ("MODEL__FAMILY", "ridge", lambda settings: settings.model.family is ModelFamily.RIDGE),
        ("EVALUATION__THRESHOLDS__RMSE", "40000", lambda settings: settings.evaluation.thresholds.rmse == 40_000),
    ],
)
def test_an_override_arrives_as_its_keys_own_type(tmp_path, variable, text, read):
    assert read(load_settings(home=tmp_path, environment={f"HOUSING_LAB_{variable}": text}))


def test_an_override_leaves_the_keys_beside_it(tmp_path):
    settings = load_settings(home=tmp_path, environment={"HOUSING_LAB_EVALUATION__THRESHOLDS__RMSE": "40000"})
    assert settings.evaluation.thresholds.mae == shipped()["evaluation"]["thresholds"]["mae"]


def test_a_nested_hyperparameter_is_overridden(tmp_path):
    variable = "HOUSING_LAB_MODEL__HYPERPARAMETERS__RANDOM_FOREST__N_ESTIMATORS"
    spec = load_settings(home=tmp_path, environment={variable: "300"}).default_spec()
    assert spec.values["n_estimators"] == 300
    assert spec.values["max_depth"] == 20


def test_a_hyperparameter_out_of_range_is_named_with_its_range(tmp_path):
    variable = "HOUSING_LAB_MODEL__HYPERPARAMETERS__RANDOM_FOREST__N_ESTIMATORS"
    with pytest.raises(InvalidSettings, match=r"model.hyperparameters: n_estimators is 9000: outside 10 to 500"):
        load_settings(home=tmp_path, environment={variable: "9000"})


@pytest.mark.parametrize(
    ("variable", "named"),
    [
        ("HOUSING_LAB_DATA__PTH", "HOUSING_LAB_DATA__PTH (environment): is no setting"),
        ("HOUSING_LAB_DTA__PATH", "dta: is no setting"),
        ("HOUSING_LAB_DATAPATH", "There is no setting HOUSING_LAB_DATAPATH"),
        ("HOUSING_LAB_DATA__PATH__X", "data.path: Input is not a valid path"),
    ],
)
def test_an_unknown_variable_is_named(tmp_path, variable, named):
    with pytest.raises(InvalidSettings, match=re.escape(named)):
        load_settings(home=tmp_path, environment={variable: "x"})


def test_two_variables_that_contradict_each_other_are_named(tmp_path):
    environment = {"HOUSING_LAB_DATA__PATH": "a", "HOUSING_LAB_DATA__PATH__X": "b"}
    with pytest.raises(InvalidSettings, match="HOUSING_LAB_DATA__PATH__X is set, and so is path above it"):
        load_settings(home=tmp_path, environment=environment)


def test_every_wrong_key_is_named_not_the_first_alone(tmp_path):
    environment = {"HOUSING_LAB_TRAINING__N_JOBS": "many", "HOUSING_LAB_DATA__TEST_SIZE": "2"}
    with pytest.raises(InvalidSettings) as refusal:
        load_settings(home=tmp_path, environment=environment)
    assert "HOUSING_LAB_TRAINING__N_JOBS (environment)" in refusal.value.what
    assert "HOUSING_LAB_DATA__TEST_SIZE (environment)" in refusal.value.what


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("data: [unclosed", "cannot be read"),
        ("- a\n- b\n", "holds no sections"),
        ("7", "holds no sections"),
        ("data:\n  pth: x\n", "data.pth: is no setting"),
        ("weather: {}\n", "weather: is no setting"),
        ("1: 2\n", "1"),
        ("home: /elsewhere\n", "home is no setting"),
        ("", "data: Field required"),
    ],
)
def test_a_wrong_file_is_named_with_the_key_that_is_wrong(tmp_path, text, named):
    home = with_config(tmp_path, text)
    with pytest.raises(InvalidSettings, match=re.escape(named)) as refusal:
        load_settings(home=home, environment={})
    assert refusal.value.where == str(home.resolve() / "config" / "config.yaml")
    assert refusal.value.remedy


def test_a_file_in_another_encoding_is_an_error_and_no_crash(tmp_path):
    home = with_config(tmp_path, "")
    (home / "config" / "config.yaml").write_bytes("data: {path: Größe.csv}".encode("utf-16"))
    with pytest.raises(InvalidSettings, match="cannot be read"):
        load_settings(home=home, environment={})


def test_a_relative_data_path_lies_under_home_and_an_absolute_one_where_it_says(tmp_path):
    def data_path(text: str) -> Path:
        return load_settings(home=tmp_path, environment={"HOUSING_LAB_DATA__PATH": text}).data_path

    assert data_path("rows/mine.csv") == tmp_path.resolve() / "rows" / "mine.csv"
    assert data_path(str(tmp_path / "abs.csv")) == tmp_path / "abs.csv"
    assert data_path("~/mine.csv") == Path.home() / "mine.csv"


def test_settings_reach_another_process_as_they_are(tmp_path):
    given = {"tracking": {"experiment_name": "prices 🏠 “né”: 1e-5 # no comment"}, "training": {"enable_mlflow": False}}
    settings = load_settings(home=tmp_path, environment={}, values=given)
    assert load_settings(environment=settings.as_environment()) == settings


def test_all_state_lies_under_home_by_default(tmp_path):
    settings = load_settings(home=tmp_path, environment={})
    names = [name for name, kind in vars(Paths).items() if isinstance(kind, property)]
    places = [getattr(settings.paths, name) for name in names]
    assert len(places) > 10
    assert all(place.is_relative_to(tmp_path.resolve()) for place in places)
    assert settings.data_path.is_relative_to(tmp_path.resolve())
    assert str(tmp_path.resolve()) in settings.tracking_uri
    assert str(tmp_path.resolve()) in settings.database_url


def test_given_values_lie_over_the_file_and_under_the_environment(tmp_path):
    given = {"training": {"n_jobs": 3, "enable_mlflow": False}}
    settings = load_settings(home=tmp_path, environment={"HOUSING_LAB_TRAINING__N_JOBS": "5"}, values=given)
    assert (settings.training.n_jobs, settings.training.enable_mlflow) == (5, False)


def test_loading_settings_writes_nothing(tmp_path):
    load_settings(home=tmp_path / "new", environment={})
    assert not (tmp_path / "new").exists()


def test_settings_cannot_be_changed_after_they_are_made(settings):
    with pytest.raises(ValueError, match="frozen"):
        settings.data.test_size = 0.5


def test_another_process_loads_the_very_same_settings(settings):
    again = load_settings(environment=settings.as_environment())
    assert isinstance(again, Settings)
    assert again == settings


def test_the_default_spec_is_what_the_file_asks_for(tmp_path):
    settings = load_settings(home=tmp_path, environment={"HOUSING_LAB_MODEL__RANDOM_STATE": "7"})
    spec = settings.default_spec()
    assert (spec.family, spec.size, spec.values["max_depth"], spec.seed) == (ModelFamily.RANDOM_FOREST, 150, 20, 7)
    assert settings.default_spec("ridge").values == {"alpha": 1.0}
    with pytest.raises(InvalidSpec, match="There is no model family 'xgboost'"):
        settings.default_spec("xgboost")
