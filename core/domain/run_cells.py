"""A column of the run table in words: its title, its help, and what stands in it for a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from core.domain.hyperparameters import FEATURES_PARAM, KNOBS, Knob, family_label
from core.domain.metrics import METRICS, SCORE_NAMES, figure_text, metric_of
from core.domain.money import MISSING, duration
from core.domain.provenance import DATA_NAME_TAG, DATA_SHA256_TAG, DATA_SOURCE_TAG, DataSource
from core.domain.run_query import Column, ColumnKind
from core.domain.runs import Run, RunStatus

STATUS_WORDS: Final[Mapping[RunStatus, str]] = {
    RunStatus.FINISHED: "finished",
    RunStatus.RUNNING: "running",
    RunStatus.SCHEDULED: "queued",
    RunStatus.FAILED: "failed",
    RunStatus.KILLED: "cancelled",
}

_ATTRIBUTES: Final[Mapping[str, str]] = {
    "start_time": "Started",
    "end_time": "Ended",
    "duration": "Duration",
    "run_name": "Run",
    "status": "Status",
}
_PARAMS: Final[Mapping[str, tuple[str, str]]] = {
    "family": ("Family", "The kind of model."),
    FEATURES_PARAM: ("Features", "Which columns the model makes of the nine raw features."),
    "seed": ("Seed", "The estimator's random seed."),
}
_FAMILY: Final = Column(ColumnKind.PARAM, "family")
_KINDS: Final = (ColumnKind.ATTRIBUTE, ColumnKind.METRIC, ColumnKind.PARAM, ColumnKind.TAG)
SHORT_DIGEST: Final = 12


def column_title(column: Column) -> str:
    """``RMSE``, ``Trees``, ``Started``; the key itself where the lab has no word for it, tags always so."""
    match column.kind:
        case ColumnKind.METRIC:
            return metric_of(column.key).label
        case ColumnKind.PARAM:
            knob = _knob(column.key)
            return knob.label if knob else _PARAMS.get(column.key, (column.key, ""))[0]
        case ColumnKind.ATTRIBUTE:
            return _ATTRIBUTES[column.key]
        case ColumnKind.TAG:
            return column.key


def titles_of(columns: Sequence[Column], taken: Collection[str] = ()) -> Mapping[Column, str]:
    """A title each, no two alike: widgets and tables tell columns apart by nothing else.

    Two families may have a word in common: ``Trees (max_iter)`` and ``Trees (n_estimators)``.

    Args:
        taken: titles that others have already.
    """
    titles = {column: column_title(column) for column in columns}
    for longer in (_with_key, str):
        shared = Counter([*titles.values(), *taken])
        titles = {column: title if shared[title] == 1 else longer(column) for column, title in titles.items()}
    return titles


def column_help(column: Column) -> str:
    """One plain sentence on what stands in the column."""
    match column.kind:
        case ColumnKind.METRIC:
            return metric_of(column.key).help
        case ColumnKind.PARAM:
            knob = _knob(column.key)
            return knob.help if knob else _PARAMS.get(column.key, ("", f"The param {column.key}."))[1]
        case ColumnKind.ATTRIBUTE:
            return "How long the run took, from its start to its end." if column.key == "duration" else ""
        case ColumnKind.TAG:
            return f"The tag {column.key}."


def cell_text(run: Run, column: Column) -> str:
    """What stands there for this run, as people read it; missing and NaN → ``—``."""
    match column.kind:
        case ColumnKind.METRIC:
            return figure_text(column.key, run.metrics.get(column.key))
        case ColumnKind.PARAM:
            text = run.params.get(column.key)
            return MISSING if not text else family_label(text) if column.key == "family" else text
        case ColumnKind.TAG:
            return run.tags.get(column.key) or MISSING
        case ColumnKind.ATTRIBUTE:
            return _attribute(run, column.key)


def status_word(run: Run) -> str:
    """``finished``, ``running``, …; a deleted run says so."""
    return "deleted" if run.deleted else STATUS_WORDS[run.status]


def data_text(run: Run) -> str:
    """Which data a run was trained on: ``demo``, or the start of the rows' SHA-256 with the name they have."""
    if run.is_demo:
        return str(DataSource.DEMO)
    name = run.tags.get(DATA_NAME_TAG)
    if name:
        return f"{run.tags.get(DATA_SHA256_TAG, '')[:SHORT_DIGEST]} {name}"
    return run.tags.get(DATA_SHA256_TAG, "")[:SHORT_DIGEST] or run.tags.get(DATA_SOURCE_TAG) or MISSING


def ordered(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Columns as a table shows them: the family, the four scores, other metrics, other params, then tags."""
    known = [*SCORE_NAMES, *(name for name in METRICS if name not in SCORE_NAMES)]

    def place(column: Column) -> tuple[int, int, str]:
        if column == _FAMILY:
            return 0, 0, ""
        is_known = column.kind is ColumnKind.METRIC and column.key in known
        return _KINDS.index(column.kind), known.index(column.key) if is_known else len(known), column.key

    return tuple(sorted(columns, key=place))


def worth_showing(there: Sequence[Column], varying: Sequence[Column]) -> tuple[Column, ...]:
    """The columns a table shows while nobody chose: the four scores, and what tells the runs apart, in their order.

    Tags are left out, and the metrics that only keep a run's own records.

    Args:
        there: the columns that any of the runs has. varying: those in which any two of them differ.
    """
    scores = [column for column in there if column.kind is ColumnKind.METRIC and column.key in SCORE_NAMES]
    apart = [
        column
        for column in varying
        if column.kind is ColumnKind.PARAM or (column.kind is ColumnKind.METRIC and not metric_of(column.key).aside)
    ]
    return ordered(list(dict.fromkeys([*scores, *apart])))


def _attribute(run: Run, key: str) -> str:
    match key:
        case "run_name":
            return run.name
        case "status":
            return status_word(run)
        case "duration":
            return duration(run.seconds)
        case "start_time":
            return f"{run.started:%Y-%m-%d %H:%M:%S}"
        case _:
            return f"{run.ended:%Y-%m-%d %H:%M:%S}" if run.ended else MISSING


def _with_key(column: Column) -> str:
    title = column_title(column)
    return f"{title} ({column.key})" if title != column.key else str(column)


def _knob(name: str) -> Knob | None:
    return next((knobs[name] for knobs in KNOBS.values() if name in knobs), None)
