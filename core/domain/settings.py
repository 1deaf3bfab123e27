"""What differs between machines and teams, validated and frozen. Read by :mod:`core.domain.configuration`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from core.domain.access import Role
from core.domain.addresses import refuse_unreadable
from core.domain.errors import LabError
from core.domain.hyperparameters import ModelFamily, TrainingSpec
from core.domain.paths import Paths

PREFIX: Final = "HOUSING_LAB_"
SQLITE: Final = "sqlite:///"
HOME_VARIABLE: Final = "HOUSING_LAB_HOME"
TOKEN_VARIABLE: Final = "HOUSING_LAB_TOKEN"  # noqa: S105 - the name of one
"""Not a setting: who asks at the terminal, while ``access.sign_in`` is on."""

MOST_FOLDS: Final = 20
EVERYONE: Final = "*"
LONGEST_HOLDER: Final = 200
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
    max_rows: int = Field(default=1_000_000, ge=1)
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
    """What a model must reach, and from which difference on two models differ in practice.

    ``range_folds`` is the number of parts in which each version's prediction range is measured after it was
    registered; 0 leaves ranges out. ``spatial_folds`` is the number of parts, of whole blocks of the map, in which its
    spatial score is measured then; 0 leaves that out.
    """

    thresholds: Thresholds
    practical_margin: float = Field(default=0.01, ge=0, lt=1)
    range_folds: int = Field(default=5, ge=0, le=MOST_FOLDS)
    spatial_folds: int = Field(default=5, ge=0, le=MOST_FOLDS)

    @property
    def assesses(self) -> bool:
        """Whether anything is measured of a version after it was registered."""
        return bool(self.range_folds or self.spatial_folds)

    @field_validator("range_folds", "spatial_folds")
    @classmethod
    def _not_one(cls, folds: int) -> int:
        if folds == 1:
            raise ValueError(f"a part must be priced by a fit on others: give 2 to {MOST_FOLDS}, or 0 to leave it out")
        return folds


class PromotionSettings(_Section):
    """What a version must stand before an alias moves to it. Every gate but the thresholds, which are evaluation's.

    Attributes:
        margin: share of the champion's RMSE that the candidate's may be higher.
        confidence: with which the candidate must keep within the margin (one-sided).
        segment_rows: regions and price bands of fewer held-out rows are not judged.
        segment_worse_percent: by how much the RMSE of one of them may rise.
        spatial_limit: by how many percent its spatial RMSE may exceed the champion's; null only shows it.
        requote_percent: a price that moves by more counts as moved.
        requote_limit: how many percent of the prices may move; null only shows them.
        load_seconds: in which the model must load and price ``rows`` block groups.
        sample: block groups priced under both models; ``seed`` draws these and those.
    """

    margin: float = Field(default=0.02, ge=0, lt=1)
    confidence: float = Field(default=0.95, ge=0.5, lt=1)
    segment_rows: int = Field(default=100, ge=2)
    segment_worse_percent: float = Field(default=10, ge=0)
    spatial_limit: float | None = Field(default=None, ge=0)
    requote_percent: float = Field(default=5, ge=0)
    requote_limit: float | None = Field(default=None, ge=0, le=100)
    load_seconds: float = Field(default=30, gt=0)
    rows: int = Field(default=200, ge=1, le=10_000)
    sample: int = Field(default=500, ge=1, le=10_000)
    seed: int = Field(default=42, ge=0)


def _address(given: str | None) -> str | None:
    if given is not None:
        refuse_unreadable(given)
    return given


class TrackingSettings(_Section):
    """MLflow's store. ``uri`` null means SQLite under ``logs/mlruns``; names are what any client reads.

    ``ui_url`` is where MLflow's own UI answers, for a store that is no server itself.
    """

    uri: str | None = None
    artifact_location: str | None = None
    experiment_name: str = "housing_price_prediction"
    registered_model_name: str = "housing_price_predictor"
    ui_url: str = Field(default="http://127.0.0.1:5002", pattern=r"^https?://[^\s]+$")

    @field_validator("uri")
    @classmethod
    def _readable(cls, given: str | None) -> str | None:
        return _address(given)


class JobSettings(_Section):
    """The durable queue. ``database_url`` null means SQLite in ``logs/lab.db``."""

    database_url: str | None = None
    running: int = Field(default=1, ge=1, le=64)
    queued: int = Field(default=50, ge=1)
    embedded_worker: bool = True
    checkpoint_seconds: float = Field(default=10, gt=0)

    @field_validator("database_url")
    @classmethod
    def _readable(cls, given: str | None) -> str | None:
        return _address(given)


class ScoringSettings(_Section):
    """How files of houses are priced.

    Attributes:
        max_rows: a longer file is refused before anything is priced.
        max_megabytes: so is a larger one, and a Parquet file that unpacks to more. An upload lies in the app's memory.
        max_download_megabytes: a larger result is not sent to a browser, for the app would hold it in memory.
        chunk_rows: priced at a time; a cancel is heard between two chunks.
        keep_days: how long uploaded and priced files are kept.
    """

    max_rows: int = Field(default=1_000_000, ge=1)
    max_megabytes: int = Field(default=200, ge=1)
    max_download_megabytes: int = Field(default=300, ge=1)
    chunk_rows: int = Field(default=20_000, ge=1, le=1_000_000)
    keep_days: float = Field(default=7, gt=0)


class Token(_Section):
    """A bearer token somebody was given: whose, what it may do, and the SHA-256 of it. The token itself is not kept."""

    name: str = Field(min_length=1, max_length=LONGEST_HOLDER)
    role: Role
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class RoleLists(_Section):
    """Who is more than a viewer, by email; ``*`` is everyone who signed in."""

    trainer: tuple[str, ...] = ()
    approver: tuple[str, ...] = ()

    @field_validator("trainer", "approver")
    @classmethod
    def _emails(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for one in given:
            if one != EVERYONE and "@" not in one:
                raise ValueError(f"{one!r} is no email address; give addresses, or '{EVERYONE}' for everyone signed in")
        return given


class AccessSettings(_Section):
    """Who may do what.

    Attributes:
        sign_in: visitors of the app sign in (OIDC), and the terminal shows a token.
        roles: emails of trainers and approvers; everyone else who signed in is a viewer.
        allow_public: the app, REST and MLflow's UI may listen beyond this computer although nobody is asked who he is.
        tokens: who may come in without a browser.
        rest_tokens: the REST service asks for one of these.
    """

    sign_in: bool = False
    roles: RoleLists = RoleLists()
    allow_public: bool = False
    tokens: tuple[Token, ...] = ()
    rest_tokens: bool = False

    @field_validator("tokens")
    @classmethod
    def _apart(cls, given: tuple[Token, ...]) -> tuple[Token, ...]:
        names, hashes = [one.name for one in given], [one.sha256 for one in given]
        if len(set(names)) < len(names) or len(set(hashes)) < len(hashes):
            raise ValueError("two tokens share a name or a sha256; make one for each by `python -m core token`")
        return given


class Settings(_Section):
    """The whole configuration, validated and frozen. Passed in, never looked up."""

    home: Path
    data: DataSettings
    model: ModelSettings = ModelSettings()
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings
    promotion: PromotionSettings = PromotionSettings()
    scoring: ScoringSettings = ScoringSettings()
    tracking: TrackingSettings = TrackingSettings()
    jobs: JobSettings = JobSettings()
    access: AccessSettings = AccessSettings()

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
        variables = {
            f"{PREFIX}{s}__{k}".upper(): json.dumps(value, ensure_ascii=False) for (s, k), value in keys.items()
        }
        return {HOME_VARIABLE: str(self.home), **variables}

    def for_child(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The environment of a process started from one that has this: these settings, and not its user's token."""
        return {name: value for name, value in environment.items() if name != TOKEN_VARIABLE} | self.as_environment()

    def default_spec(self, family: str | None = None) -> TrainingSpec:
        """The spec config.yaml asks for; knobs it is silent on take their own defaults.

        Raises:
            InvalidSpec: there is no such family.
        """
        chosen = TrainingSpec.create(family or self.model.family).family
        configured = self.model.hyperparameters.get(chosen, {})
        return TrainingSpec.create(chosen, configured, seed=self.model.random_state)
