"""The bytes of a request as a document: which media type, which JSON, which CSV. Nothing is guessed."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from core.domain.house import FEATURES
from core.serving.refusals import Refused, malformed, shortened
from core.serving.strict_rows import Repeated


class Media(StrEnum):
    """What a body may be."""

    JSON = "application/json"
    CSV = "text/csv"


_FORM: Final = "application/x-www-form-urlencoded"
"""What curl calls a body given with ``-d`` when nobody says a type. MLflow answers 415; the body is JSON as typed."""

_NUMBER: Final = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_SEND_JSON: Final = "Send JSON with the header Content-Type: application/json, or a table with text/csv."


def media_of(content_type: str | None, content_encoding: str | None = None) -> Media:
    """What the headers say the body is.

    Raises:
        Refused: 415; there is no Content-Type, or it is none the service reads.
    """
    if content_encoding not in (None, "", "identity"):
        raise _unsupported(f"The body is encoded as {shortened(str(content_encoding))!r}.", "Send it as it is.")
    if content_type is None or not content_type.strip():
        raise _unsupported("The request does not say what its body is.", _SEND_JSON)
    kind, *parameters = [part.strip() for part in content_type.lower().split(";")]
    for parameter in filter(None, parameters):
        name, _, value = parameter.partition("=")
        if name.strip() != "charset" or value.strip().strip('"') not in {"utf-8", "utf8"}:
            raise _unsupported(
                f"The service reads UTF-8, not {shortened(parameter)!r}.", "Send UTF-8, or leave the charset out."
            )
    if kind in (Media.JSON, _FORM):
        return Media.JSON
    if kind == Media.CSV:
        return Media.CSV
    raise _unsupported(f"The service does not read {shortened(kind)!r}.", _SEND_JSON)


def read_json(body: bytes) -> object:
    """The JSON document; an object in which a name comes twice is a :class:`Repeated`.

    NaN and Infinity are read, as MLflow reads them, so that the refusal can say where they stand.

    Raises:
        Refused: 400; the body is no UTF-8, no JSON, or nested too deeply.
    """
    text = _text(body)
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise malformed(
            f"The body is no JSON: {error.msg} in line {error.lineno}, column {error.colno}.",
            remedy="Correct it there; names and texts stand in double quotes.",
        ) from error
    except ValueError as error:  # a whole number of more than 4,300 digits
        raise malformed("The body holds a number of thousands of digits.", remedy="Write it shorter.") from error
    except RecursionError as error:
        raise malformed("The body is nested too deeply.", remedy="Send rows, each with nine values.") from error


def read_csv(body: bytes, *, most_rows: int) -> tuple[list[str], list[list[object]]]:
    """The header and up to ``most_rows`` + 1 rows; numbers are read, an empty cell is None, other text stays text.

    Raises:
        Refused: 400; the body is no UTF-8, no CSV, or empty.
    """
    reader = csv.reader(io.StringIO(_text(body), newline=None), strict=True)
    rows: list[list[object]] = []
    header: list[str] | None = None
    try:
        for cells in reader:
            if not cells or (len(cells) == 1 and not cells[0].strip()):
                continue
            if header is None:
                header = cells
                is_number = [name in FEATURES and FEATURES[name].is_numeric for name in header]
                continue
            padded = [*is_number, *[False] * (len(cells) - len(is_number))]
            rows.append([_cell(cell, numeric) for cell, numeric in zip(cells, padded, strict=False)])
            if len(rows) > most_rows:
                break
    except csv.Error as error:
        raise malformed(
            f"The body is no CSV: {error} in line {reader.line_num}.", remedy="Write it as pandas' to_csv does."
        ) from error
    if header is None:
        raise malformed("The body is empty.", remedy="Send a header line and one line a row.")
    return header, rows


def _cell(text: str, is_number: bool) -> object:
    if not text:
        return None
    return float(text) if is_number and _NUMBER.fullmatch(text) else text


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise malformed(f"The body is no UTF-8: byte {error.start} is wrong.", remedy="Send UTF-8.") from error


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    plain = dict(pairs)
    return plain if len(plain) == len(pairs) else Repeated(pairs)


def _unsupported(what: str, remedy: str) -> Refused:
    return Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, what, remedy=remedy)
