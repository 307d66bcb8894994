"""The layers of a stack as plain descriptions: convolutions, depthwise ones, max poolings and residual blocks.

Every description has `kernel`, `strides` and `padding`, from which `geometry` computes fields and positions. It also
says how many channels it gives, how many multiplications one place of its output costs, and how many weights it has.
"""

from dataclasses import dataclass
from typing import Any

from dcn_tf.windows import Sides, Window, normalise_window

OF_VECTORS = ("softmax", "log_softmax", "sparsemax")  # activations that need all channels of a place, and no others


def check_count(value, name: str):
    """Raises ValueError where a value is no integer of at least 1."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be a positive integer. Received: {value!r}")


class Description:
    """What every layer's description says, here of one that keeps its channels, and neither multiplies nor weighs."""

    def channels_out(self, channels: int) -> int:
        """Returns the number of channels that the layer gives of so many; ValueError for a number it cannot take."""
        return channels

    def multiplications(self, channels: int) -> int:
        """Returns the multiplications of one place of the output, of an input with so many channels."""
        return 0

    def weights(self, channels: int) -> int:
        """Returns the number of weights that inference needs, one bias per filter with them."""
        return 0


@dataclass(frozen=True)
class Conv(Description):
    """A convolution with what follows it: batch normalisation, activation, dropout.

    Attributes:
        filters: number of output channels.
        kernel, strides: an int, or (height, width).
        padding: see `explicit_padding`; kept as ((top, bottom), (left, right)).
        batch_normalization: whether outputs are normalised (the convolution then has no bias).
        activation: a Keras activation's name, or None.
        dropout: share of the activations dropped in training.
    """

    filters: int
    kernel: Window
    strides: Window = 1
    padding: Any = "valid"
    batch_normalization: bool = True
    activation: str | None = "relu"
    dropout: float = 0.0

    def __post_init__(self):
        check_count(self.filters, "filters")
        check_switch(self.batch_normalization, "batch_normalization")
        if not isinstance(self.dropout, int | float) or not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"dropout must be in [0, 1). Received: {self.dropout!r}")
        _check_activation(self.activation)
        normalise_window(self)

    def channels_out(self, channels: int) -> int:
        """Returns the number of channels that the layer gives of so many."""
        return self.filters

    def multiplications(self, channels: int) -> int:
        """Returns the multiplications of one place of the output, of an input with so many channels."""
        return self.kernel[0] * self.kernel[1] * channels * self.filters

    def weights(self, channels: int) -> int:
        """Returns the number of weights that inference needs, one bias per filter with them."""
        return self.multiplications(channels) + self.filters


@dataclass(frozen=True)
class DepthwiseConv(Description):
    """A convolution of every channel by itself, with what follows it. A `Conv` of kernel 1 mixes the channels.

    Attributes are those of `Conv`; there are as many filters as channels.
    """

    kernel: Window
    strides: Window = 1
    padding: Any = "valid"
    batch_normalization: bool = True
    activation: str | None = "relu"

    def __post_init__(self):
        check_switch(self.batch_normalization, "batch_normalization")
        _check_activation(self.activation)
        normalise_window(self)
        if self.strides[0] != self.strides[1]:
            raise ValueError(f"a depthwise convolution's strides must be equal. Received: {self.strides}")

    def multiplications(self, channels: int) -> int:
        """Returns the multiplications of one place of the output, of an input with so many channels."""
        return self.kernel[0] * self.kernel[1] * channels

    def weights(self, channels: int) -> int:
        """Returns the number of weights that inference needs, one bias per channel with them."""
        return self.multiplications(channels) + channels


@dataclass(frozen=True)
class MaxPool(Description):
    """Max pooling. Padding repeats the border, which gives the maximum over the pixels that exist.

    Attributes:
        kernel: an int, or (height, width).
        strides: the same; by default the kernel's size.
        padding: as in `Conv`, on each side smaller than the kernel.
    """

    kernel: Window
    strides: Window = None
    padding: Any = "valid"

    def __post_init__(self):
        if self.strides is None:
            object.__setattr__(self, "strides", self.kernel)
        normalise_window(self)
        if any(side >= k for sides, k in zip(self.padding, self.kernel) for side in sides):
            raise ValueError(
                f"pooling padding must be smaller than the kernel {self.kernel}. Received: {self.padding!r}"
            )


