"""Screens run headless by Streamlit's own AppTest, frame and all, over a real home."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.domain.settings import PROJECT_ROOT, Settings

OpenScreen = Callable[..., AppTest]


@pytest.fixture
def open_screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenScreen]:
    """``open_screen(settings, "what_if", median_income="8.3")``: that screen of that home, run once."""

    def run(settings: Settings, screen: str = "", **address: str) -> AppTest:
        for name, value in settings.as_environment().items():
            monkeypatch.setenv(name, value)
        # A screen that submits a job must not start a worker that outlives the test.
        monkeypatch.setenv("HOUSING_LAB_JOBS__EMBEDDED_WORKER", "false")
        st.cache_resource.clear()
        app = AppTest.from_file(str(PROJECT_ROOT / "pages" / "main.py"), default_timeout=60)
        for name, value in address.items():
            app.query_params[name] = value
        if screen:
            app.switch_page(f"{screen}.py")
        return app.run()

    yield run
    st.cache_resource.clear()
