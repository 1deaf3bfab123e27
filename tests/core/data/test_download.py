"""A file from the web: checked, tried again, whole or not there. Against a real server."""

from __future__ import annotations

import hashlib
import multiprocessing
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.data.download import download
from core.domain.errors import DataUnavailable
from tests.core.data.conftest import Answer, Web

BODY = b"longitude,latitude\n" * 20_000
SHA256 = hashlib.sha256(BODY).hexdigest()
QUICK = 0.01


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "raw" / "housing.csv"


def refusal(url: str, target: Path, sha256: str = SHA256) -> DataUnavailable:
    with pytest.raises(DataUnavailable) as caught:
        download(url, sha256, target, pause_seconds=QUICK, stall_seconds=0.3, max_megabytes=1)
    assert caught.value.remedy
    assert not target.parent.exists() or list(target.parent.iterdir()) == []
    return caught.value


def test_a_good_file_arrives_whole_with_progress(web: Web, target: Path) -> None:
    web.answers = [Answer(BODY)]
    told: list[tuple[str, int, int]] = []
    download(web.url, SHA256, target, lambda *progress: told.append(progress))
    assert target.read_bytes() == BODY
    assert [path.name for path in target.parent.iterdir()] == ["housing.csv"]
    done = [progress[1] for progress in told]
    assert done == sorted(done)
    assert told[-1] == ("Downloading housing.csv", len(BODY), len(BODY))


def test_a_file_that_is_there_is_neither_fetched_nor_touched(web: Web, target: Path) -> None:
    web.answers = [Answer(BODY)]
    target.parent.mkdir()
    target.write_text("my own")
    download(web.url, SHA256, target)
    assert target.read_text() == "my own"
    assert web.requests == 0


def test_a_file_that_appears_while_downloading_is_kept(web: Web, target: Path) -> None:
    web.answers = [Answer(BODY)]

    def save_my_own(*_: object) -> None:
        target.write_text("my own")

    download(web.url, SHA256, target, save_my_own)
    assert target.read_text() == "my own"
    assert [path.name for path in target.parent.iterdir()] == ["housing.csv"]


def test_a_wrong_content_is_refused_at_once_and_leaves_nothing(web: Web, target: Path) -> None:
    web.answers = [Answer(b"<html>sign in</html>")]
    assert "not the expected one" in refusal(web.url, target).what
    assert web.requests == 1


def test_two_failures_are_forgiven(web: Web, target: Path) -> None:
    web.answers = [Answer(status=503), Answer(BODY[:1000], announced=len(BODY)), Answer(BODY)]
    download(web.url, SHA256, target, pause_seconds=QUICK)
    assert target.read_bytes() == BODY
    assert web.requests == 3


def test_three_failures_are_not(web: Web, target: Path) -> None:
    web.answers = [Answer(status=500)]
    assert "failed 3 times: the server answered 500" in refusal(web.url, target).what
    assert web.requests == 3


def test_a_truncated_body_says_how_much_came(web: Web, target: Path) -> None:
    web.answers = [Answer(BODY[:1000], announced=len(BODY))]
    assert "closed after 1,000 of 380,000 bytes" in refusal(web.url, target).what


def test_a_missing_page_is_not_tried_again(web: Web, target: Path) -> None:
    web.answers = [Answer(status=404)]
    assert "404 Not Found" in refusal(web.url, target).what
    assert web.requests == 1


def test_nobody_at_the_address_is_told_as_such(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "Connection refused" in refusal(f"http://127.0.0.1:{port}/housing.csv", target).what


def test_a_silent_server_is_given_up(web: Web, target: Path) -> None:
    web.answers = [Answer(silent=True)]
    started = time.monotonic()
    assert "timed out" in refusal(web.url, target).what
    assert time.monotonic() - started < 5


def test_a_server_that_falls_silent_in_the_middle_is_given_up(web: Web, target: Path) -> None:
    web.answers = [Answer(BODY[:1000], announced=len(BODY), hangs_after_body=True)]
    assert "timed out" in refusal(web.url, target).what


def test_an_answer_beyond_the_limit_is_cut_off(web: Web, target: Path) -> None:
    web.answers = [Answer(b"x" * 1_100_000)]
    assert "larger than 1 MB" in refusal(web.url, target).what


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://127.0.0.1/housing.csv", "housing.csv", ""])
def test_only_the_web_is_downloaded_from(url: str, target: Path) -> None:
    assert "Only http and https" in refusal(url, target).what


@pytest.mark.parametrize("url", ["http://", "http://[", "http://127.0.0.1:port/"])
def test_an_address_that_is_none_is_refused(url: str, target: Path) -> None:
    assert refusal(url, target).where == url


@pytest.mark.parametrize("location", ["file:///etc/hostname", "ftp://127.0.0.1/housing.csv"])
def test_a_redirect_off_the_web_is_refused(web: Web, target: Path, location: str) -> None:
    web.answers = [Answer(status=302, location=location)]
    assert "download failed" in refusal(web.url, target).what


def test_a_redirect_on_the_web_is_followed(web: Web, target: Path) -> None:
    web.answers = [Answer(status=302, location="/elsewhere.csv"), Answer(BODY)]
    download(web.url, SHA256, target)
    assert target.read_bytes() == BODY


@pytest.fixture
def little_disk() -> Iterator[None]:
    """No file may grow beyond 100,000 bytes: the kernel refuses the write as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("little_disk")
def test_a_full_disk_is_told_as_such_and_leaves_nothing(web: Web, target: Path) -> None:
    web.answers = [Answer(BODY)]
    error = refusal(web.url, target)
    assert "cannot be written" in error.what
    assert error.where == str(target)
    assert web.requests == 1


def test_a_folder_that_is_a_file_is_told_as_such(web: Web, target: Path) -> None:
    web.answers = [Answer(BODY)]
    target.parent.write_text("in the way")
    with pytest.raises(DataUnavailable, match="cannot be written"):
        download(web.url, SHA256, target)


def test_a_process_killed_in_the_middle_leaves_no_file_at_the_target(web: Web, target: Path) -> None:
    web.answers = [Answer(BODY[:200_000], announced=len(BODY), hangs_after_body=True), Answer(BODY)]
    child = multiprocessing.get_context("spawn").Process(target=download, args=(web.url, SHA256, target))
    child.start()
    deadline = time.monotonic() + 60
    while not (target.parent.exists() and list(target.parent.iterdir())):
        assert time.monotonic() < deadline, "the child never began to download"
        time.sleep(0.02)
    child.kill()
    child.join()
    assert not target.exists()
    download(web.url, SHA256, target)
    assert target.read_bytes() == BODY
