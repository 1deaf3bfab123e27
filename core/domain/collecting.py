"""How often Python looks for garbage in a process of the lab."""

from __future__ import annotations

import gc
from typing import Final

YOUNG_OBJECTS: Final = 50_000
"""Objects made between two looks, in place of Python 3.11's 700.

The libraries below make some millions while they are imported, hardly any of them garbage: with the usual number a
process spends a fifth of its start on looking at them again and again.
"""


def collect_rarely() -> None:
    """For the beginning of a process, before it imports what is large."""
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
