"""Many visitors of one server at once, each over a socket as its browser would hold it, without the browsers.

A visitor opens a screen and, once all have opened theirs, moves a slider again and again with some seconds of thought
between. What the server sends is read as Streamlit's own messages; fragments that redraw themselves are asked for as a
browser asks for them.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.typing import Subprotocol

RUN_SECONDS: Final = 60
"""A run that takes longer is an error."""

KEPT_MESSAGES: Final = 12
"""So many of the last ones are told of a run without an end."""

_PROTOCOL: Final = Subprotocol("streamlit")
_WELL: Final = {ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY}

STARTS_WITHIN: Final = 5.0
"""Visitors come one after the other within these seconds, as no crowd comes in the same instant."""


@dataclass(slots=True)
class Visited:
    """What all visitors met: seconds from a moved slider to its price, and to the end of the run; and every error."""

    priced: list[float] = field(default_factory=list)
    done: list[float] = field(default_factory=list)
    opened: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """What each visitor does.

    Args:
        screen: its path. address: what stands in the address at first.
        slider: the key of the slider that is moved; ``values`` are where to. ``think`` is in seconds. Without one
            the screen is only opened, and no price is waited for.
    """

    screen: str
    address: dict[str, str]
    slider: str = ""
    values: Sequence[float] = ()
    moves: int = 0
    think: float = 0.0


def visit(url: str, plan: Plan, visitors: int) -> Visited:
    """So many visitors of the server at ``url`` until each has made its moves."""
    return asyncio.run(_visit(url, plan, visitors))


async def _visit(url: str, plan: Plan, visitors: int) -> Visited:
    met, doors = Visited(), _Doors(visitors)
    async with asyncio.TaskGroup() as crowd:
        for number in range(visitors):
            crowd.create_task(_one(url, plan, met, doors, number, STARTS_WITHIN * number / visitors))
    return met


class _Doors:
    """Closed until all visitors are in, or have failed to come in."""

    def __init__(self, expected: int) -> None:
        self._outside = set(range(expected))
        self._all_in = asyncio.Event()

    def enter(self, number: int) -> None:
        self._outside.discard(number)
        if not self._outside:
            self._all_in.set()

    async def wait(self) -> None:
        await self._all_in.wait()


async def _one(url: str, plan: Plan, met: Visited, doors: _Doors, number: int, delay: float) -> None:
    luck = random.Random(number)  # noqa: S311 - pauses, no secrets
    await asyncio.sleep(delay)
    try:
        address = f"{url.replace('http', 'ws', 1)}/_stcore/stream"
        async with websockets.connect(address, subprotocols=[_PROTOCOL], max_size=None) as socket:
            page = _Page(socket, plan)
            listening = asyncio.create_task(page.listen())
            try:
                met.opened.append((await page.run(None))[1])
                doors.enter(number)
                await doors.wait()
                for _ in range(plan.moves):
                    await asyncio.sleep(luck.uniform(0.5, 1.5) * plan.think)
                    priced, done = await page.run(luck.choice(plan.values))
                    met.priced.append(priced)
                    met.done.append(done)
            finally:
                page.leave()
                listening.cancel()
                with suppress(asyncio.CancelledError):
                    await listening
            met.errors.extend(page.errors)
    except (OSError, TimeoutError, websockets.WebSocketException) as error:
        met.errors.append(f"{type(error).__name__}: {error}")
    finally:
        doors.enter(number)


class _Page:
    """One visitor's socket and what its browser would remember."""

    def __init__(self, socket: websockets.ClientConnection, plan: Plan) -> None:
        self.errors: list[str] = []
        self._socket = socket
        self._plan = plan
        self._slider = ""
        self._around = ""
        """The fragment that has the slider in it: a browser asks for that one alone."""
        self._script = ""
        self._value: float | None = None
        self._asked = False
        self._priced: float | None = None
        self._ended = asyncio.Event()
        self._redrawing: dict[str, asyncio.Task[None]] = {}
        self._came: deque[str] = deque(maxlen=KEPT_MESSAGES)

    async def run(self, value: float | None) -> tuple[float, float]:
        """Ask for a script run, with the slider moved there; seconds until the price came, and until the end."""
        self._value, self._priced = value, None
        self._asked = bool(self._around) and value is not None
        self._ended.clear()
        began = time.perf_counter()
        await self._ask(self._around if self._asked else "", redraws=False)
        try:
            async with asyncio.timeout(RUN_SECONDS):
                await self._ended.wait()
        except TimeoutError as error:
            price = "without a price" if self._priced is None else "after its price"
            raise TimeoutError(f"no end in {RUN_SECONDS} s, {price}; last came {', '.join(self._came)}") from error
        done = time.perf_counter()
        if self._plan.slider and (self._priced is None or not self._slider):
            self.errors.append(f"a run ended without a {'slider' if not self._slider else 'price'}")
        return (self._priced or done) - began, done - began

    async def listen(self) -> None:
        """Take whatever the server sends, for as long as the visit lasts."""
        async for data in self._socket:
            message = ForwardMsg()
            message.ParseFromString(data if isinstance(data, bytes) else data.encode())
            self._came.append(_named(message))
            match message.WhichOneof("type"):
                case "navigation":
                    # Not that of the new session: until the navigation has spoken it is the main script's.
                    self._script = message.navigation.page_script_hash
                case "auto_rerun":
                    self._redraw(message.auto_rerun.fragment_id, message.auto_rerun.interval)
                case "stop_auto_rerun":
                    for fragment in message.stop_auto_rerun.fragment_ids:
                        self._stop(fragment)
                case "delta":
                    self._take(message)
                case "script_finished" if self._is_answered(message):
                    self._ended.set()

    def _is_answered(self, message: ForwardMsg) -> bool:
        """Whether a run's end is the end of what was asked for.

        A fragment that redraws itself at that moment may take the place of the end, or mark it as too early; the price
        has come by then.
        """
        ran, well = message.metadata.run.fragment_ids, message.script_finished in _WELL
        if self._priced is not None:
            return not self._asked or self._around in ran or well
        return well and (self._around in ran if self._asked else not ran)

    def leave(self) -> None:
        """Ask for nothing more."""
        for fragment in list(self._redrawing):
            self._stop(fragment)

    def _stop(self, fragment: str) -> None:
        if (task := self._redrawing.pop(fragment, None)) is not None:
            task.cancel()

    def _redraw(self, fragment: str, seconds: float) -> None:
        # As in the browser, a clock that ticks goes on ticking.
        if fragment not in self._redrawing:
            self._redrawing[fragment] = asyncio.create_task(self._keep_asking(fragment, seconds))

    async def _keep_asking(self, fragment: str, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self._ask(fragment)

    async def _ask(self, fragment: str = "", *, redraws: bool = True) -> None:
        question = BackMsg()
        state = question.rerun_script
        moved = {} if self._value is None else {self._plan.slider: f"{self._value:g}"}
        state.query_string = urlencode({**self._plan.address, **moved})
        state.page_name = "" if self._script else self._plan.screen
        state.page_script_hash = self._script
        state.fragment_id = fragment
        state.is_auto_rerun = redraws
        if self._value is not None and self._slider:
            widget = state.widget_states.widgets.add()
            widget.id = self._slider
            widget.double_array_value.data.append(self._value)
        await self._socket.send(question.SerializeToString())

    def _take(self, message: ForwardMsg) -> None:
        """Remember where the slider is, when the price came, and what went wrong."""
        if message.delta.WhichOneof("type") != "new_element":
            return
        element = message.delta.new_element
        match element.WhichOneof("type"):
            case "slider" if element.slider.id.endswith(f"-{self._plan.slider}"):
                self._slider, self._around = element.slider.id, message.delta.fragment_id
            case "exception":
                self.errors.append(element.exception.message)
            case "metric" if self._priced is None:
                self._priced = time.perf_counter()


def _named(message: ForwardMsg) -> str:
    """A message in a few words, for an error."""
    kind = str(message.WhichOneof("type"))
    if kind == "script_finished":
        how = ForwardMsg.ScriptFinishedStatus.Name(message.script_finished)
        return f"{how} of {list(message.metadata.run.fragment_ids)}"
    return f"{kind} of {message.delta.fragment_id}" if kind == "delta" else kind
