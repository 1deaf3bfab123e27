"""What a screen looks like to everybody: axe-core's findings, what is cut off, and what explains itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pyarrow as pa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from core.domain.glossary import meaning
from core.domain.money import MISSING, is_figure

GRAVE: Final = ("serious", "critical")

_HAS_SCHEME: Final = """scheme =>
  getComputedStyle(document.querySelector("[data-testid=stApp]")).colorScheme === scheme"""

_CUT_OFF: Final = """() => {
  const words = "p, h1, h2, h3, h4, button, label, summary, [data-testid=stMetricValue], [data-testid=stMetricLabel]";
  const scrolls = element => {
    for (let one = element.parentElement; one; one = one.parentElement) {
      if (/auto|scroll/.test(getComputedStyle(one).overflowX) && one.scrollWidth > one.clientWidth
          && one !== document.scrollingElement && one.dataset.testid !== "stMain") return true;
    }
    return false;
  };
  const found = [];
  for (const element of document.querySelectorAll(`[data-testid=stMain] :is(${words})`)) {
    const box = element.getBoundingClientRect(), style = getComputedStyle(element);
    if (!box.width || !box.height || style.visibility === "hidden" || scrolls(element)) continue;
    const text = element.textContent.trim().slice(0, 60);
    if (!text || element.closest("[data-testid=stSkeleton], [aria-hidden=true], .js-plotly-plot")) continue;
    if (box.right > innerWidth + 1 || box.left < -1) found.push(`over the edge: ${text}`);
    const isEllipsis = style.textOverflow === "ellipsis" && style.overflowX !== "visible";
    if (isEllipsis && element.scrollWidth > element.clientWidth + 1) found.push(`cut short: ${text}`);
  }
  return [...new Set(found)];
}"""

_SHIFTS: Final = """() => new Promise(told => {
  const windows = [];
  new PerformanceObserver(list => {
    for (const one of list.getEntries()) {
      const main = "[data-testid=stMain]";
      const opens = one.sources.some(({node}) => node?.matches?.(main) || node?.querySelector?.(main));
      if (one.hadRecentInput || opens) continue;
      const open = windows.at(-1);
      if (open && one.startTime - open.last < 1000 && one.startTime - open.first < 5000) {
        open.last = one.startTime; open.sum += one.value;
      } else windows.push({first: one.startTime, last: one.startTime, sum: one.value});
    }
  }).observe({type: "layout-shift", buffered: true});
  setTimeout(() => told(Math.max(0, ...windows.map(one => one.sum))), 200);
})"""

_FOCUS: Final = """() => {
  const element = document.activeElement;
  const look = () => {
    const style = getComputedStyle(element);
    return [style.outline, style.boxShadow, style.backgroundColor, style.borderColor].join();
  };
  const focused = look();
  element.blur();
  const left = look();
  element.focus();
  return [element.getAttribute("aria-label") || element.textContent.trim(), focused !== left];
}"""


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule of axe-core that a screen breaks, and on how many elements; ``first`` is one of them."""

    rule: str
    impact: str
    elements: int
    first: str

    def __str__(self) -> str:
        return f"{self.impact}: {self.rule} on {self.elements}, as in {self.first}"


def findings(page: Page, *, only: Sequence[str] = ()) -> tuple[Finding, ...]:
    """What axe-core finds on the screen as it stands; with ``only``, by these rules alone."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if only:
        options["runOnly"] = {"type": "rule", "values": list(only)}
    found = Axe().run(page, options=options).response["violations"]
    return tuple(
        Finding(one["id"], one["impact"], len(one["nodes"]), f"{node['html'][:300]}: {node['failureSummary']}")
        for one in found
        for node in one["nodes"][:1]
    )


def layout_shift(page: Page) -> float:
    """How much the screen jumped while it loaded: Cumulative Layout Shift, of which Web Vitals call 0.1 good.

    Streamlit's shell opens its sidebar when the first message arrives and pushes the whole main part aside (0.24 at
    1440 px). That is not counted: no screen can prevent it, and nothing of a screen stands there yet. The browser names
    the main part itself as what moved, or what holds it.
    """
    return float(page.evaluate(_SHIFTS))


def tab_to(page: Page, target: Locator, *, presses: int = 200) -> int:
    """Press Tab until the target, or what lies in it, has the focus; how many presses that took.

    Raises:
        AssertionError: it is out of reach of the keyboard, or nothing shows that it has the focus.
    """
    for pressed in range(presses):
        if target.evaluate("element => element.contains(document.activeElement)"):
            words, is_shown = page.evaluate(_FOCUS)
            assert is_shown, f"nothing shows that {words} has the focus"
            return pressed
        page.keyboard.press("Tab")
    raise AssertionError(f"{target} is out of reach of {presses} presses of Tab")


def grave(found: Sequence[Finding]) -> list[str]:
    """The serious and the critical ones, in words."""
    return [str(one) for one in found if one.impact in GRAVE]


def show_scheme(page: Page, scheme: Literal["light", "dark"]) -> None:
    """Light or dark from now on, as when the visitor's computer changes over in the evening."""
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function(_HAS_SCHEME, arg=scheme)
    page.wait_for_timeout(300)  # colours fade


def cut_off(page: Page) -> list[str]:
    """Words that reach over the window's edge or are cut short, unless their box scrolls."""
    return list(page.evaluate(_CUT_OFF))


def elements_of(messages: Sequence[bytes]) -> Iterator[Element]:
    """The elements a server sent."""
    for message in messages:
        forward = ForwardMsg.FromString(message)
        if forward.WhichOneof("type") == "delta" and forward.delta.HasField("new_element"):
            yield forward.delta.new_element


def unexplained(elements: Sequence[Element]) -> list[str]:
    """Metric tiles without help, and columns without it that the lab has a word for."""
    tiles = [f"tile {one.metric.label}" for one in elements if one.HasField("metric") and not one.metric.help]
    columns = [
        f"column {title}"
        for one in elements
        if one.HasField("dataframe")
        for title, config, _ in _columns(one)
        if meaning(title) is not None and not config.get("help")
    ]
    return sorted({*tiles, *columns})


def figures_at_the_left(elements: Sequence[Element]) -> list[str]:
    """Columns whose every cell is a figure, and that are not told to stand at the right."""
    return sorted(
        {
            title
            for one in elements
            if one.HasField("dataframe")
            for title, config, values in _columns(one)
            if values
            and all(isinstance(value, str) and is_figure(value) for value in values)
            and config.get("alignment") != "right"
        }
    )


def tiles_and_columns(elements: Sequence[Element]) -> tuple[int, int]:
    """How many of them there are."""
    return (
        sum(one.HasField("metric") for one in elements),
        sum(len(list(_columns(one))) for one in elements if one.HasField("dataframe")),
    )


def _columns(element: Element) -> Iterator[tuple[str, dict[str, Any], list[object]]]:
    """Title, configuration and the cells that are not missing, of each column of a table."""
    config = json.loads(element.dataframe.columns or "{}")
    content = element.dataframe.arrow_data.data
    if not content:
        return
    table = pa.ipc.open_stream(content).read_all()
    for title in table.column_names:
        values = [value for value in table.column(title).to_pylist() if value not in (None, MISSING, "")]
        yield title, config.get(title) or {}, values
