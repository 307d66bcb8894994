"""The window of a layer, which moves over a map: kernel, strides and padding, in the form that they are kept in."""

from typing import Any

Window = Any  # given as an int or a pair of ints, kept as the pair (height, width)
Sides = tuple[tuple[int, int], tuple[int, int]]  # ((top, bottom), (left, right))


def pair(value, name: str, minimum: int = 1) -> tuple[int, int]:
    """Returns (height, width) for an int or a pair of ints; ValueError below `minimum` or for anything else."""
    values = (value, value) if isinstance(value, int) else value
    good = isinstance(values, list | tuple) and len(values) == 2
    if not good or any(not isinstance(v, int) or isinstance(v, bool) or v < minimum for v in values):
        raise ValueError(f"{name} must be an integer of at least {minimum} or a pair of them. Received: {value!r}")
    return tuple(values)


def explicit_padding(padding, kernel: tuple[int, int]) -> Sides:
    """Returns padding as ((top, bottom), (left, right)) pixels.

    'same' adds (kernel - 1) // 2 before and the rest of kernel - 1 behind, whatever the stride and the image's size.
    With stride 1 that is TensorFlow's SAME. With a larger stride it is not: TensorFlow lets the position of a cell
    depend on the size of the image, and a cell of a fully convolutional stack must see the same place in images of
    every size.
    """
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding == "same":
        vertical, horizontal = (((k - 1) // 2, k - 1 - (k - 1) // 2) for k in kernel)
        return vertical, horizontal
    if isinstance(padding, int):
        padding = (padding, padding)
    if isinstance(padding, list | tuple) and len(padding) == 2:
        return pair(padding[0], "padding", 0), pair(padding[1], "padding", 0)
    raise ValueError(
        "padding must be 'valid', 'same', an integer, (vertical, horizontal) or ((top, bottom), (left, right)). "
        f"Received: {padding!r}"
    )


def normalise_window(layer):
    """Brings a frozen description's kernel, strides and padding into the form that they are kept in."""
    kernel = pair(layer.kernel, "kernel")
    object.__setattr__(layer, "kernel", kernel)
    object.__setattr__(layer, "strides", pair(layer.strides, "strides"))
    object.__setattr__(layer, "padding", explicit_padding(layer.padding, kernel))
