"""What holds when DVC runs a stage: it must find what was done, or dvc.lock says what is not so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from core.data.ingest import known_source
from core.domain.errors import DataUnavailable, InvalidSettings
from core.domain.provenance import DataSource
from core.domain.settings import HOME_VARIABLE, PREFIX, Settings

STAGE_VARIABLE: Final = "DVC_STAGE"
ROOT_VARIABLE: Final = "DVC_ROOT"
"""DVC sets both for every command it runs."""

_TRACKED: Final = ("DATA", "MODEL", "EVALUATION")
"""Sections of config.yaml whose keys are params in dvc.yaml."""


def is_dvc_stage(environment: Mapping[str, str]) -> bool:
    """Whether DVC runs this process as a stage."""
    return bool(environment.get(STAGE_VARIABLE))


def check_dvc_stage(settings: Settings, environment: Mapping[str, str]) -> None:
    """Nothing outside a stage of DVC's.

    Raises:
        InvalidSettings: the state lies where DVC does not look, or a variable overrides what DVC reads from
            config.yaml.
    """
    if not is_dvc_stage(environment):
        return
    root = Path(environment.get(ROOT_VARIABLE) or settings.home).resolve()
    if root != settings.home.resolve():
        raise InvalidSettings(
            f"DVC works in {root} and would not find what this stage writes in {settings.home}.",
            where=HOME_VARIABLE,
            remedy=f"Unset {HOME_VARIABLE}, and run `dvc repro` (or `dvc exp run` without --temp and --queue) there.",
        )
    prefixes = tuple(f"{PREFIX}{section}__" for section in _TRACKED)
    overriding = sorted(name for name in environment if name.upper().startswith(prefixes))
    if overriding:
        raise InvalidSettings(
            f"{', '.join(overriding)} would override config/config.yaml, which is all that DVC reads.",
            where="environment",
            remedy="Unset it and write the value into config/config.yaml: DVC then knows what has to run again.",
        )


def check_ingested(settings: Settings, environment: Mapping[str, str]) -> None:
    """Nothing outside a stage of DVC's, or when there are rows to go on with.

    Raises:
        DataUnavailable: the rows are invented, and a pipeline that is to be repeated needs real ones.
    """
    if is_dvc_stage(environment) and known_source(settings) is DataSource.DEMO:
        raise DataUnavailable(
            "There is neither a data file nor a download, and DVC's pipeline is not run on invented rows.",
            where=str(settings.data_path),
            remedy="Put the file there. `python -m core pipeline` trains on invented rows.",
        )
