"""Changing many runs at once: each for itself, and whoever could not be changed is named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from core.domain.errors import LabError, RecordsError, StoreUnavailable
from core.domain.runs import Run
from core.tracking.run_aliases import RunAliases
from core.tracking.run_edits import delete_run
from core.tracking.runs import runs_by_id
from core.tracking.store import Store

_NAMED: Final = 5


def change_each(store: Store, run_ids: Sequence[str], done: str, change: Callable[[Run], None]) -> None:
    """Change every one of these runs, whatever becomes of the others.

    Args:
        done: what the runs are afterwards, in one word: ``deleted``.

    Raises:
        RecordsError: some could not be changed; it says which, why, and how many were.
    """
    runs = runs_by_id(store, run_ids)
    failed = [(run_id, "there is no such run") for run_id in run_ids if run_id not in runs]
    for run in runs.values():
        try:
            change(run)
        except StoreUnavailable as error:
            failed.append((run.name, error.what.rstrip(".")))
        except LabError as error:
            failed.append((run.name, f"{error.what.rstrip('.')}. {error.remedy.rstrip('.')}"))
    if failed:
        named = "; ".join(f"{name}: {why}" for name, why in failed[:_NAMED])
        others = f"; and {len(failed) - _NAMED:,} more" if len(failed) > _NAMED else ""
        count = len(set(run_ids))
        raise RecordsError(
            f"{count - len(failed):,} of {count:,} runs are {done}. Not {done}: {named}{others}.",
            remedy="See why, and do it again for those that are left.",
        )


def delete_each(store: Store, run_ids: Sequence[str]) -> None:
    """Delete these runs, save those whose version serves under an alias. Raises RecordsError."""
    serving = RunAliases(store).read()

    def delete(run: Run) -> None:
        if run.run_id in serving:
            names = " and ".join(serving[run.run_id])
            raise RecordsError(f"Its version is the {names}.", remedy="Move the alias to another version first.")
        delete_run(store, run.run_id)

    change_each(store, run_ids, "deleted", delete)
