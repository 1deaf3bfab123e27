"""What a visitor means to do, as one call each: press, slide, fill, choose, read, wait.

An intent names a widget by the label a visitor reads and returns when the screen has answered. It fails when
nothing answered, so that a widget wired to nothing is found. Inside an ``st.form`` nothing answers before the
submit button, and nothing is waited for.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Locator, Page
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

ANSWER_SECONDS: Final = 15
"""How long a script run may take to start after an intent; a loaded machine needs seconds."""

RUN_SECONDS: Final = 90
"""How long one script run may take."""

_MESSAGES: Final = ForwardMsg.DESCRIPTOR.fields_by_name
_QUESTION: Final = BackMsg.DESCRIPTOR.fields_by_name["rerun_script"]

COUNT_RUNS: Final = (
    """
window.lab = {started: 0, running: false, changed: performance.now(), asked: 0, answered: 0, meant: 0};
const partsOf = bytes => {
  let at = 0;
  const number = () => {
    let value = 0, scale = 1, byte;
    do { byte = bytes[at++]; value += (byte & 127) * scale; scale *= 128; } while (byte > 127);
    return value;
  };
  const found = new Map();
  while (at < bytes.length) {
    const tag = number(), field = Math.floor(tag / 8);
    if (tag % 8 !== 2) { found.set(field, number()); continue; }
    const length = number();
    found.set(field, bytes.subarray(at, at + length));
    at += length;
  }
  return found;
};
window.WebSocket = class extends window.WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", message => {
      if (!(message.data instanceof ArrayBuffer)) return;
      window.lab.changed = performance.now();
      const parts = partsOf(new Uint8Array(message.data));
      if (parts.has(NEW_SESSION)) {
        window.lab.started += 1;
        window.lab.running = true;
        window.lab.answered = window.lab.asked;
      }
      if (parts.has(SCRIPT_FINISHED)) window.lab.running = false;
    });
  }
  send(message) {
    const question = message instanceof Uint8Array ? partsOf(message).get(RERUN) : undefined;
    if (question !== undefined) {
      window.lab.asked += 1;
      if (!partsOf(question).get(BY_ITSELF)) window.lab.meant += 1;
    }
    super.send(message);
  }
};
""".replace("NEW_SESSION", str(_MESSAGES["new_session"].number))
    .replace("SCRIPT_FINISHED", str(_MESSAGES["script_finished"].number))
    .replace("RERUN", str(_QUESTION.number))
    .replace("BY_ITSELF", str(_QUESTION.message_type.fields_by_name["is_auto_rerun"].number))
)
"""Runs in every page before its own scripts: counts script runs as the server announces them, and what asked for one.

A slider that was moved by several keys may ask twice, and on a slow machine the first run ends before the second has
begun: the screen has answered once a run began after the last question. Parts of a screen that redraw themselves ask
as well; what a visitor ``meant`` is counted apart.

A run that gives way to the next may end without a word, so ends are not counted. The page's own
``data-test-script-state`` does not do for this: a run that ends within one frame never shows there.
"""

_IDLE: Final = """() => {
  const app = document.querySelector("[data-testid=stApp]");
  return app !== null
    && app.getAttribute("data-test-script-state") === "notRunning"
    && app.getAttribute("data-test-connection-state") === "CONNECTED"
    && window.lab.started > 0
    && !window.lab.running
    && window.lab.answered === window.lab.asked
    && performance.now() - window.lab.changed > 200;
}"""


def wait_until_idle(page: Page) -> None:
    """Until the script has ended and stayed so for a fifth of a second."""
    page.wait_for_function(_IDLE, timeout=RUN_SECONDS * 1000)


@contextmanager
def rerun(page: Page) -> Iterator[None]:
    """What is done in the block starts a script run; the block ends when that run has."""
    before = page.evaluate("[window.lab.meant, window.lab.started]")
    yield
    page.wait_for_function(
        "([meant, started]) => window.lab.meant > meant && window.lab.started > started",
        arg=before,
        timeout=ANSWER_SECONDS * 1000,
    )
    wait_until_idle(page)


def click_button(page: Page, name: str) -> None:
    """Press the button of that name, a form's submit button included."""
    with rerun(page):
        button(page, name).click()


def button(page: Page, name: str) -> Locator:
    """The button of that name, for looking at its state."""
    buttons = page.locator("[data-testid=stButton] button, [data-testid=stFormSubmitButton] button")
    return buttons.filter(has=page.get_by_text(name, exact=True))


