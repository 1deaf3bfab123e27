"""What is dear is made once and kept for a while."""

from __future__ import annotations

import threading

import pytest

from core.workflows.recent import Recent


def test_what_was_asked_for_last_is_kept_and_the_oldest_goes() -> None:
    made: list[str] = []
    kept: Recent[str, str] = Recent(2)
    for key in "abacab":
        kept.get(key, lambda key=key: made.append(key) or key)  # type: ignore[misc]
    assert made == ["a", "b", "c", "b"]


def test_threads_that_ask_at_once_make_it_once() -> None:
    kept: Recent[str, int] = Recent(2)
    made: list[int] = []
    begun, go_on = threading.Event(), threading.Event()

    def make() -> int:
        begun.set()
        assert go_on.wait(10)
        made.append(1)
        return 7

    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(kept.get("key", make))) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert begun.wait(10)
    assert kept.get("other", lambda: 1) == 1, "nobody waits for somebody else's value"
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert (answers, made) == ([7] * 4, [1])


def test_a_failure_is_not_kept() -> None:
    kept: Recent[str, int] = Recent(1)
    with pytest.raises(ZeroDivisionError):
        kept.get("key", lambda: 1 // 0)
    assert kept.get("key", lambda: 2) == 2
