"""An id that tells whether its process lives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from core.domain.settings import PROJECT_ROOT
from core.workflows.inline_jobs import inline_job_lives, is_inline, new_inline_job, writer_lives

TELL = "from core.workflows.inline_jobs import new_inline_job; print(new_inline_job(), flush=True); input()"


def test_ids_of_one_process_differ_and_live_as_long_as_it() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", TELL], cwd=PROJECT_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    told = process.stdout.readline().strip()
    assert is_inline(told)
    assert inline_job_lives(told) is True
    process.send_signal(signal.SIGKILL)
    # Dead though nobody has asked for its exit code yet, as in a container without an init.
    deadline = time.monotonic() + 10
    while inline_job_lives(told) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert inline_job_lives(told) is False
    process.communicate()
    assert inline_job_lives(told) is False
    assert new_inline_job() != new_inline_job()


def test_a_process_id_that_was_used_again_is_another_process() -> None:
    prefix, pid, start, rest = new_inline_job().split("-", 3)
    assert pid == str(os.getpid())
    assert inline_job_lives(f"{prefix}-{pid}-{int(start) - 60}-{rest}") is False


@pytest.mark.parametrize("job_id", ["inline-123", "inline-"])
def test_what_an_older_release_named_cannot_be_known(job_id: str) -> None:
    assert inline_job_lives(job_id) is None


def test_what_another_host_named_cannot_be_known() -> None:
    assert inline_job_lives(f"{new_inline_job()}.example.org") is None


def test_a_file_older_than_its_process_was_written_by_another() -> None:
    assert writer_lives(os.getpid(), time.time())
    assert not writer_lives(os.getpid(), time.time() - 7 * 24 * 3600)
