"""The REST service: whether one runs, which version it serves, how busy it is; started and stopped from here."""

from __future__ import annotations

import streamlit as st

from core.domain.access import Deed
from core.domain.money import MISSING, milliseconds
from core.serving.service_control import DEFAULT_PORT, RunningService, find_service, start_service, stop_service
from pages.shared.figures import tile
from pages.shared.frame import errors, escape, lab
from pages.shared.visitor import barred, visitor

LOOK_SECONDS = 2.0
TILE_WIDTH = 150


@st.fragment(run_every=LOOK_SECONDS)
def service() -> None:
    """Redrawn while it is looked at, from what the service itself says."""
    with errors():
        running = find_service(lab().settings)
        if running is None:
            _stopped()
        else:
            _running(running)


def _stopped() -> None:
    st.info("No service runs. Programs get prices over HTTP once it is started.", icon=":material/api:")
    port = st.number_input("Port", min_value=1, max_value=65_535, value=DEFAULT_PORT, step=1, width=160)
    may = barred(Deed.RUN_SERVICE)
    if st.button("Start the service", type="primary", icon=":material/play_arrow:", **may):
        with st.spinner("Starting"):
            start_service(lab().settings, actor=visitor(), port=int(port))
        st.rerun(scope="fragment")


def _running(running: RunningService) -> None:
    st.markdown(f"It answers at `{running.address}`, documented at <{running.address}/docs>.")
    if running.condition != "ok":
        st.warning(escape(f"{running.condition.capitalize()}: {running.reason}"), icon=":material/warning:")
    row = st.container(horizontal=True, gap="small")
    tile(row, "Version served", running.version or MISSING, width=TILE_WIDTH)
    tile(row, "Requests a second", f"{running.per_second:,.1f}", width=TILE_WIDTH)
    tile(row, "p95", milliseconds(running.p95_ms), width=TILE_WIDTH)
    tile(row, "Requests so far", f"{running.requests:,}", width=TILE_WIDTH)
    if running.since is not None:
        st.caption(f"Version {running.version} since {running.since:%d %B %Y %H:%M:%S} UTC.")
    if st.button("Stop the service", icon=":material/stop:", **barred(Deed.RUN_SERVICE)):
        with st.spinner("Answering the last requests"):
            stop_service(lab().settings, actor=visitor())
        st.rerun(scope="fragment")
