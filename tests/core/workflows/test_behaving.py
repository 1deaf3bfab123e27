"""A model that breaks a rule of behaviour is a run and no version; one that keeps them says so beside its files."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from core.domain.errors import UnsoundModel
from core.domain.families import FAMILIES
from core.domain.hyperparameters import ModelFamily
from core.domain.jobs import TrainingRequest
from core.domain.provenance import FAILURE_TAG
from core.domain.settings import Settings
from core.evaluation.behaviour import Rule
from core.models import families
from core.tracking.local_registry import ModelRegistry
from core.tracking.registry import all_versions
from core.tracking.run_files import list_files, read_file
from core.tracking.runs import list_runs
from core.workflows.behaving import BEHAVIOUR_FILE
from core.workflows.training import train_now
from core.workflows.training_state import Connect, Fitted
from tests.core.workflows.conftest import MakeHome, ridge


class InThousands(Ridge):
    """A target that somebody had divided by a thousand."""

    def predict(self, X: Any) -> np.ndarray:
        return np.asarray(super().predict(X)) / 1_000.0


class ByPlace(Ridge):
    """A price that goes by where the row stands."""

    def predict(self, X: Any) -> np.ndarray:
        return np.asarray(super().predict(X)) + 300.0 * np.arange(len(X))


class Inverted(Ridge):
    """Fitted on the prices upside down."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Inverted:
        super().fit(X, np.max(y) + np.min(y) - y, sample_weight)
        return self


def trained_with(estimator: Any, monkeypatch: pytest.MonkeyPatch, settings: Settings, connect: Connect) -> str:
    """Train a ridge that is such an estimator, and return what it is refused for."""
    broken = replace(FAMILIES[ModelFamily.RIDGE], estimator=f"{estimator.__module__}:{estimator.__name__}")
    monkeypatch.setattr(families, "FAMILIES", {**FAMILIES, ModelFamily.RIDGE: broken})
    with pytest.raises(UnsoundModel) as refused:
        train_now(settings, ridge("broken"), connect)
    assert refused.value.remedy
    return refused.value.what


@pytest.mark.parametrize(
    ("estimator", "rule"), [(InThousands, Rule.UNITS), (ByPlace, Rule.ROW_ORDER), (Inverted, Rule.INCOME)]
)
def test_a_model_that_breaks_a_rule_is_logged_and_not_registered(
    estimator: Any, rule: Rule, monkeypatch: pytest.MonkeyPatch, lab_home: Settings, connect: Connect
) -> None:
    what = trained_with(estimator, monkeypatch, lab_home, connect)
    assert str(rule).capitalize() in what
    assert "$" in what, "the figures are told"
    store = connect()
    (run,) = list_runs(store)
    assert (run.name, run.status, run.tags[FAILURE_TAG]) == ("broken", "FAILED", what)
    assert {"rmse", "mae", "r2_score", "mape", "fit_seconds"} <= set(run.metrics)
    assert run.params["family"] == "ridge"
    assert {BEHAVIOUR_FILE, "predictions.parquet"} <= {file.path for file in list_files(store, run.run_id)}
    told = {one["rule"]: one["passed"] for one in json.loads(read_file(store, run.run_id, BEHAVIOUR_FILE))}
    assert told[str(rule)] is False
    assert all_versions(store) == []
    assert ModelRegistry(lab_home).read_file() == []
    assert not list(lab_home.paths.saved_models.glob("*"))
    assert not list(lab_home.paths.job_files.glob("*"))


def test_without_mlflow_it_is_refused_all_the_same(monkeypatch: pytest.MonkeyPatch, make_home: MakeHome) -> None:
    from core.tracking.store import open_store

    settings = make_home(training__enable_mlflow="false")
    assert "Units" in trained_with(InThousands, monkeypatch, settings, lambda: open_store(settings))
    assert ModelRegistry(settings).read_file() == []


def test_a_model_that_keeps_them_says_so_beside_its_files(lab_home: Settings, connect: Connect) -> None:
    request: TrainingRequest = ridge("sound")
    outcome = train_now(lab_home, request, connect)
    told = json.loads(read_file(connect(), str(outcome.run_id), BEHAVIOUR_FILE))
    assert [one["rule"] for one in told] == [str(rule) for rule in Rule]
    assert all(one["passed"] and one["detail"] for one in told)


def test_what_a_crash_left_before_there_were_rules_can_still_be_recorded(lab_home: Settings, connect: Connect) -> None:
    """A job may be resumed by a newer version of this program than the one that fitted it."""
    kept: list[Fitted] = []
    train_now(lab_home, ridge(), connect, look=lambda work, fitted: kept.append(fitted))
    payload = kept[0].as_payload()
    assert Fitted.from_payload(json.loads(json.dumps(payload))) == kept[0]
    del payload["unsound"]
    assert Fitted.from_payload(payload).unsound == ()
