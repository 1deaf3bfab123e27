"""MLflow's own filter text, as a condition: read by MLflow's own parser, so that it means here what it means there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from core.domain.errors import InvalidFilter
from core.domain.provenance import DATA_SHA256_TAG, SWEEP_TAG
from core.domain.run_query import ColumnKind, RunKind, RunQuery
from core.domain.runs import RunStatus

EXAMPLE: Final = "Write it as MLflow does, for example: metrics.rmse < 50000 and params.family = 'random_forest'."
MOST_CLAUSES: Final = 50
"""Comparisons in one filter: MLflow joins a table for each, and SQLite joins 64 at most."""

NULL: Final = "IS NULL"
NOT_NULL: Final = "IS NOT NULL"
IN: Final = "IN"
NOT_IN: Final = "NOT IN"

_KINDS: Final = {
    "metric": ColumnKind.METRIC,
    "parameter": ColumnKind.PARAM,
    "tag": ColumnKind.TAG,
    "attribute": ColumnKind.ATTRIBUTE,
}
_PYTHON_SET: Final = re.compile(r"'?\{('[^{}]*')\}'?")
_RUN_NAME_TAG: Final = "mlflow.runName"
_INDEXED_ATTRIBUTES: Final = frozenset({"run_id", "status", "start_time", "end_time"})
_LARGEST_INTEGER: Final = 2**63 - 1
"""What a database's integer holds."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One comparison. ``kind`` is None for what only MLflow itself can answer, e.g. a run's datasets.

    ``value`` is a number for metrics and times, texts for IN and NOT IN, None for IS NULL and IS NOT NULL.
    """

    kind: ColumnKind | None
    key: str
    comparator: str
    value: str | float | int | tuple[str, ...] | None

    @property
    def is_indexed(self) -> bool:
        """Whether the run index holds what it asks for."""
        if self.kind is ColumnKind.ATTRIBUTE:
            return self.key in _INDEXED_ATTRIBUTES
        return self.kind is not None


def parse_filter(text: str) -> tuple[Clause, ...]:
    """The comparisons of a filter, all of which must hold; none for an empty text.

    Raises:
        InvalidFilter: the text is no filter.
    """
    from mlflow.utils.search_utils import SearchUtils  # MLflow's own, pinned: its only parser of filters

    stripped = text.strip()
    if not stripped:
        return ()
    try:
        stripped.encode()
        with filter_errors():
            parsed = SearchUtils.parse_search_filter(stripped)  # type: ignore[no-untyped-call]
            clauses = tuple(_clause(part) for part in parsed)
    except (
        # What the parser lets out on texts that are no filters, besides its own refusal.
        *(ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError),
        *(StopIteration, SyntaxError, TypeError, ValueError),
    ) as error:
        raise InvalidFilter(f"{_shortened(stripped)} is no filter.", remedy=EXAMPLE) from error
    if len(clauses) > MOST_CLAUSES:
        raise InvalidFilter(
            f"The filter has {len(clauses):,} comparisons.", remedy=f"Write at most {MOST_CLAUSES} of them."
        )
    return clauses


@contextmanager
def filter_errors() -> Iterator[None]:
    """Translate MLflow's refusal of a filter or an order; its other errors pass.

    Raises:
        InvalidFilter: MLflow calls a parameter of the search invalid.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE, ErrorCode

    try:
        yield
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(INVALID_PARAMETER_VALUE):
            raise
        said = str(error.message).strip().split("\n", 1)[0].rstrip(".")
        said = _PYTHON_SET.sub(lambda found: ", ".join(sorted(found[1].split(", "))), said)
        raise InvalidFilter(f"MLflow refuses the filter: {_shortened(said)}.", remedy=EXAMPLE) from error


def clauses_of(query: RunQuery) -> tuple[Clause, ...]:
    """Everything the query asks of a run but its families and whether it is deleted.

    Raises:
        InvalidFilter: the query's own filter text is no filter.
    """
    return (*_choices(query), *parse_filter(query.filter_text))


def filter_text_of(query: RunQuery) -> str:
    """The same in MLflow's words.

    Raises:
        InvalidFilter: the query's own filter text is no filter.
    """
    # By itself first: what stands before a broken text must not mend it.
    parse_filter(query.filter_text)
    parts = [_written(clause) for clause in _choices(query)]
    return " and ".join([*parts, *([query.filter_text.strip()] if query.filter_text.strip() else [])])


def _choices(query: RunQuery) -> Iterator[Clause]:
    """What was chosen in the form rather than written."""
    if query.kind is not RunKind.ALL:
        yield Clause(ColumnKind.TAG, SWEEP_TAG, NULL if query.kind is RunKind.TRAININGS else NOT_NULL, None)
    if query.statuses:
        for other in [status for status in RunStatus if status not in query.statuses]:
            yield Clause(ColumnKind.ATTRIBUTE, "status", "!=", other.value)
    if len(query.families) == 1:
        yield Clause(ColumnKind.PARAM, "family", "=", query.families[0].value)
    if query.data:
        yield Clause(ColumnKind.TAG, DATA_SHA256_TAG, "LIKE", f"{query.data}%")
    if query.name:
        # A quote would end MLflow's text however it is written, so any character may stand in its place.
        part = query.name.replace("'", "_").encode("utf-8", "replace").decode()
        yield Clause(ColumnKind.TAG, _RUN_NAME_TAG, "ILIKE", f"%{part}%")


def _written(clause: Clause) -> str:
    value = "" if clause.value is None else f" '{clause.value}'"
    return f"{clause.kind}.`{clause.key}` {clause.comparator}{value}"


def _clause(part: dict[str, Any]) -> Clause:
    """One of the parser's comparisons, checked as MLflow's store checks it when it builds its SQL."""
    from mlflow.utils.search_utils import SearchUtils

    kind, value, comparator = part["type"], part["value"], str(part["comparator"]).upper()
    key = SearchUtils.translate_key_alias(part["key"])  # type: ignore[no-untyped-call]
    if kind == "attribute":
        SearchUtils.is_attribute(kind, key, comparator)  # type: ignore[no-untyped-call]
    for check in (SearchUtils.is_metric, SearchUtils.is_param, SearchUtils.is_tag, SearchUtils.is_dataset):
        check(kind, comparator)  # type: ignore[no-untyped-call]
    if isinstance(value, tuple) != (comparator in (IN, NOT_IN)):
        raise ValueError(f"{comparator} does not go with {value!r}")
    if kind == "metric":
        value = float(value)
    for words in value if isinstance(value, tuple) else [str(value)]:
        words.encode()
    if isinstance(value, int) and abs(value) > _LARGEST_INTEGER:
        raise ValueError(f"{value} is larger than any database's integer")
    if kind == "attribute" and key == "run_name":
        # MLflow looks at the tag, and so must whoever wants the same answer.
        return Clause(ColumnKind.TAG, _RUN_NAME_TAG, comparator, value)
    return Clause(_KINDS.get(kind), key, comparator, value)


def _shortened(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:300]}…"
