"""The two ends: pixels to a model's raw input, and log-probabilities to an answer."""

import math

import numpy as np

from edge.bundle.manifest import CLASSIFICATION
from edge.errors import UserError
from edge.network.interpreter import Tensor
from edge.network.patches import Canvas


class PixelInput:
    """From pixels to a model's raw input: less 128 for int8, where a step is exactly one pixel value; else in [0, 1].

    Args:
        manifest: of the bundle.
        tensor: the model's input.

    Raises:
        UserError: the input is int8 of another scale.
    """

    def __init__(self, manifest: dict, tensor: Tensor):
        self.shape = (*manifest["input"]["size"], manifest["input"]["channels"])
        self.scale = np.float32(manifest["input"]["scale"])
        self.quantized = tensor.quantized
        exact = tensor.dtype == "int8" and tensor.zero_point == -128 and np.isclose(tensor.scale, self.scale, rtol=1e-6)
        if self.quantized and not exact:
            raise UserError(
                f"a model's input must be int8 of scale {self.scale:g} and zero point -128, received {tensor.dtype}, "
                f"{tensor.scale:g}, {tensor.zero_point}; export the bundle again"
            )

    def checked(self, image) -> np.ndarray:
        """Returns the image as [H, W, C]; UserError where its size or type is not the manifest's."""
        image = np.asarray(image)
        pixels = image[..., None] if image.ndim == 2 else image
        if pixels.shape != self.shape or pixels.dtype != np.uint8:
            raise UserError(
                f"the image must be uint8 of shape {self.shape}, received {image.dtype} {image.shape}; "
                "resize it first, as edge.sight.images.load_image does"
            )
        return pixels

    def convert(self, pixels, canvas: Canvas) -> None:
        """Writes the model's raw input, [H, W, C], into a canvas of the model's numbers."""
        if self.quantized:
            np.bitwise_xor(pixels, np.uint8(128), out=canvas.image.view(np.uint8))
        else:
            np.multiply(pixels, self.scale, out=canvas.image)


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
            return self.labels[best], math.exp(log_probabilities[best]), (best,)
        none = len(self.labels)
        length = int(log_probabilities[: self.max_length].argmax()) + 1
        positions = log_probabilities[self.max_length :].reshape(self.max_length, none + 1)[:length, :none]
        symbols = positions.argmax(axis=1)
        log_probability = log_probabilities[length - 1] + positions.max(axis=1).sum()
        categories = (length - 1, *map(int, symbols), *[none] * (self.max_length - length))
        return self.text(categories), math.exp(log_probability), categories

    def text(self, categories) -> str:
        """Returns the category of each head as it is read: a class, or the symbols up to the length."""
        symbols = categories if self.task == CLASSIFICATION else categories[1 : categories[0] + 2]
        return self.joint.join(self.labels[symbol] for symbol in symbols)
