"""Browser sessions that write down what must not happen: fetches from outside, script errors, console errors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, WebSocket

from tests.browser.intents import COUNT_RUNS, RUN_SECONDS, wait_until_idle

LAUNCH_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The address bar's own two pages: they take three times what a small page of ours takes, for each window. The
    # others are Playwright's, of whose list ours takes the place.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,HttpsUpgrades,MediaRouter,OptimizationHints,PaintHolding",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
"""The last one makes every other host unknown, so the recording of a request is also its end."""

_PROBE: Final = re.compile(r"/\w+/_stcore/(health|host-config)$")
"""On a deep link Streamlit's page first asks for its server below the screen's own path, and is told 404."""


Scheme = Literal["light", "dark"]


class Profiles:
    """A browser's profiles, one a colour scheme, that the visits of several tests share.

    What one page has loaded and compiled, the next finds in the profile's cache: of the four seconds of a processor
    that a first visit takes, that spares nearly half.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: dict[Scheme, BrowserContext] = {}

    def get(self, scheme: Scheme) -> BrowserContext:
        """The profile of that scheme, made when it is first asked for."""
        if scheme not in self._contexts:
            self._contexts[scheme] = self.make(scheme)
        return self._contexts[scheme]

    def make(self, scheme: Scheme) -> BrowserContext:
        """Another profile, for who must share nothing."""
        context = self._browser.new_context(color_scheme=scheme, reduced_motion="reduce")
        context.set_default_navigation_timeout(RUN_SECONDS * 1000)
        context.add_init_script(COUNT_RUNS)
        return context

    def forget(self) -> None:
        """Take away what sites keep of a visitor."""
        for context in self._contexts.values():
            context.clear_cookies()

    def close(self) -> None:
        """End all profiles with their pages."""
        while self._contexts:
            self._contexts.popitem()[1].close()


class Visits:
    """The visitors of one test. Each :meth:`open` is a session of its own, as from another window.

    ``fetched_outside``, ``page_errors`` and ``console_errors`` fill as the pages live. A test that provokes
    one clears the list; whatever is left at its end fails it.
    """

    def __init__(self, profiles: Profiles, *, keeps_messages: bool = False) -> None:
        """What the server sends is kept only where that is wanted."""
        self._profiles = profiles
        self._keeps_messages = keeps_messages
        self._pages: list[Page] = []
        self._apart: list[BrowserContext] = []
        self._messages: dict[Page, list[bytes]] = {}
        self.fetched_outside: list[str] = []
        self.page_errors: list[str] = []
        self.console_errors: list[str] = []

    def open(
        self,
        url: str,
        *,
        width: int = 1440,
        height: int = 900,
        color_scheme: Scheme = "light",
        apart: bool = False,
    ) -> Page:
        """A new visitor's page at that address, idle: the first script run has ended.

        Args:
            apart: from a machine of its own, with no cookie of the other visitors.
        """
        if apart:
            context = self._profiles.make(color_scheme)
            self._apart.append(context)
        else:
            context = self._profiles.get(color_scheme)
        page = context.new_page()
        self._pages.append(page)
        page.on("request", lambda request: self._saw(request.url))
        page.on("pageerror", lambda error: self.page_errors.append(str(error)))
        page.on("console", self._heard)
        page.on("websocket", lambda socket: self._listen(page, socket))
        page.set_viewport_size({"width": width, "height": height})
        page.goto(url)
        wait_until_idle(page)
        return page

    def messages(self, page: Page) -> Sequence[bytes]:
        """What the server sent this page so far, a frame each."""
        return tuple(self._messages.get(page, ()))

    def complaints(self) -> list[str]:
        """What must not have happened on any page, one line each."""
        return [
            *(f"fetched from outside: {url}" for url in self.fetched_outside),
            *(f"script error: {error}" for error in self.page_errors),
            *(f"console error: {error}" for error in self.console_errors),
        ]

    def screenshots(self, folder: Path, name: str) -> list[Path]:
        """A picture of every page still open, under a name made from the test's."""
        folder.mkdir(parents=True, exist_ok=True)
        stem = re.sub(r"\W+", "_", name).strip("_")
        pages = [page for page in self._pages if not page.is_closed()]
        files = [folder / f"{stem}_{number}.png" for number in range(1, len(pages) + 1)]
        for page, file in zip(pages, files, strict=True):
            page.screenshot(path=file, full_page=True)
        return files

    def close(self) -> None:
        """End every visit. Called before a server of the test's own goes away, which a page would complain of."""
        while self._pages:
            self._pages.pop().close()
        while self._apart:
            self._apart.pop().close()
        self._profiles.forget()

    def _listen(self, page: Page, socket: WebSocket) -> None:
        self._saw(socket.url)
        if self._keeps_messages:
            kept = self._messages.setdefault(page, [])
            socket.on("framereceived", lambda frame: kept.append(frame) if isinstance(frame, bytes) else None)

    def _saw(self, url: str) -> None:
        address = urlsplit(url)
        if address.scheme in {"http", "https", "ws", "wss"} and address.hostname != "127.0.0.1":
            self.fetched_outside.append(url)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not _PROBE.search(message.location["url"]):
            self.console_errors.append(message.text)
