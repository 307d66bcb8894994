"""Every count is written out, for a reader to check by hand: output * kernel * input channels."""

import math

import pytest
from graph_parts import counted, values, weights

from edge.energy.arithmetic import ADD, COMPARE, MAC, MULTIPLY


def test_convolution_in_float32():
    found = counted(
        "CONV_2D", [values(1, 32, 32, 3), weights(16, 3, 3, 3), weights(16)], values(1, 30, 30, 16), activation="RELU"
    )
    assert found.arithmetic == {
        (MAC, "float32"): 30 * 30 * 16 * 3 * 3 * 3,
        (ADD, "float32"): 30 * 30 * 16,
        (COMPARE, "float32"): 30 * 30 * 16,
    }
    assert found.weight_bytes == 4 * (16 * 3 * 3 * 3 + 16)
    assert found.activation_bytes == 4 * (32 * 32 * 3 + 30 * 30 * 16)


def test_convolution_in_int8():
    tensors = [values(2, 9, 9, 4, dtype="int8"), weights(8, 5, 5, 4, dtype="int8"), weights(8, dtype="int32")]
    found = counted("CONV_2D", tensors, values(2, 3, 3, 8, dtype="int8"), activation="RELU6")
    assert found.arithmetic == {
        (MAC, "int8"): 2 * 3 * 3 * 8 * 5 * 5 * 4,
        (ADD, "int32"): 2 * (2 * 3 * 3 * 8),  # bias, zero point
        (MULTIPLY, "int32"): 2 * 3 * 3 * 8,  # scale
        (COMPARE, "int8"): 2 * (2 * 3 * 3 * 8),
    }
    assert found.multiply_accumulates == 2 * 3 * 3 * 8 * 5 * 5 * 4
    assert found.other_arithmetic == 5 * (2 * 3 * 3 * 8)
    assert found.weight_bytes == 8 * 5 * 5 * 4 + 8 * 4
    assert found.activation_bytes == 2 * 9 * 9 * 4 + 2 * 3 * 3 * 8


def test_depthwise_and_grouped_convolutions():
    depthwise = counted(
        "DEPTHWISE_CONV_2D", [values(1, 32, 32, 3), weights(1, 3, 3, 6), weights(6)], values(1, 30, 30, 6)
    )
    assert depthwise.multiply_accumulates == 30 * 30 * 6 * 3 * 3
    grouped = counted("CONV_2D", [values(1, 8, 8, 6), weights(4, 3, 3, 3), None], values(1, 6, 6, 4))
    assert grouped.arithmetic == {(MAC, "float32"): 6 * 6 * 4 * 3 * 3 * 3}  # half of the channels each, no bias


def test_fully_connected_of_vectors_and_of_maps():
    vectors = counted("FULLY_CONNECTED", [values(3, 24), weights(10, 24), weights(10)], values(3, 10))
    assert vectors.multiply_accumulates == 3 * 24 * 10
    cells = counted("FULLY_CONNECTED", [values(1, 2, 4, 8), weights(36, 8), weights(36)], values(1, 2, 4, 36))
    assert cells.multiply_accumulates == 2 * 4 * 8 * 36


def test_weights_of_another_type_than_the_values():
    found = counted("FULLY_CONNECTED", [values(1, 8), weights(4, 8, dtype="int8")], values(1, 4))
    assert found.arithmetic == {(MAC, "float32 x int8"): 8 * 4}


@pytest.mark.parametrize(
    ("name", "inputs", "output", "window", "arithmetic"),
    [
        ("MAX_POOL_2D", [(1, 8, 8, 5)], (1, 4, 4, 5), (2, 2), {(COMPARE, "int8"): 4 * 4 * 5 * (2 * 2 - 1)}),
        ("AVERAGE_POOL_2D", [(1, 6, 6, 5)], (1, 2, 2, 5), (3, 3),
         {(ADD, "int32"): 2 * 2 * 5 * (3 * 3 - 1), (MULTIPLY, "int32"): 2 * 2 * 5}),
        ("REDUCE_MAX", [(1, 10, 10, 96)], (1, 96), None, {(COMPARE, "int8"): 10 * 10 * 96 - 96}),
        ("SUM", [(1, 10, 96)], (1, 96), None, {(ADD, "int32"): 10 * 96 - 96 + 96, (MULTIPLY, "int32"): 96}),
        ("MEAN", [(1, 10, 96)], (1, 96), None, {(ADD, "int32"): 10 * 96 - 96 + 96, (MULTIPLY, "int32"): 96}),
        ("ADD", [(1, 7), (1, 7)], (1, 7), None, {(ADD, "int32"): 7 + 3 * 7, (MULTIPLY, "int32"): 3 * 7}),
        ("MUL", [(1, 7), (1, 7)], (1, 7), None, {(ADD, "int32"): 7, (MULTIPLY, "int32"): 7 + 7}),
        ("QUANTIZE", [(1, 7)], (1, 7), None, {(ADD, "int32"): 7, (MULTIPLY, "int32"): 7}),
        ("MAXIMUM", [(1, 7), (1, 7)], (1, 7), None, {(COMPARE, "int8"): 7}),
        ("RELU", [(1, 7)], (1, 7), None, {(COMPARE, "int8"): 7}),
        ("RELU6", [(1, 7)], (1, 7), None, {(COMPARE, "int8"): 2 * 7}),
        ("PAD", [(1, 7, 7, 2)], (1, 9, 9, 2), None, {}),
        ("SPACE_TO_DEPTH", [(1, 8, 8, 1)], (1, 2, 2, 16), None, {}),
    ],
)  # fmt: skip
def test_other_operators_in_int8(name, inputs, output, window, arithmetic):
    found = counted(
        name, [values(*shape, dtype="int8") for shape in inputs], values(*output, dtype="int8"), window=window
    )
    assert found.arithmetic == arithmetic
    assert found.multiply_accumulates == 0
    assert found.activation_bytes == sum(map(math.prod, [*inputs, output]))


@pytest.mark.parametrize(
    ("name", "arithmetic"),
    [
        ("MEAN", {(ADD, "float32"): 10 * 96 - 96, (MULTIPLY, "float32"): 96}),
        ("SUM", {(ADD, "float32"): 10 * 96 - 96}),
    ],
)
def test_reductions_in_float32(name, arithmetic):
    assert counted(name, [values(10, 96), weights(1, dtype="int32")], values(96)).arithmetic == arithmetic


def test_to_and_from_float32():
    for before, after in (("float32", "int8"), ("int8", "float32")):
        found = counted("QUANTIZE", [values(9, dtype=before)], values(9, dtype=after))
        assert found.arithmetic == {(MULTIPLY, "float32"): 9, (ADD, "float32"): 9}
