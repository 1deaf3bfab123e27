"""The server: ``streamlit run app.py``. The screens are in ``pages/``; what outlives them starts and stops here."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from core.domain.admission import is_public, refuse_open_door
from core.domain.collecting import collect_rarely
from core.domain.configuration import load_settings
from core.serving.protection import Protected
from core.workflows.service import BackgroundService

TURN_SECONDS = 0.001
"""Python lets a thread that draws a screen compute five times as long before it sends what is drawn already."""


def warm_charts() -> None:
    """Import what draws, so that the first visitor does not wait for it."""
    import core.charts.comparables
    import core.charts.comparison
    import core.charts.comparison_rows
    import core.charts.curves
    import core.charts.error_map
    import core.charts.fit
    import core.charts.history
    import core.charts.importance
    import core.charts.learning
    import core.charts.place_map
    import core.charts.range_bar
    import core.charts.report
    import core.charts.run_boxes
    import core.charts.run_curves
    import core.charts.run_lines
    import core.charts.run_means
    import core.charts.run_scatter
    import core.charts.scenarios
    import core.charts.scoring
    import core.charts.surface
    import core.charts.tuning
    import core.charts.tuning_knobs
    import core.charts.tuning_seeds
    import core.charts.version_split
    import core.charts.versions
    import core.charts.waterfall  # noqa: F401


def refuse_strangers() -> None:
    """Nothing, unless the app would stand open to whoever reaches this computer.

    Raises:
        LabError: it would; the server does not start.
    """
    address = st.get_option("server.address")
    if is_public(address):
        # The server prints why it did not start, and a stack trace would push that off the screen.
        sys.tracebacklimit = 0
        refuse_open_door(load_settings().access, address, door="The app", key="sign_in", where="server.address")
        del sys.tracebacklimit


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """While the server lives, slow imports are warmed and a worker is kept alive."""
    collect_rarely()
    sys.setswitchinterval(TURN_SECONDS)
    refuse_strangers()
    with BackgroundService(warm_charts):
        yield


app = st.App(Path(__file__).parent / "pages" / "main.py", lifespan=lifespan, middleware=[Middleware(Protected)])
