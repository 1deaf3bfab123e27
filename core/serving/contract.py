"""What the OpenAPI document says of bodies and answers. The features' ranges come from the domain, written once."""

from __future__ import annotations

from typing import Any, Final

from core.domain.house import FEATURES, RAW_COLUMNS, Feature, House
from core.serving.arrival import Limits

_PROBLEM: Final = {
    "type": "object",
    "required": ["row", "column", "value", "rule"],
    "properties": {
        "row": {"type": ["integer", "null"], "description": "Counted from 0; null for a whole column."},
        "column": {"type": ["string", "null"]},
        "value": {"description": "What was sent; NaN and infinity as text."},
        "rule": {"type": "string"},
    },
}

REFUSAL: Final = {
    "type": "object",
    "required": ["error_code", "message", "remedy", "problems", "problem_count"],
    "properties": {
        "error_code": {"type": "string"},
        "message": {"type": "string"},
        "remedy": {"type": "string"},
        "problems": {"type": "array", "items": _PROBLEM},
        "problem_count": {"type": "integer"},
    },
}

_REFUSED: Final = {
    400: "The body cannot be read.",
    401: "Only while the service asks for tokens: the header Authorization holds none of this lab's.",
    403: "Only while the service asks for tokens: the token's role is too low.",
    408: "The body did not arrive in time.",
    413: "Too many bytes or rows.",
    415: "The Content-Type is missing or none the service reads.",
    422: "A column, cell or field breaks a rule; problems names row, column, value and rule.",
    503: "No model is served yet, or the service is too busy.",
}


def feature_schema(feature: Feature) -> dict[str, Any]:
    """The JSON Schema of one feature's value."""
    if feature.choices:
        return {"type": "string", "enum": list(feature.choices), "description": feature.help}
    return {
        "type": ["number", "null"] if feature.may_be_missing else "number",
        "minimum": feature.low,
        "maximum": feature.high,
        "description": f"{feature.help} Unit: {feature.unit}.",
    }


def house_schema() -> dict[str, Any]:
    """One house: exactly the nine features."""
    return {
        "type": "object",
        "required": list(RAW_COLUMNS),
        "additionalProperties": False,
        "properties": {name: feature_schema(FEATURES[name]) for name in RAW_COLUMNS},
    }


def scoring_body() -> dict[str, Any]:
    """The request body of ``/invocations``."""
    rows = {"type": "array", "minItems": 1, "items": house_schema()}
    columns = {
        **house_schema(),
        "description": "A list a column, all of one length.",
        "properties": {
            name: {"type": "array", "minItems": 1, "items": feature_schema(FEATURES[name])} for name in RAW_COLUMNS
        },
    }
    split = {
        "type": "object",
        "required": ["columns", "data"],
        "additionalProperties": False,
        "properties": {
            "columns": {"type": "array", "items": {"enum": list(RAW_COLUMNS)}, "minItems": 9, "maxItems": 9},
            "data": {"type": "array", "minItems": 1, "items": {"type": "array", "minItems": 9, "maxItems": 9}},
            "index": {"type": ["array", "null"]},
        },
    }
    shapes = {
        "dataframe_split": split,
        "dataframe_records": rows,
        "instances": {"anyOf": [rows, columns]},
        "inputs": {"anyOf": [rows, columns, house_schema()]},
    }
    fields = [
        {"type": "object", "required": [name], "additionalProperties": False, "properties": {name: shape}}
        for name, shape in shapes.items()
    ]
    house = House.typical().as_dict()
    return {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"oneOf": fields},
                "example": {"dataframe_split": {"columns": list(house), "data": [list(house.values())]}},
            },
            "text/csv": {"schema": {"type": "string"}, "example": csv_example()},
        },
    }


def valuation_body() -> dict[str, Any]:
    """The request body of ``/valuations``."""
    house = house_schema()
    either = {"anyOf": [house, {"type": "array", "minItems": 1, "items": house}]}
    return {
        "required": True,
        "content": {"application/json": {"schema": either, "example": House.typical().as_dict()}},
    }


def priced(schema: dict[str, Any], description: str) -> dict[int | str, dict[str, Any]]:
    """The answers of a route that prices."""
    answers: dict[int | str, dict[str, Any]] = {
        status: {"description": told, "content": {"application/json": {"schema": REFUSAL}}}
        for status, told in _REFUSED.items()
    }
    return {200: {"description": description, "content": {"application/json": {"schema": schema}}}, **answers}


PREDICTIONS: Final = {
    "type": "object",
    "required": ["predictions"],
    "additionalProperties": False,
    "properties": {"predictions": {"type": "array", "items": {"type": "number"}}},
}

_FIGURE: Final = {"type": ["number", "null"]}

_VALUATION: Final = {
    "type": "object",
    "required": ["price", "version", "house"],
    "properties": {
        "price": {"type": "number", "description": "1990 dollars."},
        "low_80": _FIGURE,
        "high_80": _FIGURE,
        "low_90": _FIGURE,
        "high_90": _FIGURE,
        "contributions": {
            "type": ["object", "null"],
            "description": "1990 dollars of each feature group; with base they add up to the price. Null where "
            f"there is no data file to compare with, and for lists of more than {Limits().explained} houses.",
            "additionalProperties": {"type": "number"},
        },
        "method": {"type": ["string", "null"], "description": "How the contributions were worked out."},
        "coverage": {
            "type": ["object", "null"],
            "description": "The share of held-out rows on which such ranges held: all, this region's, this band's.",
        },
        "text": {"type": "string"},
        "warnings": {"type": "array", "items": {"type": "string"}},
        "version": {"type": "string"},
        "house": {"type": "object"},
    },
}

VALUATIONS: Final = {
    "anyOf": [
        _VALUATION,
        {
            "type": "object",
            "required": ["valuations"],
            "properties": {"valuations": {"type": "array", "items": _VALUATION}},
        },
    ]
}


def csv_example() -> str:
    """A header and one typical house."""
    house = House.typical().as_dict()
    return ",".join(house) + "\n" + ",".join(str(value) for value in house.values()) + "\n"
