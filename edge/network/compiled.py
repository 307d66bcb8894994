"""The computations between the models in C. They work where pip found a C compiler, which `IS_COMPILED` says."""

import functools
import warnings

import numpy as np

from edge.bundle.tensors import Tensor
from edge.network import assembly, patches, pixels, presence, saliency, scaling

VERSION = 7  # of the C files
MOST_TAPS = 2**14  # pixels of a sum in `resize`
BLOCK = 4  # rows and columns of weights that `presence_saliency` takes at once

try:
    from edge.network import _compiled  # type: ignore[attr-defined]  # compiled where pip finds a compiler
except ImportError:  # it was installed without a C compiler, or without Python's headers
    _compiled = None
if _compiled is not None and getattr(_compiled, "VERSION", 1) != VERSION:
    told = "what is compiled of edge is of another version, and NumPy does the same; install edge again"
    warnings.warn(told, stacklevel=2)
    _compiled = None

IS_COMPILED = _compiled is not None


class PixelInput(pixels.PixelInput):
    """From pixels to a model's raw input; arguments as of `pixels.PixelInput`."""

    def convert(self, pixels, canvas) -> None:
        """Writes the model's raw input into a canvas, as `pixels.PixelInput`."""
        if self.quantized and pixels.flags.c_contiguous:
            _compiled.put_pixels(pixels, canvas.values, canvas.before)
        else:
            super().convert(pixels, canvas)


def scale(pixels, size) -> np.ndarray:
    """Returns an image at another size, as `scaling.scale`: [H, W, C] uint8 -> [h, w, C] uint8."""
    (height, width), channels = size, pixels.shape[2]
    columns, rows = (scaling.axis_weights(*axis) for axis in ((pixels.shape[1], width), (pixels.shape[0], height)))
    # Pillow 13 goes down before it goes across where far more rows than columns are left out, as of a tall image.
    fewer_rows, fewer_columns = pixels.shape[0] - height, pixels.shape[1] - width
    across_first = fewer_rows <= 0 or fewer_rows < 2 * fewer_columns
    if channels != 1 or not across_first or max(columns[1].shape[1], rows[1].shape[1]) > MOST_TAPS:
        return scaling.scale(pixels, size)
    out = np.empty((height, width), np.uint8)
    _compiled.resize(np.ascontiguousarray(pixels[..., 0]), *columns, *rows, out)
    return out[..., None]


class Classifier:
    """The answer from a top's activations; arguments as of `saliency.Classifier`."""

    def __init__(self, gain, offset, dense, bias):
        self._classes = len(bias)
        self.weights = np.concatenate([np.ravel(array).astype(np.float64) for array in (gain, offset, dense, bias)])

    def __call__(self, activations):
        """Returns (maxima, log-probabilities, entropy), as `saliency.Classifier`."""
        maxima = np.empty(activations.shape[1], activations.dtype)
        log_probabilities = np.empty(self._classes)
        entropy = _compiled.classify(activations, self.weights, maxima, log_probabilities)
        return maxima, log_probabilities, entropy


class ClassifierSaliency:
    """Saliency of a top of convolution, ReLU, global max and softmax; arguments as of `saliency.ClassifierSaliency`."""

    def __init__(self, kernel, dense, strides, padding, map_size):
        self.kernel_shape = kernel.shape
        self.map_size = saliency.count_windows(map_size, padding, kernel.shape, strides)  # of windows
        self.dense = np.ascontiguousarray(dense, np.float32)
        self.kernels = np.ascontiguousarray(kernel.transpose(0, 3, 1, 2), np.float32)
        self.strides, self.before = tuple(strides), tuple(sides[0] for sides in padding)
        self._size = tuple(map_size)
        padded = [n + sum(sides) for n, sides in zip(map_size, padding)]
        self.gradient = np.empty((*padded, kernel.shape[2]), np.float32)

    def __call__(self, activations, maxima, positive, log_probabilities, entropy) -> np.ndarray:
        """Returns the saliency, [h, w]; as `saliency.ClassifierSaliency`, of int8, uint8 or float32 activations."""
        found = np.empty(self._size, np.float32)
        _compiled.classifier_saliency(
            activations,
            maxima,
            positive,
            log_probabilities,
            entropy,
            self.dense,
            self.kernels,
            self.strides,
            self.before,
            self.gradient,
            found,
        )
        return found


def select_cells(scores, num_patches: int) -> np.ndarray:
    """Returns the k cells of highest saliency, as `saliency.select_cells`: float32 [h, w] -> [k, 2]."""
    cells = np.empty((num_patches, 2), np.intp)
    _compiled.select_cells(scores, cells)
    return cells


