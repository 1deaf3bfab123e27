"""Who does what in tests that are not about who may."""

from __future__ import annotations

from typing import Final

from core.domain.access import Actor, Role

TESTER: Final = Actor("tester", Role.APPROVER)


def named(name: str) -> Actor:
    """Somebody of this name who may do everything."""
    return Actor(name, Role.APPROVER)