@dataclass(frozen=True)
class Residual(Description):
    """Convolutions of strides 1 that keep size and channels, whose output is added to their input, and activated."""

    layers: tuple
    activation: str | None = "relu"

    def __post_init__(self):
        object.__setattr__(self, "layers", tuple(self.layers))
        _check_activation(self.activation)
        if not self.layers:
            raise ValueError("a residual block must hold layers. Received: none")
        for layer in self.layers:
            if not isinstance(layer, Conv | DepthwiseConv):
                raise ValueError(f"a residual block holds convolutions alone. Received: {type(layer).__name__}")
            if layer.strides != (1, 1) or any(sum(p) != k - 1 for p, k in zip(layer.padding, layer.kernel)):
                raise ValueError(
                    "a residual block's layers keep the size: strides 1 and padding 'same'. "
                    f"Received: kernel {layer.kernel}, strides {layer.strides}, padding {layer.padding}"
                )

    @property
    def kernel(self) -> tuple[int, int]:
        """(height, width) of the field of one place of the sum."""
        height, width = (1 + sum(layer.kernel[axis] - 1 for layer in self.layers) for axis in (0, 1))
        return height, width

    @property
    def strides(self) -> tuple[int, int]:
        """(1, 1): a block keeps the size."""
        return 1, 1

    @property
    def padding(self) -> Sides:
        """((top, bottom), (left, right)), of all layers together."""
        (top, bottom), (left, right) = (
            [sum(layer.padding[axis][side] for layer in self.layers) for side in (0, 1)] for axis in (0, 1)
        )
        return (top, bottom), (left, right)

    def channels_out(self, channels: int) -> int:
        """Returns the number of channels; ValueError where the layers don't keep it."""
        found = channels
        for layer in self.layers:
            found = layer.channels_out(found)
        if found != channels:
            raise ValueError(
                f"a residual block must give as many channels as it gets, {channels}, to be added. Received: {found}"
            )
        return channels

    def multiplications(self, channels: int) -> int:
        """Returns the multiplications of one place of the output, of an input with so many channels."""
        return sum(layer.multiplications(count) for layer, count in self._with_channels(channels))

    def weights(self, channels: int) -> int:
        """Returns the number of weights that inference needs."""
        return sum(layer.weights(count) for layer, count in self._with_channels(channels))

    def _with_channels(self, channels):
        for layer in self.layers:
            yield layer, channels
            channels = layer.channels_out(channels)


def separable_conv(filters: int, kernel, strides=1, padding="valid", **options) -> tuple[DepthwiseConv, Conv]:
    """Returns a depthwise-separable convolution: a `DepthwiseConv`, and a `Conv` of kernel 1 that mixes its channels.

    `options` are those of `Conv`; both layers are normalised and activated alike.
    """
    shared = {name: options[name] for name in ("batch_normalization", "activation") if name in options}
    return DepthwiseConv(kernel, strides, padding, **shared), Conv(filters, 1, **options)


def check_switch(value, name: str):
    """Raises ValueError where a value is neither true nor false."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false. Received: {value!r}")


def _check_activation(activation):
    if activation is not None and not isinstance(activation, str):
        raise ValueError(f"activation must be the name of one, or null. Received: {activation!r}")
    if activation in OF_VECTORS:
        raise ValueError(f"activation must be of single values, and not of vectors. Received: {activation!r}")


def channels_of(stack) -> int:
    """Returns the length D of the vectors that a stack gives."""
    return [layer.filters for layer in stack if getattr(layer, "filters", None)][-1]


def weighted_layers(stack):
    """Yields (path, layer) of every convolution of a stack: '0', '3', of a residual block '4/0'."""
    for i, layer in enumerate(stack):
        if isinstance(layer, Residual):
            yield from ((f"{i}/{j}", inner) for j, inner in enumerate(layer.layers))
        elif isinstance(layer, Conv | DepthwiseConv):
            yield str(i), layer
