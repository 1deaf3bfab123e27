"""A query over runs as SQL over the run index: which rows, in which order. What it means is MLflow's to say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from core.domain.run_query import Column, ColumnKind, Lifecycle, Order, RunQuery
from core.tracking.run_filter import IN, NOT_IN, NOT_NULL, NULL, Clause, clauses_of

Value = str | float | int | None

_ATTRIBUTES: Final = {
    "run_id": "r.run_id",
    "status": "r.status",
    "start_time": "r.started",
    "end_time": "r.ended",
    "run_name": "r.name",
    "duration": "r.ended - r.started",
}
_COLUMN: Final = "(SELECT id FROM columns WHERE kind = ? AND key = ?)"
_NEWEST: Final = "r.started DESC, r.run_id"


@dataclass(frozen=True, slots=True)
class Selection:
    """A piece of SQL over ``runs AS r`` with the values of its question marks."""

    sql: str
    values: tuple[Value, ...] = ()


def where(query: RunQuery) -> Selection:
    """The condition of the query.

    Raises:
        InvalidFilter: its filter text is no filter.
    """
    parts = [_condition(clause) for clause in clauses_of(query)]
    if query.lifecycle is not Lifecycle.ALL:
        parts.append(Selection("r.deleted = ?", (int(query.lifecycle is Lifecycle.DELETED),)))
    if query.families:
        marks = ", ".join("?" * len(query.families))
        parts.append(_cell(Column(ColumnKind.PARAM, "family"), f"c.text IN ({marks})", *query.families))
    return Selection(
        " AND ".join(part.sql for part in parts) or "1", tuple(value for part in parts for value in part.values)
    )


def ordering(order: Order) -> tuple[Selection, str]:
    """The join that an order needs, and its ORDER BY.

    NaN and missing values come last either way, as MLflow has it. Params and tags sort as numbers where they are
    numbers; those that are words follow them. Ties go to the newest run, then by run id: every run stands on one page.
    """
    direction = "DESC" if order.descending else "ASC"
    if order.column.kind is ColumnKind.ATTRIBUTE:
        by = _ATTRIBUTES[order.column.key]
        return Selection(""), f"{by} IS NULL, {by} {direction}, {_NEWEST}"
    join = Selection(
        f"LEFT JOIN cells AS s ON s.column_id = {_COLUMN} AND s.run = r.number",
        (order.column.kind.value, order.column.key),
    )
    place = "CASE WHEN s.number IS NOT NULL THEN 0 WHEN s.run IS NOT NULL THEN 1 ELSE 2 END"
    if order.column.kind is not ColumnKind.METRIC:
        place = "CASE WHEN s.number IS NOT NULL THEN 0 WHEN s.text IS NULL OR lower(s.text) = 'nan' THEN 2 ELSE 1 END"
    # 10 and 1e1 are one number, however they are written.
    words = "CASE WHEN s.number IS NULL AND lower(s.text) <> 'nan' THEN s.text END"
    return join, f"{place}, s.number {direction}, {words} {direction}, {_NEWEST}"


def _condition(clause: Clause) -> Selection:
    if clause.kind is ColumnKind.ATTRIBUTE:
        return Selection(_comparison(_ATTRIBUTES[clause.key], clause), tuple(_values(clause)))
    if clause.kind is None:
        raise ValueError(f"the run index does not hold {clause.key}")
    column = Column(clause.kind, clause.key)
    if clause.comparator in (NULL, NOT_NULL):
        there = _cell(column, "1")
        return there if clause.comparator == NOT_NULL else Selection(f"NOT {there.sql}", there.values)
    if clause.kind is not ColumnKind.METRIC:
        return _cell(column, _comparison("c.text", clause), *_values(clause))
    test = _comparison("c.number", clause)
    # NaN is unequal to every number, and neither below nor above any.
    return _cell(column, f"({test} OR c.number IS NULL)" if clause.comparator == "!=" else test, *_values(clause))


def _comparison(what: str, clause: Clause) -> str:
    match clause.comparator:
        case "ILIKE":
            return f"lower({what}) LIKE lower(?)"
        case comparator if comparator in (IN, NOT_IN):
            return f"{what} {comparator} ({', '.join('?' for _ in _values(clause))})"
        case comparator:
            return f"{what} {comparator} ?"


def _values(clause: Clause) -> Iterator[Value]:
    if isinstance(clause.value, tuple):
        yield from clause.value
    else:
        yield clause.value


def _cell(column: Column, test: str, *values: Value) -> Selection:
    return Selection(
        f"EXISTS (SELECT 1 FROM cells AS c WHERE c.column_id = {_COLUMN} AND c.run = r.number AND {test})",  # noqa: S608
        (column.kind.value, column.key, *values),
    )
