"""MLflow's scoring protocol: the five shapes rows may come in, each read into checked rows.

``dataframe_split``, ``dataframe_records``, ``instances`` and ``inputs`` as one field of a JSON object, or a CSV
table. What ``mlflow models serve`` accepts and prices sensibly is accepted here with the same prices; what it
prices without sense is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from core.data.table_parts import MOST_COLUMNS
from core.domain.house import RAW_COLUMNS, House
from core.features.direct import HouseRows
from core.serving.documents import Media, read_csv, read_json
from core.serving.refusals import MOST_LISTED, Problem, Refused, shortened, unprocessable
from core.serving.strict_rows import ONCE, Repeated, broken_cells, checked_rows, column_problems

FORMATS: Final = ("dataframe_split", "dataframe_records", "instances", "inputs")
_ONE_FIELD: Final = f"Send an object with exactly one of {', '.join(FORMATS)}."
_A_TABLE: Final = "Send a list of rows as objects, or an object with a list for each of the nine columns."

Records = Sequence[Mapping[str, object]]


def scoring_rows(body: bytes, media: Media, *, most_rows: int) -> HouseRows:
    """The rows of a request to ``/invocations``.

    Raises:
        Refused: 400 for what cannot be read, 413 for too many rows, 422 for what a model cannot be asked.
    """
    if media is Media.CSV:
        header, cells = read_csv(body, most_rows=most_rows)
        return checked_rows(_table(header, cells, most_rows))
    document = read_json(body)
    if not isinstance(document, dict):
        raise unprocessable("The document is no object.", remedy=_ONE_FIELD)
    _refuse_repeated(document)
    given = [name for name in FORMATS if name in document]
    other = [name for name in document if name not in FORMATS and name != "params"]
    if len(given) != 1 or other:
        told = ", ".join(shortened(name) for name in [*given, *other][:MOST_LISTED]) or "none"
        raise unprocessable(f"The document's fields are {told}.", remedy=_ONE_FIELD)
    if document.get("params"):
        raise unprocessable("The model takes no params.", remedy="Leave params out.")
    content = document[given[0]]
    match given[0]:
        case "dataframe_split":
            return checked_rows(_split(content, most_rows))
        case "dataframe_records":
            return checked_rows(_records(content, most_rows))
        case _:
            return checked_rows(
                _columns(content, most_rows) if isinstance(content, dict) else _records(content, most_rows)
            )


def valuation_houses(body: bytes, *, most_rows: int) -> tuple[list[House], bool]:
    """The houses of a request to ``/valuations``, and whether they came as a list.

    Raises:
        Refused: as :func:`scoring_rows`.
    """
    document = read_json(body)
    records = _records(document if isinstance(document, list) else [document], most_rows)
    checked_rows(records)
    numbers = [{name: _as_float(value) for name, value in record.items()} for record in records]
    return [House(**record) for record in numbers], isinstance(document, list)  # type: ignore[arg-type]


def _as_float(value: object) -> object:
    return float(value) if isinstance(value, int) else value


def _split(content: object, most_rows: int) -> Records:
    if not isinstance(content, dict) or not {"columns", "data"} <= set(content) <= {"columns", "data", "index"}:
        raise unprocessable(
            "dataframe_split is no object with columns and data.", remedy="Write it as pandas' to_json(orient='split')."
        )
    _refuse_repeated(content)
    columns, data = content["columns"], content["data"]
    if not isinstance(columns, list) or not isinstance(data, list):
        raise unprocessable("columns and data of dataframe_split are no lists.", remedy="Give a list of rows as data.")
    index = content.get("index")
    if index is not None and (not isinstance(index, list) or len(index) != len(data)):
        raise unprocessable("The index has not one entry a row.", remedy="Leave index out, or give one entry a row.")
    return _table(columns, data, most_rows)


def _table(columns: Sequence[object], data: Sequence[object], most_rows: int) -> Records:
    _refuse_too_many(len(data), most_rows)
    if len(columns) > MOST_COLUMNS:
        raise unprocessable(
            f"The table has {len(columns):,} columns.", remedy=f"Send the nine: {', '.join(RAW_COLUMNS)}."
        )
    problems = column_problems(columns)
    if problems:
        raise broken_cells(problems, len(problems))
    uneven = [row for row, cells in enumerate(data) if not isinstance(cells, list) or len(cells) != len(columns)]
    if uneven:
        wrong = [Problem(row, None, data[row], f"a list of {len(columns)} values") for row in uneven[:MOST_LISTED]]
        raise broken_cells(wrong, len(uneven))
    return [dict(zip(columns, cells, strict=True)) for cells in data]  # type: ignore[call-overload]


def _records(content: object, most_rows: int) -> Records:
    if not isinstance(content, list):
        raise unprocessable("The rows are no list.", remedy=_A_TABLE)
    _refuse_too_many(len(content), most_rows)
    strange = [row for row, record in enumerate(content) if not isinstance(record, dict)]
    if strange:
        wrong = [Problem(row, None, content[row], "an object with the nine columns") for row in strange[:MOST_LISTED]]
        raise broken_cells(wrong, len(strange))
    return content


def _columns(content: dict[str, object], most_rows: int) -> Records:
    """Rows given as a list a column; nine single values are one row."""
    _refuse_repeated(content)
    problems = column_problems(list(content))
    if problems:
        raise broken_cells(problems, len(problems))
    if not any(isinstance(values, list) for values in content.values()):
        return [content]
    columns: dict[str, list[object]] = {name: values for name, values in content.items() if isinstance(values, list)}
    sizes = {name: len(values) for name, values in columns.items()}
    if len(columns) < len(content) or len(set(sizes.values())) > 1:
        raise unprocessable("The columns differ in length.", remedy="Give every column one value a row.")
    rows = next(iter(sizes.values()))
    _refuse_too_many(rows, most_rows)
    return [{name: columns[name][row] for name in RAW_COLUMNS} for row in range(rows)]


def _refuse_repeated(document: dict[str, object]) -> None:
    if isinstance(document, Repeated):
        problems = [Problem(None, name, None, ONCE) for name in document.repeated]
        raise broken_cells(problems, len(problems))


def _refuse_too_many(rows: int, most_rows: int) -> None:
    if rows > most_rows:
        raise Refused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The request has more than {most_rows:,} rows.",
            remedy=f"Send at most {most_rows:,} rows at a time, or score a file on the Score screen.",
        )
