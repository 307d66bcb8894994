"""Between the models: pixels to raw input, one model's raw output to another's raw input, and outputs to an answer."""

import numpy as np

from edge.errors import UserError
from edge.interpreter import Tensor
from edge.manifest import CLASSIFICATION


class PixelInput:
    """From pixels to a model's raw input.

    Args:
        manifest: of the bundle.
        tensor: the model's input.
    """

    def __init__(self, manifest: dict, tensor: Tensor):
        self.shape = (*manifest["input"]["size"], manifest["input"]["channels"])
        self._table = pixel_table(tensor, manifest["input"]["scale"])

    def checked(self, image) -> np.ndarray:
        """Returns the image as [H, W, C]; UserError where its size or type is not the manifest's."""
        image = np.asarray(image)
        pixels = image[..., None] if image.ndim == 2 else image
        if pixels.shape != self.shape or pixels.dtype != np.uint8:
            raise UserError(
                f"the image must be uint8 of shape {self.shape}, received {image.dtype} {image.shape}; "
                "resize it first, as edge.images.load_image does"
            )
        return pixels

    def convert(self, pixels) -> np.ndarray:
        """Returns the model's raw input, [1, H, W, C]."""
        return self._table[pixels][None]


def pixel_table(tensor: Tensor, scale: float) -> np.ndarray:
    """Returns the raw model input of each of the 256 pixel values."""
    return tensor.quantize(np.arange(256) * scale)


class Requantizer:
    """From the raw output of one model to the raw input of another, when their scales differ."""

    def __init__(self, source: Tensor, target: Tensor):
        parameters = [(t.dtype, t.scale, t.zero_point) for t in (source, target)]
        self.same = parameters[0] == parameters[1]
        self.source, self.target, self._table = source, target, None
        if source.quantized and not self.same:  # one entry per raw value, in the order of its bits read as uint8
            self._table = target.quantize(source.dequantize(np.arange(256, dtype=np.uint8).view(source.dtype)))

    def __call__(self, raw) -> np.ndarray:
        if self.same:
            return raw
        return self.target.quantize(raw) if self._table is None else self._table[raw.view(np.uint8)]


class Decoder:
    """From log-probabilities to what is read: the most probable class; or length n, then n symbols, never 'none'."""

    def __init__(self, manifest: dict):
        self.labels = manifest["labels"]
        self.task = manifest["task"]
        self.max_length = manifest["max_length"]
        self.joint = "" if all(len(label) == 1 for label in self.labels) else " "

    def __call__(self, log_probabilities) -> tuple:
        """Returns the prediction, its probability, and the category of each head."""
        if self.task == CLASSIFICATION:
            best = int(log_probabilities.argmax())
            return self.labels[best], float(np.exp(log_probabilities[best])), (best,)
        none = len(self.labels)
        length = int(log_probabilities[: self.max_length].argmax()) + 1
        positions = log_probabilities[self.max_length :].reshape(self.max_length, none + 1)[:length, :none]
        symbols = positions.argmax(axis=1)
        log_probability = log_probabilities[length - 1] + positions.max(axis=1).sum()
        categories = (length - 1, *map(int, symbols), *[none] * (self.max_length - length))
        return self.joint.join(self.labels[s] for s in symbols), float(np.exp(log_probability)), categories
