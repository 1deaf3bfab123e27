"""Screens run headless by Streamlit's own AppTest, frame and all, over a real home."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache

import pytest
import streamlit as st
from streamlit import config
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.testing.v1 import AppTest

from core.domain.settings import PROJECT_ROOT, Settings

OpenScreen = Callable[..., AppTest]
Downloads = dict[str, Callable[[], "str | bytes"]]


@pytest.fixture(scope="session")
def _quick_screens() -> Iterator[None]:
    """What AppTest does for each app anew, once or not at all."""
    magic = config.get_option("runner.magicEnabled")
    with pytest.MonkeyPatch.context() as patch:
        # A quarter of a second: Streamlit components are looked for in every installed package.
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        # Python 3.11 fails now and then when two threads make syntax trees at once, and no page needs one.
        config.set_option("runner.magicEnabled", False)
        yield
    config.set_option("runner.magicEnabled", magic)


@pytest.fixture
def open_screen(_quick_screens: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenScreen]:
    """``open_screen(settings, "what_if", median_income="8.3")``: that screen of that home, run once."""

    def run(
        settings: Settings, screen: str = "", *, user: Mapping[str, object] | None = None, **address: str
    ) -> AppTest:
        for name, value in settings.as_environment().items():
            monkeypatch.setenv(name, value)
        # A screen that submits a job must not start a worker that outlives the test.
        monkeypatch.setenv("HOUSING_LAB_JOBS__EMBEDDED_WORKER", "false")
        st.cache_resource.clear()
        app = AppTest.from_file(str(PROJECT_ROOT / "pages" / "main.py"), default_timeout=60)
        if user is not None:
            app.user = dict(user)
        for name, value in address.items():
            app.query_params[name] = value
        if screen:
            app.switch_page(f"{screen}.py")
        return app.run()

    yield run
    st.cache_resource.clear()


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> Downloads:
    """What makes each file the screens offer, by its name: AppTest presses a download button and gets nothing."""
    offered: Downloads = {}
    add = MediaFileManager.add_deferred

    def note(
        manager: MediaFileManager,
        make: Callable[[], str | bytes],
        mimetype: str | None,
        coordinates: str,
        file_name: str | None = None,
        **more: str,
    ) -> str:
        offered[file_name or ""] = make
        return add(manager, make, mimetype, coordinates, file_name, **more)

    monkeypatch.setattr(MediaFileManager, "add_deferred", note)
    return offered


def open_popover(app: AppTest, key: str) -> AppTest:
    """What a click on a popover does: what is in it is drawn while it is open."""
    app.session_state[key] = True
    return app.run()
