"""One file from the web: checked against its SHA-256, tried again when the network fails, whole or not there."""

from __future__ import annotations

import hashlib
import http.client
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib import error as url_error
from urllib import request

from core.data.atomic import atomic_file
from core.data.file_content import is_there
from core.domain.errors import DataUnavailable

ProgressReport = Callable[[str, int, int], None]
"""Called with what is being done, how much is done, and how much there is (0 when unknown), in bytes here."""

ATTEMPTS: Final = 3

_CHUNK: Final = 64 * 1024
_WHOLE_SECONDS: Final = 300.0
_WORTH_RETRYING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_BY_HAND: Final = "Check the network, or download the file by hand and put it at data.path."


class _Interrupted(Exception):
    """The network failed in a way that may pass."""


def download(
    url: str,
    sha256: str,
    target: Path,
    report: ProgressReport | None = None,
    *,
    max_megabytes: int = 200,
    pause_seconds: float = 0.5,
    stall_seconds: float = 10.0,
) -> None:
    """Puts the file at ``url`` at ``target``; a file that is there already, or appears meanwhile, stays as it is.

    A failing network is tried three times, with a pause that doubles; a wrong address, a wrong content and
    a full disk are not. Only http and https are spoken, redirects included.

    Args:
        sha256: the digest the content must have, 64 hexadecimal digits.
        report: told the bytes received, at each block.
        max_megabytes: a longer answer is cut off and refused.
        pause_seconds: the first pause between two tries.
        stall_seconds: how long a silent server is waited for.

    Raises:
        DataUnavailable: nothing was written; the sentence says what failed.
    """
    if url.partition(":")[0].lower() not in {"http", "https"}:
        raise DataUnavailable(
            "Only http and https addresses are downloaded.", where=url, remedy="Correct data.url, or set data.path."
        )
    if is_there(target):
        return
    reason = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(pause_seconds * 2 ** (attempt - 1))
        try:
            _fetch(url, sha256, target, report, max_megabytes, stall_seconds)
        except _Interrupted as failure:
            reason = str(failure)
        else:
            return
    raise DataUnavailable(f"The download failed {ATTEMPTS} times: {reason}.", where=url, remedy=_BY_HAND)


def _fetch(
    url: str, sha256: str, target: Path, report: ProgressReport | None, max_megabytes: int, stall_seconds: float
) -> None:
    received = 0
    digest = hashlib.sha256()
    with _answer(url, stall_seconds) as response, atomic_file(target, overwrite=False) as file:
        expected = _length(response)
        for block in _blocks(response):
            received += len(block)
            if received > max_megabytes * 1_000_000:
                raise DataUnavailable(
                    f"The download is larger than {max_megabytes:,} MB.",
                    where=url,
                    remedy="Correct data.url, or raise data.max_megabytes.",
                )
            digest.update(block)
            file.write(block)
            if report is not None:
                report(f"Downloading {target.name}", received, expected)
        if received < expected:
            raise _Interrupted(f"the connection closed after {received:,} of {expected:,} bytes")
        if digest.hexdigest() != sha256:
            raise DataUnavailable(
                f"The downloaded file is not the expected one: its SHA-256 is {digest.hexdigest()[:12]}…, "
                f"not {sha256[:12]}….",
                where=url,
                remedy="Look whether a sign-in page or a proxy answered, and correct data.url or data.sha256.",
            )


def _answer(url: str, stall_seconds: float) -> Any:
    """The open response to a GET. A handler for http, https and nothing else: no file: or ftp: by redirect."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(),
        request.HTTPRedirectHandler(),
        request.HTTPDefaultErrorHandler(),
        request.HTTPErrorProcessor(),
        request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    try:
        return opener.open(url, timeout=stall_seconds)
    except url_error.HTTPError as failure:
        with failure:
            said = f"the server answered {failure.code} {failure.reason}".rstrip()
        if failure.code in _WORTH_RETRYING:
            raise _Interrupted(said) from failure
        raise DataUnavailable(f"The download failed: {said}.", where=url, remedy=_BY_HAND) from failure
    except url_error.URLError as failure:
        raise _Interrupted(_plain(failure.reason)) from failure
    except (OSError, http.client.HTTPException) as failure:
        raise _Interrupted(_plain(failure)) from failure
    except ValueError as failure:
        raise DataUnavailable(
            f"This is no address: {failure}.", where=url, remedy="Correct data.url, or set data.path."
        ) from failure


def _blocks(response: Any) -> Iterator[bytes]:
    """The body in blocks. Errors in here are the network's; the disk's are raised where the block is written."""
    deadline = time.monotonic() + _WHOLE_SECONDS
    while True:
        try:
            block: bytes = response.read(_CHUNK)
        except (OSError, http.client.HTTPException) as failure:
            raise _Interrupted(_plain(failure)) from failure
        if not block:
            return
        if time.monotonic() > deadline:
            raise _Interrupted(f"the download did not end within {_WHOLE_SECONDS:.0f} seconds")
        yield block


def _length(response: Any) -> int:
    """Bytes announced, 0 when the server does not say."""
    announced = response.headers.get("Content-Length", "")
    return int(announced) if announced.isdecimal() else 0


def _plain(failure: object) -> str:
    """``Connection refused`` from ``[Errno 111] Connection refused``."""
    if isinstance(failure, OSError) and failure.strerror:
        return failure.strerror
    return str(failure) or type(failure).__name__
