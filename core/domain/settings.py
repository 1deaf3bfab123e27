"""What differs between machines and teams: ``config/config.yaml``, overridden by the environment.

``HOUSING_LAB_HOME`` is the folder all state lies under. ``HOUSING_LAB_<SECTION>__<KEY>`` overrides any key,
deeper keys with one more ``__`` each: ``HOUSING_LAB_MODEL__HYPERPARAMETERS__RANDOM_FOREST__N_ESTIMATORS=300``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from core.domain.errors import InvalidSettings, LabError
from core.domain.hyperparameters import ModelFamily, TrainingSpec

PREFIX: Final = "HOUSING_LAB_"
SQLITE: Final = "sqlite:///"
HOME_VARIABLE: Final = "HOUSING_LAB_HOME"
PROJECT_ROOT: Final = Path(__file__).resolve().parents[2]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), coerce_numbers_to_str=True)


class DataSettings(_Section):
    """Where the rows come from and how they are split."""

    path: Path = Path("data/raw/housing.csv")
    url: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    features_path: Path = Path("data/features/housing_features.csv")
    max_megabytes: int = Field(default=200, ge=1)
    allow_demo: bool = True
    test_size: float = Field(default=0.2, gt=0, lt=1)
    random_state: int = Field(default=42, ge=0)


class ModelSettings(_Section):
    """What is trained when nothing else is said."""

    family: ModelFamily = ModelFamily.RANDOM_FOREST
    random_state: int = Field(default=42, ge=0)
    hyperparameters: dict[ModelFamily, dict[str, float | int | str]] = Field(default_factory=dict)

    @field_validator("hyperparameters")
    @classmethod
    def _within_range(cls, given: dict[ModelFamily, dict[str, Any]]) -> dict[ModelFamily, dict[str, Any]]:
        try:
            return {family: TrainingSpec.create(family, knobs).values for family, knobs in given.items()}
        except LabError as error:
            raise ValueError(str(error)) from error


class TrainingSettings(_Section):
    """How training runs on this machine; none of it changes the model."""

    enable_mlflow: bool = True
    n_jobs: int = Field(default=2, ge=1, le=64)


class Thresholds(_Section):
    """What a run must reach on the held-out rows. Dollars for rmse and mae, percent for mape."""

    rmse: float = Field(gt=0)
    mae: float = Field(gt=0)
    r2_score: float = Field(le=1)
    mape: float = Field(gt=0)


class EvaluationSettings(_Section):
    thresholds: Thresholds


class TrackingSettings(_Section):
    """MLflow's store. ``uri`` null means SQLite under ``logs/mlruns``; names are what any client reads."""

    uri: str | None = None
    artifact_location: str | None = None
    experiment_name: str = "housing_price_prediction"
    registered_model_name: str = "housing_price_predictor"


class JobSettings(_Section):
    """The durable queue. ``database_url`` null means SQLite in ``logs/lab.db``."""

    database_url: str | None = None
    running: int = Field(default=1, ge=1, le=64)
    queued: int = Field(default=50, ge=1)
    embedded_worker: bool = True


@dataclass(frozen=True, slots=True)
class Paths:
    """Every place state lies in, under one home. Nothing else in the code spells a state path."""

    home: Path

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def saved_models(self) -> Path:
        return self.home / "models" / "saved_models"

    @property
    def job_files(self) -> Path:
        """What a training has not recorded yet: on the models' own file system, so that keeping it is one move."""
        return self.home / "models" / ".work"

    @property
    def registry(self) -> Path:
        return self.home / "models" / "model_registry" / "registry.json"

    @property
    def scaler(self) -> Path:
        return self.saved_models / "scaler.joblib"

    @property
    def encoder(self) -> Path:
        return self.saved_models / "encoder.joblib"

    @property
    def evaluation_report(self) -> Path:
        return self.logs / "evaluation_report.json"

    @property
    def mlruns(self) -> Path:
        return self.logs / "mlruns"

    @property
    def mlflow_db(self) -> Path:
        return self.mlruns / "mlflow.db"

    @property
    def mlflow_artifacts(self) -> Path:
        return self.mlruns / "artifacts"

    @property
    def lab_db(self) -> Path:
        return self.logs / "lab.db"

    @property
    def worker_log(self) -> Path:
        return self.logs / "worker.log"

    @property
    def locks(self) -> Path:
        return self.logs / "locks"

    def stage_log(self, stage: str) -> Path:
        return self.logs / f"stage_{stage}.log"


