"""First convolutions over blocks of pixels: the same sums from fewer, wider vectors, which int8 kernels are made for.

A kernel of TFLite works on vectors of channels. Over one channel or three most of every vector is padding. Where m x m
pixels are laid out as m * m channels, the same convolution is one over blocks, with its weights rearranged and zeros
between them; its outputs may lie in blocks too, for a next convolution with a stride that is rearranged in turn.
Outputs are exactly those of the convolution as written: products with a weight of zero are added, nothing else.
"""

from dataclasses import dataclass

import numpy as np

from dcn_tf.architecture import Conv
from dcn_tf.geometry import output_size

FEW_CHANNELS = 4
LARGEST_BLOCK = 4  # pixels; with larger ones zeros outweigh what is won


@dataclass(frozen=True)
class BlockConv:
    """A convolution from a map in blocks of `inner` x `inner` to one in blocks of `outer` x `outer`; stride 1 of blocks.

    Attributes:
        conv: as written, with square strides.
        outer: side of a block of outputs; 1 where they lie as usual.
    """

    conv: Conv
    outer: int

    @property
    def inner(self) -> int:
        """Side of a block of inputs."""
        return self.conv.strides[0] * self.outer

    def size(self, map_size) -> tuple[int, int]:
        """Returns how many blocks of inputs are needed for all outputs: (height, width) of a map -> blocks."""
        outputs = output_size((self.conv,), map_size)
        return tuple(-(-n // self.outer) + k - 1 for n, k in zip(outputs, self._kernel_size()))

    def _kernel_size(self):
        stride = self.conv.strides[0]
        return [(stride * (self.outer - 1) + k - 1) // self.inner + 1 for k in self.conv.kernel]

    def kernel(self, kernel) -> np.ndarray:
        """Returns the rearranged weights: [kh, kw, C, F] -> [bh, bw, inner * inner * C, outer * outer * F]."""
        height, width, channels, filters = kernel.shape
        inner, outer, stride = self.inner, self.outer, self.conv.strides[0]
        blocks = np.zeros((*self._kernel_size(), inner, inner, channels, outer, outer, filters), kernel.dtype)
        for row in range(outer):
            for column in range(outer):
                for y in range(height):
                    for x in range(width):
                        (down, dy), (right, dx) = divmod(stride * row + y, inner), divmod(stride * column + x, inner)
                        blocks[down, right, dy, dx, :, row, column] = kernel[y, x]
        return blocks.reshape(*self._kernel_size(), inner * inner * channels, outer * outer * filters)

    def bias(self, bias) -> np.ndarray:
        """Returns the bias of every output of a block: [F] -> [outer * outer * F]."""
        return np.tile(bias, self.outer * self.outer)


def plan(layers, channels: int) -> list[BlockConv]:
    """Returns how the first layers of a stack are rearranged: none, one, or two convolutions.

    Args:
        layers: of the stack.
        channels: of its input.
    """
    first, *rest = layers
    if channels > FEW_CHANNELS or not _is_square(first):
        return []
    if rest and _is_square(rest[0]) and rest[0].strides[0] > 1 and not any(map(any, rest[0].padding)):
        chained = [BlockConv(first, rest[0].strides[0]), BlockConv(rest[0], 1)]
        if chained[0].inner <= LARGEST_BLOCK:
            return chained
    alone = BlockConv(first, 2 if first.strides[0] == 1 else 1)
    return [alone] if alone.inner <= LARGEST_BLOCK else []


def _is_square(layer) -> bool:
    return isinstance(layer, Conv) and layer.strides[0] == layer.strides[1]
