"""Giving back to the computer what a process has freed."""

from __future__ import annotations

import ctypes
import sys


def give_back_freed_memory() -> None:
    """Return freed memory to the system where the C library keeps it: ``malloc_trim`` of glibc (man malloc_trim, 3).

    A forest is unpickled into arrays that its trees then copy. What they leave free is as much as the forest itself,
    and glibc would keep it for good. Elsewhere than on Linux with glibc nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
