import copy
import json

import pytest

from edge.bundle.content import schema
from edge.bundle.schema import ANNOTATIONS, INNER, OUTER, first_error

WRONG = [None, True, "x", "", 0, -1, 1, 2.0, 2.5, 10**30, -1e308, [], [[]], [1, 2, 3], ["x"], {}, {"x": 1}]
# The schema says nothing of what is inside the first, and of the others what it says of their neighbours.
NOT_ENTERED = {"config", "fine", "top", "whole_fine", "coarse.tflite", "fine.tflite", "top.tflite", "whole_fine.tflite"}


def places(container):
    """Yields every container inside and a name or index in it, of a list only the first."""
    for name in list(container) if isinstance(container, dict) else range(min(1, len(container))):
        yield container, name
        if isinstance(container[name], dict | list) and name not in NOT_ENTERED:
            yield from places(container[name])


def mutations(manifest):
    """Yields the manifest, one object all the time, with one value missing, one of WRONG, or a list twice as long."""
    for container, name in list(places({"root": manifest})):
        original = container[name]
        for value in [*WRONG, original * 2 if isinstance(original, list) else original]:
            container[name] = value
            yield value if name == "root" else manifest
        del container[name]
        yield manifest
        container.insert(name, original) if isinstance(container, list) else container.update({name: original})


def test_the_schema_is_checked_as_the_reference_library_checks_it(bundle_copy):
    jsonschema = pytest.importorskip("jsonschema", reason="compares with jsonschema, which is not installed")
    jsonschema.Draft202012Validator.check_schema(schema())
    validator = jsonschema.Draft202012Validator(schema())
    sequence_like = bundle_copy.manifest.content | {
        "task": "sequence",
        "max_length": 3,
        "convolution": None,
        "pooling": {"coarse": "average", "refined": "inverse_entropy", "floor": 1e-3},
        "measured": None,
    }
    verdicts = {True: 0, False: 0}
    for manifest in copy.deepcopy((bundle_copy.manifest.content, sequence_like)):
        assert first_error(manifest, schema()) is None
        for mutated in mutations(manifest):
            right = validator.is_valid(mutated)
            assert (first_error(mutated, schema()) is None) == right, json.dumps(mutated)[:2000]
            verdicts[right] += 1
        assert first_error(manifest, schema()) is None
    assert min(verdicts.values()) > 100


def subschemas(part):
    yield part
    for keyword, argument in part.items():
        if keyword in ("properties", "$defs"):
            for inner in argument.values():
                yield from subschemas(inner)
        elif keyword in ("items", "additionalProperties"):
            yield from subschemas(argument)


def test_the_schema_uses_no_keyword_that_is_not_known():
    parts = list(subschemas(schema()))
    assert len(parts) > 60
    for part in parts:
        assert set(part) <= {*ANNOTATIONS, *INNER, *OUTER, "$ref"}
    assert {part["$ref"] for part in parts if "$ref" in part} == {f"#/$defs/{name}" for name in schema()["$defs"]}


def test_a_keyword_that_is_not_known_is_an_error():
    with pytest.raises(KeyError):
        first_error(1, {"multipleOf": 2})


@pytest.mark.parametrize(
    ("value", "rule", "message"),
    [
        (True, {"type": "integer"}, "x must be an integer, received True"),
        (1, {"type": "boolean"}, "x must be a boolean"),
        (2.5, {"type": ["integer", "null"]}, "x must be an integer or null, received 2.5"),
        ({"a": 1}, {"required": ["b"]}, "x.b is missing"),
        ([1, "a"], {"items": {"type": "integer"}}, r"x[1] must be an integer, received 'a'"),
        ({"a": {"b": -1}}, {"additionalProperties": {"properties": {"b": {"minimum": 0}}}}, "x.a.b must be at least 0"),
        ("abc", {"pattern": "^[0-9]+$"}, "x must be like ^[0-9]+$"),
        (True, {"const": 1}, "x must be 1, received True"),
        ("z" * 99, {"enum": ["a", "b"]}, "x must be one of a, b, received 'zzz"),
    ],
)
def test_messages(value, rule, message):
    assert first_error(value, rule, "x").startswith(message)
    assert len(first_error(value, rule, "x")) < 130


def test_what_a_keyword_is_not_about_is_right():
    rule = {"minimum": 5, "maxItems": 0, "required": ["a"], "pattern": "^a", "properties": {}, "items": {"const": 1}}
    assert first_error(None, rule) is None
    assert first_error(2.0, {"type": "integer"}) is None
