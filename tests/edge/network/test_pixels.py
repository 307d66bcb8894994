import numpy as np
import pytest

from edge.bundle.manifest import Input
from edge.bundle.tensors import Tensor
from edge.errors import UserError
from edge.network.kernels import FASTEST
from edge.network.patches import Canvas
from edge.network.pixels import PixelInput

PIXELS = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
MARGINS = ((1, 2), (3, 0))
MARGINS_OF_ALL = (*MARGINS, (0, 0))
IMAGE = Input((16, 16), 1, "L", 1 / 255, "stretch")


@pytest.mark.parametrize("kind", [PixelInput, FASTEST.pixel_input], ids=["numpy", "fastest"])
@pytest.mark.parametrize("pixels", [PIXELS, PIXELS[::-1, ::-1]], ids=["contiguous", "turned round"])
def test_pixels_of_a_float_model_are_from_0_to_1(kind, pixels):
    canvas = Canvas(PIXELS.shape, MARGINS, np.float32)
    kind(IMAGE, Tensor("x", 0, (1,), "float32")).convert(pixels, canvas)
    np.testing.assert_allclose(canvas.values, np.pad(pixels / 255, MARGINS_OF_ALL), rtol=1e-6)


@pytest.mark.parametrize("kind", [PixelInput, FASTEST.pixel_input], ids=["numpy", "fastest"])
@pytest.mark.parametrize("pixels", [PIXELS, PIXELS[::-1, ::-1]], ids=["contiguous", "turned round"])
def test_pixels_of_an_int8_model_are_not_rounded(kind, pixels):
    tensor = Tensor("x", 0, (1,), "int8", 0.003921568859368563, -128)
    canvas = Canvas(PIXELS.shape, MARGINS, np.int8, zero=7)
    kind(IMAGE, tensor).convert(pixels, canvas)
    wanted = np.pad(pixels.astype(int) - 128, MARGINS_OF_ALL, constant_values=7)
    np.testing.assert_array_equal(canvas.values, wanted)
    np.testing.assert_array_equal(canvas.image, tensor.quantize(pixels / 255))


@pytest.mark.parametrize("numbers", [("int8", 1 / 256, -128), ("int8", 1 / 255, -127), ("uint8", 1 / 255, 0)])
def test_an_input_that_would_be_rounded_is_refused(numbers):
    with pytest.raises(UserError, match="input must be int8 of scale 0.00392157 and zero point -128, received"):
        PixelInput(IMAGE, Tensor("x", 0, (1,), *numbers))