def set_slider(page: Page, label: str, value: float | str) -> None:
    """Move a slider by the keyboard, step by step. Text picks the option of a ``select_slider``."""
    thumb = _field(page, "stSlider", label)
    if isinstance(value, str):
        _slide_to_option(page, thumb, value)
        return
    step = float(thumb.get_attribute("step") or 1)
    presses = round((value - float(thumb.input_value())) / step)
    if presses:
        with _answered(page, thumb):
            thumb.focus()
            for _ in range(abs(presses)):
                page.keyboard.press("ArrowRight" if presses > 0 else "ArrowLeft")
            _let_the_slider_speak(page)
    reached = float(thumb.input_value())
    assert math.isclose(reached, value, abs_tol=step / 100), f"{label} stands at {reached:g}, not at {value:g}"


def _slide_to_option(page: Page, thumb: Locator, option: str) -> None:
    if thumb.get_attribute("aria-valuetext") == option:
        return
    with _answered(page, thumb):
        thumb.focus()
        page.keyboard.press("Home")
        for _ in range(int(thumb.get_attribute("max") or 0)):
            if thumb.get_attribute("aria-valuetext") == option:
                break
            page.keyboard.press("ArrowRight")
        _let_the_slider_speak(page)
    reached = thumb.get_attribute("aria-valuetext")
    assert reached == option, f"the slider stands at {reached}, not at {option}"


def _let_the_slider_speak(page: Page) -> None:
    """Until the slider has sent its last value: it waits a fifth of a second for the next key, and on a slow
    machine earlier keys have had their own answer by then. The page runs its timers in the order they end."""
    page.evaluate("() => new Promise(spoken => setTimeout(spoken, 300))")


def read_slider(page: Page, label: str) -> float:
    """Where a slider stands; for a ``select_slider`` the number of the option, from 0."""
    return float(_field(page, "stSlider", label).input_value())


def read_slider_text(page: Page, label: str) -> str:
    """The value a slider shows."""
    return _field(page, "stSlider", label).get_attribute("aria-valuetext") or ""


def fill_number(page: Page, label: str, value: float) -> None:
    """Type a number and leave the field."""
    field = _field(page, "stNumberInput", label)
    if read_number(page, label) != value:
        with _answered(page, field):
            field.fill(f"{value:.10g}")
            field.press("Tab")
    reached = read_number(page, label)
    assert reached == value, f"{label} holds {reached}, not {value:g}"


def read_number(page: Page, label: str) -> float | None:
    """What a number field holds; None when it is empty."""
    text = _field(page, "stNumberInput", label).input_value()
    return float(text) if text else None


def fill_text(page: Page, label: str, text: str) -> None:
    """Type into a one-line field and leave it."""
    field = _field(page, "stTextInput", label)
    if field.input_value() != text:
        with _answered(page, field):
            field.fill(text)
            field.press("Tab")


def choose_option(page: Page, label: str, option: str) -> None:
    """Open a select box and choose the option of that name."""
    field = _field(page, "stSelectbox", label)
    if field.input_value() != option:
        with _answered(page, field):
            field.click()
            page.get_by_role("option", name=option, exact=True).click()
    assert field.input_value() == option, f"{label} shows {field.input_value()}, not {option}"


def read_metric(page: Page, label: str) -> str:
    """The figure under that label, as it is written."""
    labels = page.get_by_test_id("stMetricLabel").filter(has=page.get_by_text(label, exact=True))
    return page.get_by_test_id("stMetric").filter(has=labels).get_by_test_id("stMetricValue").inner_text()


def follow_navigation(page: Page, name: str) -> None:
    """Go to another screen by its link in the navigation."""
    links = page.locator("[data-testid=stSidebarNavLink], [data-testid=stTopNavLink]")
    with rerun(page):
        links.filter(has=page.get_by_text(name, exact=True)).click()


def shown_errors(page: Page) -> list[str]:
    """The text of every error box and uncaught exception on the screen."""
    refusals = "[data-testid=stAlertContentError]:not([data-testid=stException] *)"
    return page.locator(f"[data-testid=stException], {refusals}").all_inner_texts()


def _field(page: Page, kind: str, label: str) -> Locator:
    return page.get_by_test_id(kind).locator(f"input[aria-label={json.dumps(label, ensure_ascii=False)}]")


@contextmanager
def _answered(page: Page, field: Locator) -> Iterator[None]:
    in_a_form = field.evaluate("element => element.closest('[data-testid=stForm]') !== null")
    if in_a_form:
        yield
    else:
        with rerun(page):
            yield
