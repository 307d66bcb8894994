import numpy as np

from edge.interpreter import Tensor
from edge.numbers import Decoder, Requantizer, pixel_table
from edge.saliency import log_softmax

FLOAT = Tensor("x", 0, (1,), "float32")


def test_pixels_of_a_float_model():
    np.testing.assert_allclose(pixel_table(FLOAT, 1 / 255), np.arange(256) / 255, rtol=1e-7)


def test_requantizing_is_dequantizing_and_quantizing():
    source, target = Tensor("a", 0, (1,), "int8", 0.1, 5), Tensor("b", 0, (1,), "int8", 0.25, -128)
    raw = np.arange(-128, 128, dtype=np.int8).reshape(4, 64)
    np.testing.assert_array_equal(Requantizer(source, target)(raw), target.quantize(source.dequantize(raw)))
    np.testing.assert_array_equal(Requantizer(source, FLOAT)(raw), source.dequantize(raw))
    assert Requantizer(source, source)(raw) is raw
    values = np.float32([0.0, 0.3, 99])
    np.testing.assert_array_equal(Requantizer(FLOAT, target)(values), target.quantize(values))


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
