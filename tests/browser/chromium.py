"""Where Chromium is: found, else installed, else one line that says what to install. Never a silent skip."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

VARIABLE: Final = "CHROMIUM_PATH"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")
REMEDY: Final = (
    "Install Chromium (`python -m playwright install --with-deps chromium`, or `apt-get install chromium`), "
    f"or set {VARIABLE} to the one you have."
)
INSTALL_SECONDS: Final = 240

Installer = Callable[[], None]


class MissingChromiumError(Exception):
    """There is no Chromium that starts, and none could be installed."""


def ensure_chromium(
    environment: Mapping[str, str], playwrights_own: Path, installers: Sequence[Installer] | None = None
) -> Path:
    """A Chromium that starts: the one found, else one that an installer brought.

    Raises:
        MissingChromiumError: the variable names none that starts, or nothing was found after every installer.
    """
    found = find_chromium(environment, playwrights_own)
    for install in INSTALLERS if installers is None else installers:
        if found is not None:
            break
        install()
        found = find_chromium(environment, playwrights_own)
    if found is None:
        raise MissingChromiumError(f"The browser tests need Chromium and found none. {REMEDY}")
    return found


def find_chromium(environment: Mapping[str, str], playwrights_own: Path) -> Path | None:
    """The first that starts of: the one ``CHROMIUM_PATH`` names, those on ``PATH``, Playwright's own.

    Raises:
        MissingChromiumError: ``CHROMIUM_PATH`` is set and does not start; falling back would hide the mistake.
    """
    named = environment.get(VARIABLE)
    if named:
        if not starts(Path(named)):
            raise MissingChromiumError(f"{VARIABLE} names {named}, which does not start. {REMEDY}")
        return Path(named)
    on_path = (shutil.which(name, path=environment.get("PATH", "")) for name in NAMES)
    candidates = [*(Path(found) for found in on_path if found), playwrights_own]
    return next((candidate for candidate in candidates if starts(candidate)), None)


def starts(candidate: Path) -> bool:
    """Whether ``--version`` works: Ubuntu's stub without its snap and a build without its libraries do not."""
    try:
        answer = subprocess.run([candidate, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0


def install_with_playwright() -> None:
    _attempt([sys.executable, "-m", "playwright", "install", "chromium"])


def install_with_apt() -> None:
    """Debian's package, with the libraries it needs; only root may."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        _attempt(["apt-get", "update"])
        _attempt(["apt-get", "install", "--yes", "--no-install-recommends", "chromium"])


INSTALLERS: Final[tuple[Installer, ...]] = (install_with_playwright, install_with_apt)


def _attempt(command: list[str]) -> None:
    """An installer may fail (no network, no such package): whether a Chromium came is looked at afterwards."""
    print(f"no Chromium yet: {' '.join(command)}", file=sys.stderr, flush=True)
    try:
        subprocess.run(
            command,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdout=sys.stderr,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        print(f"gave up after {INSTALL_SECONDS} s", file=sys.stderr, flush=True)
