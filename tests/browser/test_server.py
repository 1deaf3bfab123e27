"""The server a test starts is the real one, tells its troubles, and leaves nothing behind."""

from __future__ import annotations

import os
import urllib.request

import psutil
import pytest

from tests.browser.server import free_port, running_app

QUIET = {"STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false"}

PARENT_OF_A_SLEEPER = """
import subprocess, sys
import streamlit as st
from streamlit.web.server.starlette import App

sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print("sleeper", sleeper.pid, flush=True)
app = App("screen.py")
"""


def test_a_free_port_can_be_listened_on():
    assert 1024 < free_port() < 65536


def test_the_server_answers_while_the_block_lasts_and_is_gone_after_it(tmp_path):
    script = tmp_path / "screen.py"
    script.write_text("import streamlit as st\nst.write('hello')\n", encoding="utf-8")

    with running_app(tmp_path / "home", QUIET, script=script) as app:
        with urllib.request.urlopen(app.url) as answer:  # noqa: S310 - our own server
            assert answer.status == 200
        assert psutil.Process(app.process.pid).environ()["HOUSING_LAB_HOME"] == str(tmp_path / "home")

    assert app.process.poll() is not None
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(app.url)  # noqa: S310 - our own server


def test_what_the_server_started_ends_with_it_even_when_detached(tmp_path):
    (tmp_path / "screen.py").write_text("import streamlit as st\n", encoding="utf-8")
    script = tmp_path / "app.py"
    script.write_text(PARENT_OF_A_SLEEPER, encoding="utf-8")

    with running_app(tmp_path / "home", QUIET, script=script) as app:
        (line,) = [line for line in app.printed().splitlines() if line.startswith("sleeper")]
        sleeper = int(line.split()[1])
        assert psutil.pid_exists(sleeper)

    assert not psutil.pid_exists(sleeper)


def test_a_server_that_cannot_start_says_why(tmp_path):
    missing = tmp_path / "gone.py"
    with (
        pytest.raises(AssertionError, match=r"(?s)the server ended with 2.*gone\.py"),
        running_app(tmp_path / "home", QUIET, script=missing),
    ):
        raise AssertionError("the block was entered")


def test_a_server_that_dies_under_the_test_is_told_of(tmp_path):
    script = tmp_path / "screen.py"
    script.write_text("import streamlit as st\n", encoding="utf-8")

    def serve() -> None:
        with running_app(tmp_path / "home", QUIET, script=script) as app:
            app.process.kill()
            app.process.wait()

    with pytest.raises(AssertionError, match="the server ended with -9 while the test ran"):
        serve()


def test_a_traceback_in_the_log_fails_the_test_unless_it_is_allowed(tmp_path):
    def serve(*, tracebacks_allowed: bool) -> None:
        script = tmp_path / "screen.py"
        script.write_text("import streamlit as st\n", encoding="utf-8")
        with running_app(tmp_path / "home", QUIET, script=script, tracebacks_allowed=tracebacks_allowed) as app:
            app.log.write_text("Traceback (most recent call last):\n  ValueError: planted\n", encoding="utf-8")

    with pytest.raises(AssertionError, match="ValueError: planted"):
        serve(tracebacks_allowed=False)
    serve(tracebacks_allowed=True)


def test_the_tests_own_environment_is_inherited(tmp_path):
    script = tmp_path / "screen.py"
    script.write_text("import streamlit as st\n", encoding="utf-8")
    with running_app(tmp_path / "home", {**QUIET, "EXTRA": "1"}, script=script) as app:
        environment = psutil.Process(app.process.pid).environ()
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert environment["EXTRA"] == "1"
