"""What a caller is told when an answer is refused: a status, a sentence, a remedy, and the cells that are wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from core.domain.errors import LabError

MOST_LISTED: Final = 20
"""Problems a refusal lists; it counts all of them."""

_LONGEST_TEXT: Final = 80

_MLFLOW_WORDS: Final[Mapping[int, str]] = {
    HTTPStatus.BAD_REQUEST: "BAD_REQUEST",
    HTTPStatus.UNAUTHORIZED: "UNAUTHENTICATED",
    HTTPStatus.FORBIDDEN: "PERMISSION_DENIED",
    HTTPStatus.NOT_FOUND: "ENDPOINT_NOT_FOUND",
    HTTPStatus.UNPROCESSABLE_ENTITY: "INVALID_PARAMETER_VALUE",
    HTTPStatus.SERVICE_UNAVAILABLE: "TEMPORARILY_UNAVAILABLE",
    HTTPStatus.INTERNAL_SERVER_ERROR: "INTERNAL_ERROR",
}
"""``error_code`` as MLflow's clients know it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One cell that breaks a rule. Rows count from 0; ``row`` is None for a whole column or document."""

    row: int | None
    column: str | None
    value: object
    rule: str

    def as_report(self) -> dict[str, object]:
        """JSON values only, the offending value cut to a length that can be read."""
        column = None if self.column is None else shortened(self.column)
        return {"row": self.row, "column": column, "value": shown(self.value), "rule": self.rule}


class Refused(LabError):
    """A request that gets no price.

    Args:
        status: the HTTP status.
        problems: the cells that are wrong, the first :data:`MOST_LISTED` of them.
        total: how many there are.
    """

    def __init__(
        self,
        status: HTTPStatus,
        what: str,
        *,
        remedy: str,
        problems: Sequence[Problem] = (),
        total: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(what, remedy=remedy)
        self.status = status
        self.problems = tuple(problems[:MOST_LISTED])
        self.total = len(problems) if total is None else total
        self.headers = dict(headers or {})

    def as_report(self) -> dict[str, object]:
        """The answer's JSON; ``error_code`` and ``message`` stand where MLflow's clients look for them."""
        return {
            "error_code": _MLFLOW_WORDS.get(self.status, self.status.name),
            "message": self.what,
            "remedy": self.remedy,
            "problems": [problem.as_report() for problem in self.problems],
            "problem_count": self.total,
        }


def unprocessable(what: str, *, remedy: str, problems: Sequence[Problem] = (), total: int | None = None) -> Refused:
    """A document that can be read and says something impossible."""
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, what, remedy=remedy, problems=problems, total=total)


def malformed(what: str, *, remedy: str) -> Refused:
    """A document that cannot be read."""
    return Refused(HTTPStatus.BAD_REQUEST, what, remedy=remedy)


def json_text(document: Mapping[str, object]) -> str:
    """A document as ASCII: what a caller sent may hold half a character, which no encoding has."""
    return json.dumps(document, allow_nan=False)


def shown(value: object) -> object:
    """A value as a refusal repeats it: JSON has no NaN, and nobody needs a megabyte back."""
    match value:
        case None | bool():
            return value
        case float() if math.isfinite(value):
            return value
        case float():
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case int():
            # Beyond this a whole number is no longer the same number to most readers of JSON.
            return value if abs(value) < 2**53 else shortened(str(value))
        case str():
            return shortened(value)
        case list():
            return f"a list of {len(value):,}"
        case _:
            return "an object"


def shortened(text: str) -> str:
    """At most 80 characters of a text, with a mark where it was cut."""
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"