class Settings(_Section):
    """The whole configuration, validated and frozen. Passed in, never looked up."""

    home: Path
    data: DataSettings
    model: ModelSettings = ModelSettings()
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings
    tracking: TrackingSettings = TrackingSettings()
    jobs: JobSettings = JobSettings()

    @property
    def paths(self) -> Paths:
        return Paths(self.home)

    @property
    def data_path(self) -> Path:
        """The data file, absolute: a relative ``data.path`` lies under home."""
        return self.home / self.data.path.expanduser()

    @property
    def features_path(self) -> Path:
        return self.home / self.data.features_path.expanduser()

    @property
    def tracking_uri(self) -> str:
        return self._database(self.tracking.uri, self.paths.mlflow_db)

    @property
    def database_url(self) -> str:
        return self._database(self.jobs.database_url, self.paths.lab_db)

    def _database(self, configured: str | None, default: Path) -> str:
        """The address, a relative SQLite file laid under home: processes stand in different folders."""
        if configured is None:
            return f"{SQLITE}{default}"
        if configured.startswith(SQLITE):
            return f"{SQLITE}{self.home / configured.removeprefix(SQLITE)}"
        return configured

    def as_environment(self) -> dict[str, str]:
        """The variables under which another process loads these very settings."""
        sections = self.model_dump(mode="json", exclude={"home"})
        keys = {(section, key): value for section, values in sections.items() for key, value in values.items()}
        # JSON is YAML, so load_settings reads every value back as it was.
        variables = {f"{PREFIX}{s}__{k}".upper(): json.dumps(value) for (s, k), value in keys.items()}
        return {HOME_VARIABLE: str(self.home), **variables}

    def default_spec(self, family: str | None = None) -> TrainingSpec:
        """The spec config.yaml asks for; knobs it is silent on take their own defaults.

        Raises:
            InvalidSpec: there is no such family.
        """
        chosen = TrainingSpec.create(family or self.model.family).family
        configured = self.model.hyperparameters.get(chosen, {})
        return TrainingSpec.create(chosen, configured, seed=self.model.random_state)


Config = Settings | Mapping[str, Any] | None
"""What the classes of the old project are given: settings, the content of a config.yaml, or nothing."""


def settings_from(config: Config) -> Settings:
    """Settings as they are, from the content of a ``config.yaml`` laid over the project's, or loaded.

    Raises:
        InvalidSettings: as :func:`load_settings`.
    """
    return config if isinstance(config, Settings) else load_settings(values=config)


def load_settings(
    home: Path | None = None,
    environment: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Settings:
    """Settings from ``config/config.yaml`` (home's own, else the project's) and the environment.

    Args:
        home: the state folder; by default ``HOUSING_LAB_HOME``, else the project's root.
        environment: stands in for ``os.environ``.
        values: keys laid over the file's, below the environment's.

    Raises:
        InvalidSettings: a file that is no YAML, an unknown key, or a wrong value; every one is named.
    """
    env = os.environ if environment is None else environment
    root = (home or Path(env.get(HOME_VARIABLE) or PROJECT_ROOT)).expanduser().resolve()
    candidates = (root / "config" / "config.yaml", PROJECT_ROOT / "config" / "config.yaml")
    file = next((path for path in candidates if path.is_file()), candidates[-1])
    merged = _merge(_merge(_read_yaml(file), values or {}), _from_environment(env))
    if "home" in merged:
        raise InvalidSettings(
            "home is no setting.", where=str(file), remedy=f"Remove the key and set {HOME_VARIABLE} instead."
        )
    try:
        return Settings.model_validate({**merged, "home": root})
    except ValidationError as error:
        complaints = "; ".join(_complaint(dict(problem), env) for problem in error.errors())
        raise InvalidSettings(
            complaints + ".",
            where=str(file),
            remedy="Correct the keys named here; config/config.yaml in the project shows every one.",
        ) from error


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidSettings(
            f"The configuration cannot be read: {error}.",
            where=str(file),
            remedy="Restore config/config.yaml from the project, or correct the line named here.",
        ) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise InvalidSettings(
            "The configuration holds no sections.", where=str(file), remedy="Write it as `section:` and `key: value`."
        )
    return content


def _from_environment(env: Mapping[str, str]) -> dict[str, Any]:
    """The overrides as nested mappings; values are read as YAML, so ``false`` and ``3`` mean what they say."""
    overrides: dict[str, Any] = {}
    for name, text in sorted(env.items()):
        if not name.startswith(PREFIX) or name == HOME_VARIABLE:
            continue
        *sections, key = name.removeprefix(PREFIX).lower().split("__")
        if not sections:
            raise InvalidSettings(
                f"There is no setting {name}.",
                where="environment",
                remedy=f"Name it {PREFIX}<SECTION>__<KEY>, or unset it.",
            )
        place = overrides
        for section in sections:
            below = place.setdefault(section, {})
            if not isinstance(below, dict):
                raise InvalidSettings(
                    f"{name} is set, and so is {section} above it.",
                    where="environment",
                    remedy="Unset one of the two.",
                )
            place = below
        try:
            place[key] = yaml.safe_load(text)
        except yaml.YAMLError:
            place[key] = text
    return overrides


def _merge(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, Mapping) else value
    return merged


def _complaint(problem: Mapping[str, Any], env: Mapping[str, str]) -> str:
    keys = [str(part) for part in problem["loc"]]
    variable = PREFIX + "__".join(keys).upper()
    place = f"{variable} (environment)" if variable in env else ".".join(keys)
    message = str(problem["msg"]).removeprefix("Value error, ").removesuffix(".")
    reason = "is no setting" if problem["type"] == "extra_forbidden" else message
    return f"{place}: {reason}"