class SeenCells:
    """What the cells of an image see, the pooled output, and its entropy; arguments as of `presence.SeenCells`.

    Attributes:
        log_probabilities, weights, entropy: as there.
        logits: the cells' logits as C takes them.
        counted, power: arguments of the saliency.
    """

    def __init__(self, raw, tensor: Tensor, heads, saliency_heads, power: float):
        if tensor.dtype == "uint8":
            raw, tensor = tensor.dequantize(raw), Tensor(tensor.name, tensor.order, tensor.shape, "float32")
        decoded = *_exponentials(tensor), tensor.scale, tensor.zero_point
        self.logits = np.ascontiguousarray(raw), *decoded, heads[0] - 1, len(heads) - 1
        self.power, self.counted = power, np.isin(np.arange(1, len(heads)), saliency_heads)
        self.weights = np.empty(len(raw), np.float32)
        self.log_probabilities = np.empty(raw.shape[1], np.float32)
        self.entropy = _compiled.see_cells(self.logits, self.counted, power, self.weights, self.log_probabilities)

    @property
    def count(self) -> int:
        """Number of cells."""
        return len(self.weights)


@functools.lru_cache(8)
def _exponentials(tensor: Tensor):
    """Returns those of each int8 logit of a position, and of what a length is less than another; [256] float32 each."""
    if tensor.dtype != "int8":
        return np.zeros(256, np.float32), np.zeros(256, np.float32)  # of which none is read
    return presence.exponentials_of(tensor), np.exp(-np.arange(256, dtype=np.float32) * np.float32(tensor.scale))


class PresenceSaliency:
    """The norm of the gradient of the pooled output's entropy at every cell; as `presence.PresenceSaliency`."""

    def __init__(self, dense):
        plain = presence.PresenceSaliency(dense)
        rows, columns = plain.dense.shape
        self.greatest, self.is_triangular = plain.greatest, not np.tril(plain.dense, -1).any()
        self.dense = np.pad(plain.dense, ((0, -rows % BLOCK), (0, -columns % BLOCK)))

    def __call__(self, cells: SeenCells, num_patches: int) -> np.ndarray:
        """Returns the saliency, [cells]: exact for the `num_patches` most salient cells, and for others exact or 0."""
        found = np.empty(cells.count, np.float32)
        _compiled.presence_saliency(
            cells.logits,
            cells.counted,
            cells.power,
            cells.weights,
            cells.log_probabilities,
            self.dense,
            self.is_triangular,
            self.greatest,
            min(num_patches, cells.count),
            found,
        )
        return found


class Cutter(patches.Cutter):
    """Windows as a model takes them; arguments as of `patches.Cutter`."""

    def __init__(self, canvas, counts, origin, stride, size, layout=None):
        super().__init__(canvas, counts, origin, stride, size, layout)
        whole = {"margins": ((0, 0), (0, 0)), "group": (1, size[1]), "step": (1, size[1])}  # a row is one group
        layout, channels = layout or whole, canvas.values.shape[2]
        self.groups = patches.laid_out_shape(layout, (*size, channels))
        self._shape = self.groups if layout is not whole else (*size, channels)
        (above, _), (before, _) = layout["margins"]
        layout = (above, before), tuple(layout["group"]), tuple(layout["step"])
        self.placed = (self.first, self.stride, self.size, *layout)
        make = functools.partial(_make_output, self.groups, canvas.zero, canvas.values.dtype)  # not of this object:
        self._output = functools.lru_cache(patches.MOST_COUNTS)(make)  # its memory is free when it is dropped

    def cut(self, places) -> np.ndarray:
        """Returns windows as a model takes them, as `patches.Cutter`; valid until the next call."""
        count = len(places)
        out = self._output(count)
        _compiled.cut(self.canvas.values, places, *self.placed, out)
        return out.reshape(count, *self._shape)


def _make_output(groups, zero, dtype, count: int) -> np.ndarray:
    """Returns room for so many windows."""
    return np.full((count, *groups), zero, dtype)


class Assembler(assembly.Assembler):
    """What the swap changes; arguments as of `assembly.Assembler`."""

    def __init__(self, map_size, padding, strides, kernel_shape, dtype, zero):
        super().__init__(map_size, padding, strides, kernel_shape, dtype, zero)
        most = self.rounded(self.num_windows)
        self._cut = np.empty((most, *kernel_shape), dtype)
        self._indices = np.empty(most, np.intp)
        self._before, self._strides = tuple(sides[0] for sides in padding), tuple(strides)

    def __call__(self, features, fine_features, cells):
        """Returns the windows that change and their indices, as `assembly.Assembler`; valid until the next call."""
        count = _compiled.assemble(
            features,
            fine_features,
            cells,
            self.windows_of_cells,
            self.canvas,
            self._before,
            self._strides,
            (self.FEW, self.STEP),
            self._cut,
            self._indices,
        )
        return self._cut[:count], self._indices[:count]

    @staticmethod
    def put(activations, indices, rows) -> None:
        """Writes what the changed windows give into what all of them gave, as `assembly.Assembler`."""
        _compiled.put_rows(activations, indices, rows)
