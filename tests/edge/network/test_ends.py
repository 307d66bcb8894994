import numpy as np
import pytest

from edge.errors import UserError
from edge.network.ends import Decoder, PixelInput
from edge.network.interpreter import Tensor
from edge.network.kernels import FASTEST
from edge.network.patches import Canvas
from edge.network.saliency import log_softmax

PIXELS = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
MARGINS = ((1, 2), (3, 0))
MARGINS_OF_ALL = (*MARGINS, (0, 0))
MANIFEST = {"input": {"size": [16, 16], "channels": 1, "scale": 1 / 255}}


@pytest.mark.parametrize("kind", [PixelInput, FASTEST.pixel_input], ids=["numpy", "fastest"])
@pytest.mark.parametrize("pixels", [PIXELS, PIXELS[::-1, ::-1]], ids=["contiguous", "turned round"])
def test_pixels_of_a_float_model_are_from_0_to_1(kind, pixels):
    canvas = Canvas(PIXELS.shape, MARGINS, np.float32)
    kind(MANIFEST, Tensor("x", 0, (1,), "float32")).convert(pixels, canvas)
    np.testing.assert_allclose(canvas.values, np.pad(pixels / 255, MARGINS_OF_ALL), rtol=1e-6)


@pytest.mark.parametrize("kind", [PixelInput, FASTEST.pixel_input], ids=["numpy", "fastest"])
@pytest.mark.parametrize("pixels", [PIXELS, PIXELS[::-1, ::-1]], ids=["contiguous", "turned round"])
def test_pixels_of_an_int8_model_are_not_rounded(kind, pixels):
    tensor = Tensor("x", 0, (1,), "int8", 0.003921568859368563, -128)
    canvas = Canvas(PIXELS.shape, MARGINS, np.int8, zero=7)
    kind(MANIFEST, tensor).convert(pixels, canvas)
    wanted = np.pad(pixels.astype(int) - 128, MARGINS_OF_ALL, constant_values=7)
    np.testing.assert_array_equal(canvas.values, wanted)
    np.testing.assert_array_equal(canvas.image, tensor.quantize(pixels / 255))


@pytest.mark.parametrize("numbers", [("int8", 1 / 256, -128), ("int8", 1 / 255, -127), ("uint8", 1 / 255, 0)])
def test_an_input_that_would_be_rounded_is_refused(numbers):
    with pytest.raises(UserError, match="input must be int8 of scale 0.00392157 and zero point -128, received"):
        PixelInput(MANIFEST, Tensor("x", 0, (1,), *numbers))


def test_decoding_is_that_of_the_library(case):
    manifest = case.float32.manifest
    logits = case.references["random_logits"]
    found = [Decoder(manifest)(log_softmax(row, manifest["heads"]))[2] for row in logits]
    np.testing.assert_array_equal(found, case.references["random_categories"])


def test_a_sequences_probability_is_that_of_its_length_and_symbols(sequence_case):
    manifest = sequence_case.float32.manifest
    probabilities = np.full(3 + 3 * 11, 1e-6)
    probabilities[1] = 0.9  # two symbols
    probabilities[3 + 4], probabilities[3 + 10] = 0.3, 0.6  # 'none' is likelier than 4, but the length says two
    probabilities[14 + 2] = 0.5
    probabilities[25 + 7] = 0.8  # beyond the length
    prediction, probability, categories = Decoder(manifest)(np.log(probabilities))
    assert (prediction, categories) == ("42", (1, 4, 2, 10))
    np.testing.assert_allclose(probability, 0.9 * 0.3 * 0.5)


def test_names_longer_than_a_character_are_kept_apart(sequence_case):
    manifest = sequence_case.float32.manifest | {"labels": [f"s{i}" for i in range(10)]}
    probabilities = np.full(3 + 3 * 11, 1e-6)
    probabilities[[1, 3 + 4, 14 + 2]] = 1
    assert Decoder(manifest)(np.log(probabilities))[0] == "s4 s2"
