"""First convolutions over laid-out pixels: the same sums as one matrix product, which is faster in int8.

A kernel of TFLite multiplies vectors of channels: four of the input with sixteen of the output at a time. An image has
one channel or three, so most of such a vector would be padding. The device therefore copies all pixels that one place
of the map sees side by side (`edge.network.patches.Layout`), and the convolution becomes one of a single pixel.
Neighbouring places of a row share one copy where that leaves less padding. The sums are exactly those of the
convolution as written; only products with a weight of zero are added.
"""

from dataclasses import dataclass

import numpy as np

from dcn_tf.architecture import Conv
from dcn_tf.geometry import output_size

FEW_CHANNELS = 4
PLACES = range(1, 9)
WORD = 4  # pixels; of one byte each, the smallest word that is worth copying
INPUTS, OUTPUTS = 4, 16  # channels that a kernel takes at a time, on processors with dot products of int8


@dataclass(frozen=True)
class Relayout:
    """A first convolution of which one output holds those of several places of a row.

    Attributes:
        places: neighbouring places of a row, which has a multiple of them.
        any_size: whether one layout does for images of every size; each place then stands alone.
    """

    conv: Conv
    places: int
    any_size: bool = False

    @property
    def length(self) -> int:
        """Pixels of a row that the places see, in whole words."""
        return _rounded(self.conv.strides[1] * (self.places - 1) + self.conv.kernel[1], WORD)

    def to_dict(self, size) -> dict:
        """Returns what a manifest says of it, for an image of `size` (height, width)."""
        rows, (left, behind) = self.conv.padding
        down, right = self.conv.strides
        step = right * self.places
        groups = output_size((self.conv,), size)[1] // self.places
        margin = max(0, step * (groups - 1) + self.length - left - size[1])
        if self.any_size:  # then a row of any length has as many groups as the convolution has places
            margin = behind + self.length - self.conv.kernel[1]
        return {
            "margins": [list(rows), [left, margin]],
            "group": [self.conv.kernel[0], self.length],
            "step": [down, step],
        }

    def cost(self, channels: int) -> float:
        """Returns multiplications per place, with those on a kernel's padding."""
        taken = _rounded(self.conv.kernel[0] * self.length * channels, INPUTS)
        return taken * _rounded(self.places * self.conv.filters, OUTPUTS) / self.places

    def kernel(self, kernel) -> np.ndarray:
        """Returns the rearranged weights: [kh, kw, C, F] -> [1, 1, kh * length * C, places * F]."""
        height, width, channels, filters = kernel.shape
        laid_out = np.zeros((height, self.length, channels, self.places, filters), kernel.dtype)
        for place in range(self.places):
            first = self.conv.strides[1] * place
            laid_out[:, first : first + width, :, place] = kernel
        return laid_out.reshape(1, 1, -1, self.places * filters)

    def bias(self, bias) -> np.ndarray:
        """Returns the bias of every place: [F] -> [places * F]."""
        return np.tile(bias, self.places)


def relayout(layers, input_shape, any_size: bool = False) -> Relayout | None:
    """Returns how a stack's first layer is best laid out for (height, width, channels); None where it is not."""
    first, (*size, channels) = layers[0], input_shape
    if not isinstance(first, Conv) or channels > FEW_CHANNELS:
        return None
    _, columns = output_size((first,), size)
    if any_size:
        return Relayout(first, 1, any_size)
    candidates = [Relayout(first, places) for places in PLACES if columns % places == 0]
    return min(candidates, key=lambda candidate: (candidate.cost(channels), -candidate.places))


def _rounded(count, multiple):
    return -(-count // multiple) * multiple
