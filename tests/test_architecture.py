"""The house stands as drawn, and the checker that says so sees every planted fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.domain.families import FAMILIES
from core.domain.settings import PROJECT_ROOT
from tests.architecture import FLOORS, LONGEST_MODULE, OWNERS, violations

SOUND = {
    "app.py": 'import streamlit as st\n\napp = st.App("pages/main.py")\n',
    "pages/main.py": "import streamlit as st\n\nfrom core.charts.residuals import residual_chart\n",
    "core/__init__.py": (
        "from importlib import import_module\n\n"
        '_HOMES = {"ModelTrainer": "core.models.trainer"}\n\n\n'
        "def __getattr__(name):\n    return getattr(import_module(_HOMES[name]), name)\n"
    ),
    "core/domain/errors.py": "import math\n",
    "core/models/trainer.py": "from sklearn.base import clone\n\nfrom core.domain.errors import LabError\n",
    "core/tracking/tracker.py": "import mlflow\n\nfrom core.models import trainer\n",
    "core/charts/residuals.py": "import plotly.graph_objects as go\n",
}
"""A tiny house without a fault, which each planted violation is added to."""


def build(root: Path, files: dict[str, str]) -> Path:
    for name, source in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source, encoding="utf-8")
    return root


def test_an_estimator_that_a_family_names_belongs_to_the_floor_of_models():
    for family in FAMILIES.values():
        library = family.estimator.partition(":")[0].partition(".")[0]
        assert library not in {*OWNERS, "core", "pages", "app"}, family.label


def test_the_house_stands_as_drawn():
    found = violations(PROJECT_ROOT)
    assert not found, "\n" + "\n".join(map(str, found))


def test_every_room_of_the_project_has_a_floor():
    rooms = {folder.name for folder in (PROJECT_ROOT / "core").iterdir() if (folder / "__init__.py").is_file()}
    assert {f"core.{room}" for room in rooms} <= set(FLOORS)


def test_a_sound_house_has_no_violation(tmp_path):
    assert violations(build(tmp_path, SOUND)) == []


def test_an_empty_root_is_a_violation_and_not_a_proof(tmp_path):
    (found,) = violations(tmp_path)
    assert found.rule == "nothing-read"


PLANTED = {
    "words import science": ("core/domain/house.py", 1, "floors", "import core.models.trainer\n"),
    "science imports records": ("core/models/fit.py", 1, "floors", "from core.tracking.tracker import log\n"),
    "records import pictures": ("core/tracking/plots.py", 1, "floors", "from core.charts import residuals\n"),
    "an import inside a function": (
        "core/data/split.py",
        2,
        "floors",
        "def split():\n    from core.tracking import tracker\n",
    ),
    "an import for types alone": (
        "core/data/split.py",
        3,
        "floors",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from core.tracking import tracker\n",
    ),
    "a relative import": ("core/data/split.py", 1, "floors", "from ..tracking import tracker\n"),
    "a name from the public face": ("core/domain/house.py", 1, "floors", "from core import ModelTrainer\n"),
    "an import by literal name": (
        "core/data/split.py",
        4,
        "floors",
        'import importlib\n\ndef load():\n    return importlib.import_module("core.tracking.tracker")\n',
    ),
    "an import by computed name": (
        "core/data/split.py",
        4,
        "opaque-import",
        "from importlib import import_module\n\ndef load(name):\n    return import_module(name)\n",
    ),
    "an import of what is not there": ("core/data/split.py", 1, "floors", "from core.data.gone import rows\n"),
    "core imports a screen": ("core/cli/train.py", 1, "floors", "import pages.main\n"),
    "a room without a floor": ("core/cellar/wine.py", 1, "floors", "import math\n"),
    "streamlit below the roof": ("core/charts/table.py", 1, "owners", "import streamlit as st\n"),
    "plotly on a screen": ("pages/train.py", 2, "owners", "import math\nimport plotly.express as px\n"),
    "mlflow in a job": ("core/jobs/training_job.py", 1, "owners", "from mlflow.tracking import MlflowClient\n"),
    "dbos on a screen": ("pages/train.py", 1, "owners", "from dbos import DBOS\n"),
    "typer below the doors": ("core/workflows/pipeline.py", 1, "owners", "import typer\n"),
    "fastapi at the terminal": ("core/cli/serve.py", 1, "owners", "import fastapi\n"),
    "a library lazily": ("core/workflows/pipeline.py", 2, "owners", "def log():\n    import mlflow.sklearn\n"),
    "pandas among the words": ("core/domain/rows.py", 1, "owners", "import pandas as pd\n"),
    "arithmetic on a screen": ("pages/data.py", 1, "owners", "import numpy as np\n"),
    "raw HTML on a screen": (
        "pages/data.py",
        3,
        "raw-html",
        'import streamlit as st\n\nst.markdown("<b>", unsafe_allow_html=True)\n',
    ),
    "a circle of two": ("core/models/fit.py", 1, "circle", "from core.models import fit_steps\n"),
    "except Exception": (
        "core/data/read.py",
        3,
        "broad-except",
        "try:\n    import math\nexcept Exception:\n    pass\n",
    ),
    "a bare except": ("pages/data.py", 3, "broad-except", "try:\n    import math\nexcept:\n    pass\n"),
    "a broad except in a tuple": (
        "app.py",
        3,
        "broad-except",
        "try:\n    import math\nexcept (OSError, BaseException):\n    pass\n",
    ),
    "a broad suppress": (
        "core/data/read.py",
        3,
        "broad-except",
        "from contextlib import suppress\n\nwith suppress(Exception):\n    import math\n",
    ),
    "a call at import": ("core/data/log.py", 3, "work-at-import", "import logging\n\nlogging.basicConfig()\n"),
    "a guarded call at import": (
        "core/data/log.py",
        4,
        "work-at-import",
        "import logging\n\ntry:\n    logging.basicConfig()\nfinally:\n    pass\n",
    ),
    "the environment changed at import": (
        "core/data/log.py",
        3,
        "work-at-import",
        'import os\n\nos.environ["OMP_NUM_THREADS"] = "1"\n',
    ),
    "a vague name": ("core/data/utils.py", 1, "vague-name", "import math\n"),
    "a vague folder": ("core/data/helpers/read.py", 1, "vague-name", "import math\n"),
    "a call at import in a handler": (
        "core/data/log.py",
        4,
        "work-at-import",
        "try:\n    import math\nexcept ImportError:\n    print()\n",
    ),
    "half a vague name": ("core/models/model_manager.py", 1, "vague-name", "import math\n"),
    "a long module": ("core/data/rows.py", LONGEST_MODULE + 1, "long-module", "\n" * (LONGEST_MODULE + 1)),
    "a file that is no Python": ("core/data/rows.py", 1, "syntax", "def (:\n"),
}


@pytest.mark.parametrize(("file", "line", "rule", "source"), PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_violation_is_named_with_file_line_and_rule(tmp_path, file, line, rule, source):
    fit_steps = {"core/models/fit_steps.py": "def step():\n    from core.models.fit import fit\n"}
    build(tmp_path, {**SOUND, **(fit_steps if rule == "circle" else {}), file: source})

    (found,) = violations(tmp_path)

    assert str(found).startswith(f"{file}:{line}: [{rule}] "), found


def test_a_circle_names_every_module_on_it(tmp_path):
    build(
        tmp_path,
        {
            "core/data/a.py": "from core.features import b\n",
            "core/features/b.py": "def late():\n    import core.models.c\n",
            "core/models/c.py": "from core.data.a import thing\n",
        },
    )

    (found,) = violations(tmp_path)

    assert found.what == "core.data.a imports core.features.b imports core.models.c imports core.data.a"


def test_doors_wire_themselves_scripts_run_and_functions_are_no_work_at_import(tmp_path):
    build(
        tmp_path,
        {
            **SOUND,
            "core/cli/__init__.py": "import typer\n\ncli = typer.Typer()\ncli.command()(print)\n",
            "core/jobs/queue.py": "if True:\n    def submit():\n        print()\n",
            "core/jobs/worker.py": 'def main():\n    pass\n\n\nif __name__ == "__main__":\n    main()\n',
        },
    )
    assert violations(tmp_path) == []
