"""The promise to everybody else: a plain MLflow client loads a version and prices with the nine raw columns.

The process that loads it sees the standard library and the packages the model's own requirements name, with
what those require, and nothing else: not this project, and no other package of this environment.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from core.domain.house import FEATURES, RAW_COLUMNS
from core.domain.hyperparameters import ModelFamily
from core.tracking.packaging import requirements
from core.tracking.registry import get_version, load_version
from core.tracking.store import Store

ROWS = 400

PRICE = """
import importlib.util, json, sys
for name in json.loads(sys.argv[2]):
    assert importlib.util.find_spec(name) is None, f"{name} can be imported"
import mlflow, pandas as pd
model = mlflow.pyfunc.load_model("models:/housing_price_predictor/1")
rows = pd.read_csv(sys.argv[1]).iloc[:int(sys.argv[3])].drop(columns="median_house_value")
without = rows.assign(total_bedrooms=float("nan"))
inputs = model.metadata.signature.inputs
print(json.dumps({
    "whole": model.predict(rows).tolist(),
    "shuffled": model.predict(rows[rows.columns[::-1]]).tolist(),
    "without bedrooms": model.predict(without).tolist(),
    "columns": {column.name: [column.type.name, column.required] for column in inputs},
}))
"""


@pytest.fixture(scope="module")
def model_folder(trained_store: Store) -> Path:
    uri = trained_store.client.get_model_version_download_uri(trained_store.model_name, "1")
    return Path(uri.removeprefix("file://"))


@pytest.fixture(scope="module")
def expected(trained_store: Store, real_rows: pd.DataFrame) -> dict[str, list[float]]:
    pipeline = load_version(trained_store, get_version(trained_store, "1"))
    rows = real_rows.loc[:, list(RAW_COLUMNS)].iloc[:ROWS]
    assert rows["total_bedrooms"].isna().any()
    whole = pipeline.predict(rows).tolist()
    without = pipeline.predict(rows.assign(total_bedrooms=np.nan)).tolist()
    return {"whole": whole, "shuffled": whole, "without bedrooms": without}


def test_the_model_s_requirements_are_pinned(model_folder: Path) -> None:
    lines = (model_folder / "requirements.txt").read_text(encoding="utf-8").split()
    assert {Requirement(line).name for line in lines} >= {"mlflow", "scikit-learn", "pandas", "numpy", "joblib"}
    for line in lines:
        name, _, version = line.partition("==")
        assert version == importlib.metadata.version(name)


def test_a_model_requires_lightgbm_only_where_its_trees_are_lightgbms() -> None:
    def needs(family: str) -> bool:
        return "lightgbm" in {Requirement(line).name for line in requirements(family)}

    assert [family.value for family in ModelFamily if needs(family)] == ["lightgbm", "blend"]


def test_a_process_with_the_model_s_requirements_alone_prices_as_we_do(
    tmp_path: Path, trained_store: Store, model_folder: Path, data_file: Path, expected: dict[str, list[float]]
) -> None:
    site = tmp_path / "site"
    seen = _link_closure(_required(model_folder / "requirements.txt"), site)
    assert "mlflow" in seen
    assert not {"streamlit", "dbos", "plotly", "pandera", "lightgbm", "typer"} & seen
    bare = f"import sys; sys.path.append({str(site)!r}); exec({PRICE!r})"
    answer = _run(
        # -I and -S: no variable of ours, no working directory, no site-packages.
        [sys.executable, "-I", "-S", "-c", bare],
        tmp_path,
        trained_store,
        data_file,
        hidden=["core", "streamlit", "dbos", "pandera", "lightgbm"],
    )
    _check(answer, expected)


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_a_fresh_environment_with_the_model_s_requirements_prices_as_we_do(
    tmp_path: Path, trained_store: Store, model_folder: Path, data_file: Path, expected: dict[str, list[float]]
) -> None:
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True, timeout=300)
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = [str(python), "-m", "pip", "install", "-q", "-r", str(model_folder / "requirements.txt")]
    subprocess.run(install, check=True, timeout=1200)
    answer = _run(
        [str(python), "-I", "-c", PRICE],
        tmp_path,
        trained_store,
        data_file,
        hidden=["core", "streamlit", "dbos", "pandera", "lightgbm"],
    )
    _check(answer, expected)
    print(f"fresh environment: {time.monotonic() - began:.0f} s")


def _check(answer: dict[str, object], expected: dict[str, list[float]]) -> None:
    assert answer["columns"] == {
        name: ["double" if FEATURES[name].is_numeric else "string", not FEATURES[name].may_be_missing]
        for name in RAW_COLUMNS
    }
    for case, prices in expected.items():
        assert answer[case] == prices, case


def _run(command: list[str], folder: Path, store: Store, data_file: Path, *, hidden: list[str]) -> dict[str, object]:
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(elsewhere), "MLFLOW_TRACKING_URI": store.uri}
    done = subprocess.run(
        [*command, str(data_file), json.dumps(hidden), str(ROWS)],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def _required(requirements: Path) -> set[str]:
    """The distributions a requirements file brings: those it names, and whatever they require here."""
    waiting = [Requirement(line) for line in requirements.read_text(encoding="utf-8").splitlines()]
    found: dict[str, set[str]] = {}
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), {"", *requirement.extras}
        new = extras - found.get(name, set())
        if not new:
            continue
        found.setdefault(name, set()).update(new)
        try:
            required = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # for another platform
        for line in required:
            other = Requirement(line)
            if other.marker is None or any(other.marker.evaluate({"extra": extra}) for extra in new):
                waiting.append(other)
    return set(found)


def _link_closure(names: set[str], site: Path) -> set[str]:
    """Links to everything these distributions installed, in a folder of its own; what it makes importable."""
    site.mkdir()
    owners: dict[str, set[str]] = defaultdict(set)
    for distribution in importlib.metadata.distributions():
        owner = canonicalize_name(distribution.name)
        for first, _ in _installed(distribution):
            owners[first].add(owner)
    for name in sorted(names):
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        for first, second in sorted(_installed(distribution)):
            # A folder several distributions share (google/…) is linked a level deeper.
            shared = len(owners[first]) > 1 and second
            entry = Path(first, second) if shared else Path(first)
            link, target = site / entry, Path(str(distribution.locate_file(str(entry))))
            if not link.exists() and target.exists():
                link.parent.mkdir(exist_ok=True)
                link.symlink_to(target)
    return {path.name for path in site.iterdir()}


def _installed(distribution: importlib.metadata.Distribution) -> Iterator[tuple[str, str]]:
    """The first two parts of every file's place below site-packages."""
    entries = set()
    for file in distribution.files or ():
        parts = file.parts
        if parts[0] not in {"..", "__pycache__"} and not file.is_absolute():
            entries.add((parts[0], parts[1] if len(parts) > 1 else ""))
    yield from entries
