"""How runs are called side by side: no two alike, although MLflow lets any number of them share a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from core.domain.hyperparameters import family_label
from core.domain.run_cells import titles_of
from core.domain.run_query import Column, ColumnKind
from core.domain.runs import Run

_SHORT_ID: Final = 8
_UNPRINTABLE: Final = "�"


def unique_labels(runs: Sequence[Run]) -> dict[str, str]:
    """A label by run id: the run's name, and where several share it their seed, else their start, else their id.

    Signs that no screen and no terminal should be sent (line breaks, escapes, marks that turn the text around)
    are replaced.
    """
    names = {run.run_id: printable(run.name).strip() or run.run_id[:_SHORT_ID] for run in runs}
    labels = dict(names)
    for name in {name for name, count in Counter(names.values()).items() if count > 1}:
        alike = [run for run in runs if names[run.run_id] == name]
        tell = next(tell for tell in (_seed, _minute, _second, _short_id, _whole_id) if _tells_apart(tell, alike))
        labels |= {run.run_id: f"{name} ({tell(run)})" for run in alike}
    # A name may be written just like the label another run was given.
    taken = Counter(labels.values())
    return {run_id: label if taken[label] == 1 else f"{label} ({run_id})" for run_id, label in labels.items()}


def param_titles(names: Sequence[str]) -> dict[str, str]:
    """What each param is called: ``Depth``; two that share a title have their own name beside it."""
    return {
        column.key: title for column, title in titles_of([Column(ColumnKind.PARAM, name) for name in names]).items()
    }


def settings_labels(params: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """How settings are called side by side, by the key they are given under: ``Random forest, Trees 150``.

    Of a family's params those are named in which its settings differ. Settings may still share a label.
    """
    labels = {}
    for key, own in params.items():
        family = own.get("family", "")
        relatives = [other for other in params.values() if other.get("family", "") == family]
        differing = [
            name for name in own if name != "family" and len({relative.get(name) for relative in relatives}) > 1
        ]
        titles = param_titles(differing)
        parts = [family_label(family) if family else "", *(f"{titles[name]} {own[name]}" for name in differing)]
        labels[key] = printable(", ".join(part for part in parts if part)) or "no params"
    return labels


def printable(text: str) -> str:
    """The text with a mark for every sign that is not to be shown as it is."""
    return "".join(sign if sign.isprintable() else _UNPRINTABLE for sign in text)


def _tells_apart(tell: Callable[[Run], str], runs: Sequence[Run]) -> bool:
    told = [tell(run) for run in runs]
    return all(told) and len(set(told)) == len(told)


def _seed(run: Run) -> str:
    seed = run.params.get("seed", "")
    return f"seed {printable(seed)}" if seed else ""


def _minute(run: Run) -> str:
    return f"{run.started:%d %B %Y %H:%M} UTC"


def _second(run: Run) -> str:
    return f"{run.started:%d %B %Y %H:%M:%S} UTC"


def _short_id(run: Run) -> str:
    return run.run_id[:_SHORT_ID]


def _whole_id(run: Run) -> str:
    return run.run_id
