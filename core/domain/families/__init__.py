"""The model families, a file each: the file's name is the family's, its ``FAMILY`` says what it is.

A file more is a family more: sliders, terminal, sweeps, validation, records and charts follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Final

from core.domain.family import Family


def _family_in(name: str) -> Family:
    found = getattr(import_module(f"{__name__}.{name}"), "FAMILY", None)
    if not isinstance(found, Family):
        raise ImportError(f"core/domain/families/{name}.py defines no FAMILY; see the files beside it.")
    return found


FAMILIES: Final[Mapping[str, Family]] = MappingProxyType(
    {module.name: _family_in(module.name) for module in iter_modules(__path__)}
)
"""Every family by its name."""
