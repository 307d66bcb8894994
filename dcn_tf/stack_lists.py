"""Stacks as plain lists of dictionaries, as they stand in files, and back."""

import dataclasses
import inspect

from dcn_tf.counted import IntegrateAndFire
from dcn_tf.declared import KerasLayer
from dcn_tf.descriptions import Conv, DepthwiseConv, MaxPool, Residual, separable_conv

GLOBAL = ("squeeze_excite", "global_pool", "attention")  # kinds that look at the whole map
KINDS = {
    "conv": Conv,
    "depthwise_conv": DepthwiseConv,
    "integrate_and_fire": IntegrateAndFire,
    "keras": KerasLayer,
    "max_pool": MaxPool,
    "residual": Residual,
}


def kind_of(layer) -> str:
    """Returns the name that a layer has in a file."""
    return next(kind for kind, description in KINDS.items() if isinstance(layer, description))


def stack_to_list(stack) -> list[dict]:
    """Returns a stack as plain dictionaries; `stack_from_list` reverses it."""
    return [_layer_to_dict(layer) for layer in stack]


def stack_from_list(layers) -> tuple:
    """Returns the stack of `stack_to_list`, or of layers; 'separable_conv' is two. ValueError for what is wrong."""
    if not isinstance(layers, list | tuple):
        raise ValueError(f"a stack must be a list of layers. Received: {layers!r}")
    stack = []
    for number, layer in enumerate(layers):
        try:
            stack += [layer] if isinstance(layer, tuple(KINDS.values())) else _layers_of(layer)
        except ValueError as error:
            raise ValueError(f"layer {number}: {error}") from None
    return tuple(stack)


def made_of(make, fields: dict, what: str):
    """Returns `make(**fields)`; ValueError, which names the field, where one is missing or unknown."""
    names = inspect.signature(make).parameters
    options = any(name.kind is name.VAR_KEYWORD for name in names.values())
    for name in fields:
        if name not in names and not options:
            raise ValueError(f"{what} has no {name!r}; it has {', '.join(names)}")
    for name, parameter in names.items():
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD and name not in fields:
            raise ValueError(f"{what} needs {name!r}. Received: {', '.join(map(str, fields)) or 'nothing'}")
    try:
        return make(**fields)
    except TypeError as error:
        raise ValueError(f"{what}: {error}") from None


def _layer_to_dict(layer) -> dict:
    fields = {field.name: getattr(layer, field.name) for field in dataclasses.fields(layer)}
    if isinstance(layer, Residual):
        fields["layers"] = stack_to_list(layer.layers)
    return {"kind": kind_of(layer)} | lists(fields)


def _layers_of(description) -> list:
    if not isinstance(description, dict):
        raise ValueError(f"it must be an object with a kind and its fields. Received: {description!r}")
    fields = dict(description)
    kind = fields.pop("kind", None)
    if kind == "residual" and "layers" in fields:
        fields["layers"] = stack_from_list(fields["layers"])
    if isinstance(kind, str) and kind in GLOBAL:
        raise ValueError(
            f"{kind!r} looks at the whole map, and a cell must see its own field alone, in images and in patches; "
            f"use one of {', '.join([*KINDS, 'separable_conv'])}"
        )
    if kind == "separable_conv":
        return list(made_of(separable_conv, fields, kind))
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"a stack's layer must be of kind {', '.join([*KINDS, 'separable_conv'])}. Received: {kind!r}")
    return [made_of(KINDS[kind], fields, kind)]


def lists(value):
    """Returns a value with lists in place of tuples, as JSON has it."""
    if isinstance(value, dict):
        return {key: lists(item) for key, item in value.items()}
    return [lists(item) for item in value] if isinstance(value, list | tuple) else value
