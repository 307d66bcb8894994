"""Checks a value against a JSON Schema (draft 2020-12), as much of it as `manifest.schema.json` is written in.

The libraries that know all of it would double what the device has to install and to load. A keyword that is not known
here is an error of the schema, never skipped.
"""

import re
from typing import Any

TYPES: dict[str, Any] = {"object": dict, "array": list, "string": str, "boolean": bool}
TYPES |= {"null": type(None), "number": (int, float)}
ANNOTATIONS = ("$schema", "$id", "$defs", "title", "description")


def first_error(value, schema: dict, path: str = "value") -> str | None:
    """Returns what is wrong with a value, as 'where must be what, received what', or None where it is right.

    Args:
        value: of JSON's types.
        schema: an object; `$ref` may lead to its own `$defs`.

    Raises:
        KeyError: the schema has a keyword that is not known here.
    """
    return next(_errors(value, schema, path, schema.get("$defs", {})), None)


def _errors(value, schema, path, definitions):
    for keyword, argument in schema.items():
        if keyword == "$ref":
            yield from _errors(value, definitions[argument.removeprefix("#/$defs/")], path, definitions)
        elif keyword in INNER:
            yield from INNER[keyword](value, argument, path, schema, definitions)
        elif keyword not in ANNOTATIONS:
            holds, wanted = OUTER[keyword]
            if not holds(value, argument):
                yield f"{path} must be {wanted(argument)}, received {_short(value)}"


def _short(value) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _required(value, names, path, schema, definitions):
    for name in names if isinstance(value, dict) else ():
        if name not in value:
            yield f"{path}.{name} is missing"


def _properties(value, schemas, path, schema, definitions):
    for name in schemas if isinstance(value, dict) else ():
        if name in value:
            yield from _errors(value[name], schemas[name], f"{path}.{name}", definitions)


def _additional_properties(value, inner, path, schema, definitions):
    for name in value if isinstance(value, dict) else ():
        if name not in schema.get("properties", {}):
            yield from _errors(value[name], inner, f"{path}.{name}", definitions)


def _items(value, inner, path, schema, definitions):
    for index, item in enumerate(value if isinstance(value, list) else ()):
        yield from _errors(item, inner, f"{path}[{index}]", definitions)


INNER = {
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional_properties,
    "items": _items,
}


def _is_type(value, name) -> bool:
    if isinstance(name, list):
        return any(_is_type(value, one) for one in name)
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return isinstance(value, TYPES[name])


def _equal(value, other) -> bool:
    return value == other and isinstance(value, bool) == isinstance(other, bool)


def _is_one_of(value, options) -> bool:
    return any(_equal(value, option) for option in options)


def _where(name, holds):
    """Returns a check that holds for values of every type but the named one."""
    return lambda value, argument: not _is_type(value, name) or holds(value, argument)


def _type_name(name) -> str:
    if isinstance(name, list):
        return " or ".join(_type_name(one) for one in name)
    return name if name == "null" else f"{'an' if name[0] in 'aio' else 'a'} {name}"


OUTER = {
    "type": (_is_type, _type_name),
    "const": (_equal, repr),
    "enum": (_is_one_of, lambda options: f"one of {', '.join(map(str, options))}"),
    "minimum": (_where("number", lambda value, limit: value >= limit), lambda limit: f"at least {limit}"),
    "maximum": (_where("number", lambda value, limit: value <= limit), lambda limit: f"at most {limit}"),
    "minLength": (_where("string", lambda value, n: len(value) >= n), lambda n: f"of at least {n} characters"),
    "pattern": (_where("string", lambda value, p: re.search(p, value) is not None), lambda p: f"like {p}"),
    "minItems": (_where("array", lambda value, n: len(value) >= n), lambda n: f"a list of at least {n}"),
    "maxItems": (_where("array", lambda value, n: len(value) <= n), lambda n: f"a list of at most {n}"),
}
