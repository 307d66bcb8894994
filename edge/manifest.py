"""What a bundle's manifest must hold, and the check that it does.

A rule is a type, `Choice` of values, `ListOf` a rule, `Optional` rule (null is allowed), `MapOf` names to a rule, or a
dictionary of the fields that an object must have. More fields than the rule names are allowed and ignored.
"""

from dataclasses import dataclass

from edge.errors import UserError

FORMAT_VERSION = 1
CLASSIFICATION, SEQUENCE = "classification", "sequence"
MODELS = ("coarse", "fine", "top", "whole_fine")
REQUIRED_MODELS = MODELS[:3]
RESIZES = ("stretch", "fit")
COLOURS = {"L": 1, "RGB": 3}


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    values: tuple


@dataclass(frozen=True)
class ListOf:
    """A list whose items keep a rule; of a given length, or of any where None."""

    rule: object
    length: int | None = None


@dataclass(frozen=True)
class MapOf:
    """An object with any names, whose values keep a rule."""

    rule: object


@dataclass(frozen=True)
class Optional:
    """A rule, or null."""

    rule: object


PAIR = ListOf(int, 2)
WEIGHTING = Choice(("average", "inverse_entropy"))
TENSOR = {
    "name": str,
    "order": int,
    "shape": ListOf(int),
    "dtype": Choice(("float32", "int8", "uint8")),
    "scale": float,
    "zero_point": int,
}
MANIFEST = {
    "format_version": int,
    "name": str,
    "task": Choice((CLASSIFICATION, SEQUENCE)),
    "labels": ListOf(str),  # class names, or the symbols of a sequence
    "max_length": Optional(int),  # sequences alone
    "heads": ListOf(int),  # categories of each softmax
    "saliency_heads": ListOf(int),  # indices of the softmaxes whose entropies are summed
    "input": {
        "size": PAIR,  # (height, width) in pixels, as every pair here
        "channels": int,
        "colour": Choice(tuple(COLOURS)),
        "scale": float,  # model input = pixel (0..255) * scale
        "resize": Choice(RESIZES),
    },
    "cells": {"map": PAIR, "stride": PAIR, "offset": PAIR, "field": PAIR},
    "patch": {"size": PAIR, "origin": PAIR},
    "num_patches": int,
    "exit_entropy": Optional(float),  # nats; the coarse answer stands where its entropy is at most this
    "refined": Choice(("swap", "pool")),
    "convolution": Optional({"strides": PAIR, "padding": ListOf(PAIR, 2)}),  # of a classifier's top
    "pooling": Optional({"coarse": WEIGHTING, "refined": WEIGHTING, "floor": float}),  # of a sequence's tops
    "method": Choice(("float32", "float16", "ptq", "qat")),
    "models": MapOf({"inputs": ListOf(TENSOR, 1), "outputs": ListOf(TENSOR)}),
    "measured": Optional(dict),
    "training": dict,
    "versions": MapOf(str),
    "files": MapOf({"sha256": str, "bytes": int}),
}
TYPE_NAMES = {int: "an integer", float: "a number", str: "a string", bool: "true or false", dict: "an object"}


def check_manifest(manifest) -> None:
    """Raises UserError where a manifest is of another version, or a field is missing, wrong or at odds with another."""
    check(manifest, {"format_version": int}, "manifest")
    version = manifest["format_version"]
    if version != FORMAT_VERSION:
        advice = "update this program" if version > FORMAT_VERSION else "export the bundle again with tools.quantize"
        raise UserError(f"the bundle has format version {version} and this program reads {FORMAT_VERSION}; {advice}")
    check(manifest, MANIFEST, "manifest")
    _check_consistency(manifest)


def check(value, rule, path: str) -> None:
    """Raises UserError where `value` breaks `rule`; `path` names the value in the message."""
    if isinstance(rule, Optional):
        if value is not None:
            check(value, rule.rule, path)
    elif isinstance(rule, Choice):
        if value not in rule.values:
            _wrong(path, f"one of {', '.join(rule.values)}", value)
    elif isinstance(rule, ListOf):
        if not isinstance(value, list) or (rule.length is not None and len(value) != rule.length):
            _wrong(path, "a list" if rule.length is None else f"a list of {rule.length}", value)
        for index, item in enumerate(value):
            check(item, rule.rule, f"{path}[{index}]")
    elif isinstance(rule, MapOf):
        check(value, dict, path)
        for name, item in value.items():
            check(item, rule.rule, f"{path}.{name}")
    elif isinstance(rule, dict):
        check(value, dict, path)
        for name, inner in rule.items():
            if name not in value:
                raise UserError(f"{path}.{name} is missing; export the bundle again with tools.quantize")
            check(value[name], inner, f"{path}.{name}")
    else:
        allowed = (int, float) if rule is float else rule
        if not isinstance(value, allowed) or (isinstance(value, bool) and rule is not bool):
            _wrong(path, TYPE_NAMES[rule], value)


def _wrong(path, expected, value):
    received = repr(value)
    received = received if len(received) <= 80 else received[:77] + "..."
    raise UserError(f"{path} must be {expected}, received {received}; export the bundle again with tools.quantize")


def _check_consistency(manifest):
    classification = manifest["task"] == CLASSIFICATION
    map_height, map_width = manifest["cells"]["map"]
    image, names = manifest["input"], manifest["labels"]
    length, symbols = manifest["max_length"] or 0, len(names)
    heads = [symbols] if classification else [length] + [symbols + 1] * length
    demands = (
        (manifest["heads"] == heads, "heads must follow from labels and max_length"),
        (len(names) >= 2, "labels must be at least 2"),
        (all(0 <= i < len(heads) for i in manifest["saliency_heads"]), "saliency_heads must be indices of heads"),
        (min(map_height, map_width, *image["size"], *manifest["patch"]["size"]) >= 1, "sizes must be positive"),
        (1 <= manifest["num_patches"] <= map_height * map_width, "num_patches must be 1 to the number of cells"),
        (COLOURS[image["colour"]] == image["channels"], "input.channels must be those of input.colour"),
        (manifest["refined"] == ("swap" if classification else "pool"), "refined must be the task's own"),
        (manifest["convolution" if classification else "pooling"] is not None, "the top's description must be there"),
        (all(name in manifest["models"] for name in REQUIRED_MODELS), "models must hold coarse, fine and top"),
    )
    for holds, rule in demands:
        if not holds:
            raise UserError(f"the manifest contradicts itself: {rule}; export the bundle again with tools.quantize")
