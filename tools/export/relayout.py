"""First convolutions over laid-out pixels: the same sums as one matrix product, which is faster in int8.

A kernel of TFLite multiplies vectors of channels: four of the input with sixteen of the output at a time. An image has
one channel or three, so most of such a vector would be padding. The device therefore copies all pixels that one place
of the map sees side by side (`edge.network.patches.Layout`), and the convolution becomes one of a single pixel.
Neighbouring places of a row share one copy where that leaves less padding. The sums are exactly those of the
convolution as written; only products with a weight of zero are added. Where the last copy of a row has more places than
the row, its map is wider: those places see what lies beyond, and the next layer does not see them.
"""

from dataclasses import dataclass

import numpy as np

from dcn_tf.architecture import Conv, MaxPool
from dcn_tf.geometry import output_size

FEW_CHANNELS = 4
PLACES = range(1, 9)
WORD = 4  # pixels; of one byte each, the smallest word that is worth copying
LONG = 2 * WORD  # pixels of a row that may end within a word
# Channels that a kernel takes and gives at a time, and its instructions for a multiplication: counted of XNNPACK's for
# the A76, which has dot products of int8, and for the A72, which has none.
KERNELS = ((4, 16, 21 / 256), (8, 8, 56 / 256))


@dataclass(frozen=True)
class Relayout:
    """A first convolution of which one output holds those of several places of a row.

    Attributes:
        places: neighbouring places of a row.
        any_size: whether one layout does for images of every size; each place then stands alone.
        exact: whether a row of a copy ends with the last pixel that the places see, and not with a whole word.
    """

    conv: Conv
    places: int
    any_size: bool = False
    exact: bool = False

    @property
    def length(self) -> int:
        """Pixels of a row that are laid out together."""
        seen = self.conv.strides[1] * (self.places - 1) + self.conv.kernel[1]
        return seen if self.exact else _rounded(seen, WORD)

    def map_size(self, size) -> tuple[int, int]:
        """Returns the (height, width) of the map that it makes of an image of `size`: of whole groups of places."""
        rows, columns = output_size((self.conv,), size)
        return rows, _rounded(columns, self.places)

    def to_dict(self, size) -> dict:
        """Returns what a manifest says of it, for an image of `size` (height, width)."""
        rows, (left, behind) = self.conv.padding
        down, right = self.conv.strides
        step = right * self.places
        groups = self.map_size(size)[1] // self.places
        margin = max(0, step * (groups - 1) + self.length - left - size[1])
        if self.any_size:  # then a row of any length has as many groups as the convolution has places
            margin = behind + self.length - self.conv.kernel[1]
        return {
            "margins": [list(rows), [left, margin]],
            "group": [self.conv.kernel[0], self.length],
            "step": [down, step],
        }

    def cost(self, input_shape) -> float:
        """Returns the instructions of both processors for a row of an image, (height, width, channels)."""
        *size, channels = input_shape
        groups, taken = self.map_size(size)[1] // self.places, self.conv.kernel[0] * self.length * channels
        given = self.places * self.conv.filters
        return groups * sum(_rounded(taken, i) * _rounded(given, o) * each for i, o, each in KERNELS)

    def fits(self, layers, size) -> bool:
        """Returns whether the second of the layers gives the same for a map as wide as `map_size`."""
        columns, wider = output_size((self.conv,), size)[1], self.map_size(size)[1]
        if columns == wider:
            return True
        second = layers[1] if len(layers) > 1 else None
        if not isinstance(second, Conv | MaxPool) or second.padding[1][1]:
            return False
        given = [output_size((second,), (size[0], width))[1] for width in (columns, wider)]
        return given[0] == given[1]

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
    if any_size:
        return Relayout(first, 1, any_size)
    candidates = [Relayout(first, places, exact=exact) for places in PLACES for exact in (False, places > 1)]
    fitting = [one for one in candidates if one.fits(layers, size) and (not one.exact or one.length >= LONG)]
    return min(fitting, key=lambda candidate: (candidate.cost(input_shape), candidate.exact, -candidate.places))


def _rounded(count, multiple):
    return -(-count // multiple) * multiple
