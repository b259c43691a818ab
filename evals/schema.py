"""Writes the JSON Schema of fact files from their records: `python -m evals.schema > evals/schema.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin

from evals.cases import SCHEMA, FactFile
from evals.load import in_file

_PLAIN: dict[type, dict[str, object]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
}
_OPTIONAL = {"ask", "class"}
"""Keys of a case that a twin or a briefing does without."""


def schema() -> dict[str, object]:
    """Return the JSON Schema (draft 2020-12) of a fact file."""
    whole = _table(FactFile)
    whole["properties"]["schema"] |= {"const": SCHEMA}
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tearsheet fact file",
        "description": "Questions on a folder of articles, and what right answers say.",
    }
    return head | whole


def _table(kind: type) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required: list[str] = []
    choices: list[list[str]] = []
    for each, key, hint in in_file(kind):
        if each.metadata.get("inline"):
            inner = _table(hint)
            properties |= inner["properties"]
            choices.append(sorted(inner["properties"]))
            continue
        *above, last = key.split(".")
        home = properties
        for name in above:
            home = home.setdefault(name, {"type": "object", "additionalProperties": False, "properties": {}})[
                "properties"
            ]
        home[last] = _value(hint) | {"description": each.metadata["says"]}
        if key == "fact":
            home["side"] = home[last] | {"description": "in a conflict: each side, written like a fact"}
        if _has_no_default(each) and key not in _OPTIONAL:
            required.append(key)
    found: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": properties}
    if required:
        found["required"] = required
    if choices:
        found["oneOf"] = [{"required": [key]} for key in choices[0]]
    return found


def _has_no_default(each: Any) -> bool:  # noqa: ANN401 - a field of any type
    return repr(each.default) == repr(each.default_factory)  # both are MISSING


def _value(hint: Any) -> dict[str, Any]:  # noqa: ANN401 - a type
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (part for part in get_args(hint) if part is not NoneType)
    if is_dataclass(hint):
        return _table(cast("type", hint))
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _value(get_args(hint)[0])}
    if get_origin(hint) is Literal:
        return {"enum": list(get_args(hint))}
    if hint in _PLAIN:
        return dict(_PLAIN[hint])
    assert get_origin(hint) is Mapping
    names = {"type": "array", "items": {"type": "string"}, "minItems": 1}
    return {"type": "object", "additionalProperties": {"anyOf": [{"type": "string"}, names]}}


def as_text() -> str:
    """Return the schema as it is published in `evals/schema.json`."""
    return json.dumps(schema(), indent=1) + "\n"


if __name__ == "__main__":
    print(as_text(), end="")
