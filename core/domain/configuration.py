"""Reading the settings: ``config/config.yaml``, overridden by the environment.

``HOUSING_LAB_HOME`` is the folder all state lies under. ``HOUSING_LAB_<SECTION>__<KEY>`` overrides any key,
deeper keys with one more ``__`` each: ``HOUSING_LAB_MODEL__HYPERPARAMETERS__RANDOM_FOREST__N_ESTIMATORS=300``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from core.domain.errors import InvalidSettings
from core.domain.settings import HOME_VARIABLE, PREFIX, PROJECT_ROOT, TOKEN_VARIABLE, Settings

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
        if not name.startswith(PREFIX) or name in (HOME_VARIABLE, TOKEN_VARIABLE):
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
