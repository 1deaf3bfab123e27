"""The server: ``streamlit run app.py``. The screens are in ``pages/``; what outlives them starts and stops here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

from core.workflows.service import BackgroundService


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


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """While the server lives, slow imports are warmed and a worker is kept alive."""
    with BackgroundService(warm_charts):
        yield


app = st.App(Path(__file__).parent / "pages" / "main.py", lifespan=lifespan)
