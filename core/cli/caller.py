"""Who sits at the terminal."""

from __future__ import annotations

import os

from core.domain.access import Actor
from core.domain.admission import terminal_actor
from core.domain.settings import TOKEN_VARIABLE, Settings


def caller(settings: Settings) -> Actor:
    """This computer's user or, with ``access.sign_in`` on, whoever holds the token in ``HOUSING_LAB_TOKEN``.

    Raises:
        NotSignedIn: there is no token, or a forged one.
    """
    return terminal_actor(settings.access, os.environ.get(TOKEN_VARIABLE, ""))
