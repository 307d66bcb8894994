"""Pixels to a model's raw input."""

import numpy as np

from edge.bundle.manifest import Input
from edge.bundle.tensors import Tensor
from edge.errors import UserError
from edge.network.patches import Canvas


class PixelInput:
    """From pixels to a model's raw input: less 128 for int8, where a step is exactly one pixel value; else in [0, 1].

    Raises:
        UserError: the input is int8 of another scale.
    """

    def __init__(self, image: Input, tensor: Tensor):
        self.shape, self.scale = image.shape, np.float32(image.scale)
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
        """Writes the model's raw input, [H, W, C], into a canvas of the model's encoding."""
        if self.quantized:
            np.bitwise_xor(pixels, np.uint8(128), out=canvas.image.view(np.uint8))
        else:
            np.multiply(pixels, self.scale, out=canvas.image)
