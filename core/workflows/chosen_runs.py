"""The runs somebody chose to compare: how many there may be, and that they are there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from core.domain.errors import InvalidFilter, NotFound
from core.domain.runs import Run
from core.tracking.runs import list_runs, runs_by_id
from core.tracking.store import Store

FEWEST_RUNS: Final = 2
MOST_RUNS: Final = 20
"""More lines than a person tells apart, in a table as in a chart."""

_PREFIX: Final = re.compile(r"[0-9a-f]{4,31}")
_SHOWN: Final = 40


def check_choice(run_ids: Sequence[str]) -> None:
    """Refuse a choice that is no comparison.

    Raises:
        InvalidFilter: fewer than 2 or more than 20 runs, or one of them twice.
    """
    count = len(run_ids)
    if not FEWEST_RUNS <= count <= MOST_RUNS:
        raise InvalidFilter(
            f"{count:,} run{'' if count == 1 else 's'} cannot be compared: it takes {FEWEST_RUNS} to {MOST_RUNS}.",
            remedy="Choose one run as the baseline and at least one beside it."
            if count < FEWEST_RUNS
            else f"Leave out {count - MOST_RUNS:,} of them.",
        )
    twice = [run_id for run_id, times in Counter(run_ids).items() if times > 1]
    if twice:
        raise InvalidFilter(
            f"{_listed(twice)} {'is' if len(twice) == 1 else 'are'} named more than once.",
            remedy="Name each run once.",
        )


def read_runs(store: Store, run_ids: Sequence[str]) -> tuple[Run, ...]:
    """The chosen runs as they stand now, in the order they were named.

    Raises:
        InvalidFilter: they are no comparison, see :func:`check_choice`.
        NotFound: some are not there; the message names them.
        StoreUnavailable: the store does not answer.
    """
    check_choice(run_ids)
    found = runs_by_id(store, run_ids)
    missing = [run_id for run_id in run_ids if run_id not in found]
    if missing:
        raise NotFound(
            f"{len(missing)} of the {len(run_ids)} runs {'is' if len(missing) == 1 else 'are'} not there: "
            f"{_listed(missing)}.",
            remedy="Look at the list of runs; it may have been deleted for good.",
        )
    return tuple(found[run_id] for run_id in run_ids)


def resolve_run_ids(store: Store, words: Sequence[str]) -> tuple[str, ...]:
    """Run ids from ids or from the beginnings of ids, as somebody types them in a terminal.

    A word that begins no id stays as it is: :func:`read_runs` says that there is no such run.

    Raises:
        InvalidFilter: a word begins the ids of several runs.
        StoreUnavailable: the store does not answer.
    """
    return tuple(_resolve(store, word.strip()) for word in words)


def _resolve(store: Store, word: str) -> str:
    if not _PREFIX.fullmatch(word):
        return word
    found = list_runs(store, limit=2, filter_text=f"attributes.run_id LIKE '{word}%'")
    if len(found) > 1:
        raise InvalidFilter(f"The ids of several runs begin with {word}.", remedy="Write more of the id.")
    return found[0].run_id if found else word


def _listed(run_ids: Sequence[str]) -> str:
    return ", ".join(
        run_id if run_id.isalnum() and len(run_id) <= _SHOWN else repr(run_id[:_SHOWN]) for run_id in run_ids
    )
