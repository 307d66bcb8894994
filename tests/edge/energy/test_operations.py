"""Every count is written out, for a reader to check by hand: output * kernel * input channels."""

from pathlib import Path

import pytest

from edge.bundle import load_bundle
from edge.energy import operations
from edge.energy.graph import GraphTensor, Operator
from edge.energy.operations import ADD, COMPARE, MAC, MULTIPLY, Quantity, bundle_operations, count, total
from edge.errors import UserError

SHIPPED = Path(__file__).parents[3] / "models" / "cluttered_mnist"


def values(*shape, dtype="float32"):
    return GraphTensor(shape, dtype)


def weights(*shape, dtype="float32"):
    return GraphTensor(shape, dtype, constant=True)


def counted(name, inputs, output, **options):
    return count(Operator(name, tuple(inputs), (output,), **options))


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
    assert found.activation_bytes == sum(map(_product, [*inputs, output]))


def _product(shape):
    product = 1
    for size in shape:
        product *= size
    return product


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


def test_weights_are_dequantized_when_the_model_is_loaded():
    found = counted("DEQUANTIZE", [weights(16, 9, dtype="float16")], weights(16, 9))
    assert (found.arithmetic, found.weight_bytes, found.activation_bytes) == ({}, 0, 0)


def test_another_shape_for_the_same_bytes():
    found = counted("RESHAPE", [values(1, 4, 4), weights(2, dtype="int32")], values(1, 16))
    assert (found.arithmetic, found.weight_bytes, found.activation_bytes) == ({}, 0, 0)


def test_what_is_not_understood_is_never_nothing():
    unknown = counted("SOFTMAX", [values(1, 10)], values(1, 10))
    assert (unknown.arithmetic, unknown.multiply_accumulates, unknown.other_arithmetic) == (None, None, None)
    assert unknown.activation_bytes == 4 * (10 + 10)
    activation = counted("ADD", [values(4), values(4)], values(4), activation="TANH")
    assert activation.arithmetic is None
    open_shape = counted("RELU", [GraphTensor(None, "float32")], GraphTensor(None, "float32"))
    assert (open_shape.arithmetic, open_shape.activation_bytes) == (None, None)


def test_an_operator_without_an_output():
    found = count(Operator("ASSIGN_VARIABLE", (values(4),), ()))
    assert (found.dtype, found.shape, found.arithmetic, found.activation_bytes) == ("?", None, None, 4 * 4)


def test_a_damaged_model_is_told(monkeypatch):
    operators = (Operator("CONV_2D", (values(1, 4, 4, 1),), (values(1, 4, 4, 1),)),)
    monkeypatch.setattr(operations, "read_operators", lambda *args: operators)
    with pytest.raises(UserError, match=r"^fine.tflite has an operator without what it needs: .*; export the bundle"):
        operations.model_operations("fine", b"")


def test_sums_with_something_unknown_are_at_least():
    assert total([1, 2, 3]) == Quantity(6)
    assert total([1, None, 3]) == Quantity(4, at_least=True)
    assert total([]) == Quantity(0)
    assert f"{total([1000, None]):,}" == "at least 1,000"
    assert f"{Quantity(1000) * 2:,}" == "2,000"


@pytest.mark.parametrize("num_patches", [1, 8, 529])
def test_the_shipped_classifier_by_hand(num_patches):
    models = bundle_operations(load_bundle(SHIPPED), num_patches)
    top = 10 * 10 * 96 * 4 * 4 * 24 + 96 * 10
    patch = 12 * 12 * 24 * 3 * 3 * 1 + 12 * 12 * 24 * 3 * 3 * 24 + 2 * 6 * 6 * 24 * 3 * 3 * 24 + 1 * 1 * 24 * 3 * 3 * 24
    assert {name: model.multiply_accumulates for name, model in models.items()} == {
        "coarse": Quantity(47 * 47 * 12 * 7 * 7 * 1 + 23 * 23 * 24 * 3 * 3 * 12 + top),
        "fine": Quantity(num_patches * patch),
        "top": Quantity(top),
        "whole_fine": Quantity(
            98 * 98 * 24 * 3 * 3 * (1 + 24) + 2 * 49 * 49 * 24 * 3 * 3 * 24 + 22 * 22 * 24 * 3 * 3 * 24 + top
        ),
    }


@pytest.mark.parametrize("method", ["float32", "ptq"])
def test_the_sequence_model_by_hand(sequence_case, method):
    models = bundle_operations(getattr(sequence_case, method), 5)
    heads = 3 + 3 * 11
    assert {name: model.multiply_accumulates for name, model in models.items()} == {
        "coarse": Quantity(5 * 11 * 4 * 5 * 5 * 3 + 2 * 4 * 8 * 3 * 5 * 4 + 2 * 4 * 8 * heads),
        "fine": Quantity(5 * (14 * 14 * 8 * 3 * 3 * 3 + 1 * 1 * 12 * 3 * 3 * 8)),
        "top": Quantity(5 * 12 * heads),
        "whole_fine": Quantity(22 * 46 * 8 * 3 * 3 * 3 + 3 * 9 * 12 * 3 * 3 * 8 + 3 * 9 * 12 * heads),
    }


@pytest.mark.parametrize("method", ["float32", "ptq"])
def test_every_operator_of_a_bundle_is_understood(case, method):
    for model in bundle_operations(getattr(case, method)).values():
        for operation in model.operations:
            assert operation.arithmetic is not None, operation.name
            assert operation.activation_bytes is not None, operation.name


def test_the_number_of_patches_is_checked():
    bundle = load_bundle(SHIPPED)
    for wrong in (0, 530):
        with pytest.raises(UserError, match=f"must be 1 to 529, received {wrong}"):
            bundle_operations(bundle, wrong)
