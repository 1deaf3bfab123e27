"""A model family is one file: the README's own is put into a copy of the project, and everything follows."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.domain.settings import HOME_VARIABLE, PROJECT_ROOT
from tests.conftest import rows_in

NAME = "gradient_boosting"
BLOCK = re.compile(r"<!-- a-family -->\n```python\n(.*?)```", re.DOTALL)
SCREEN = f"""
from streamlit.testing.v1 import AppTest

screen = AppTest.from_file("pages/main.py", default_timeout=120).run().switch_page("train.py").run()
screen.selectbox(key="family").set_value("{NAME}").run()
assert not screen.exception, screen.exception
print([slider.label for slider in screen.slider])
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with one file more."""
    copy = tmp_path_factory.mktemp("project") / "lab"
    for folder in ("core", "pages", "config", ".streamlit"):
        shutil.copytree(PROJECT_ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__", "secrets*"))
    (block,) = BLOCK.findall((PROJECT_ROOT / "README.md").read_text(encoding="utf-8"))
    (copy / "core" / "domain" / "families" / f"{NAME}.py").write_text(block, encoding="utf-8")
    return copy


def run(project: Path, data_file: Path, *arguments: str) -> str:
    environment = {**os.environ, **rows_in(data_file), HOME_VARIABLE: str(project / "home")}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_trained_registered_and_prices_houses_with_reasons(project: Path, data_file: Path) -> None:
    train = ("-m", "core", "train", "--family", NAME, "--set", "n_estimators=20", "--set", "max_depth=5", "--json")
    trained = json.loads(run(project, data_file, *train))
    assert trained["family"] == NAME
    assert trained["run_name"] == f"{NAME}_20_trees"
    assert (trained["params"]["max_depth"], trained["params"]["learning_rate"]) == (5, 0.04)
    assert trained["version"] == "1"
    assert 40_000 < trained["metrics"]["rmse"] < 100_000
    valued = json.loads(run(project, data_file, "-m", "core", "value", "--set", "median_income=8.3", "--json"))
    assert valued["version"] == "1"
    assert sum(valued["contributions"].values()) == pytest.approx(valued["price"], abs=1)


def test_its_knobs_are_sliders_of_the_train_screen_and_words_of_the_terminal(project: Path, data_file: Path) -> None:
    labels = run(project, data_file, "-c", SCREEN)
    assert all(label in labels for label in ("Trees", "Learning rate", "Depth"))
    told = run(project, data_file, "-m", "core", "train", "--help")
    assert NAME in told


def test_it_has_a_colour_and_a_symbol_of_its_own(project: Path, data_file: Path) -> None:
    asked = (
        "from core.charts.palette import family_colour, family_symbol; from core.domain.knobs import ModelFamily; "
        "print(len({(family_colour(one), family_symbol(one)) for one in ModelFamily}), len(ModelFamily))"
    )
    assert run(project, data_file, "-c", asked).split() == ["7", "7"]


def test_a_file_without_a_family_is_named(project: Path) -> None:
    broken = project / "core" / "domain" / "families" / "nothing.py"
    broken.write_text("", encoding="utf-8")
    told = subprocess.run([sys.executable, "-m", "core"], cwd=project, capture_output=True, text=True, check=False)
    broken.unlink()
    assert "core/domain/families/nothing.py defines no FAMILY" in told.stderr
