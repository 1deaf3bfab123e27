"""Who is at the screen."""

from __future__ import annotations

from getpass import getuser


def actor() -> str:
    """The name that runs and records carry: on a laptop, whoever started the app."""
    return getuser()
