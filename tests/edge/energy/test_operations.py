"""Every count is written out, for a reader to check by hand: output * kernel * input channels."""

from pathlib import Path

import pytest
from graph_parts import counted, values, weights

from edge.bundle import load_bundle
from edge.energy import operations
from edge.energy.graph import GraphTensor, Operator
from edge.energy.operations import Quantity, bundle_operations, count, total
from edge.errors import UserError

SHIPPED = Path(__file__).parents[3] / "models" / "cluttered_mnist"


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
    window = 96 * 4 * 4 * 24
    top = 10 * 10 * window
    patch = 12 * 12 * 24 * 3 * 4 * 1 + 12 * 12 * 24 * 3 * 3 * 24 + 2 * 6 * 6 * 24 * 3 * 3 * 24 + 1 * 1 * 24 * 3 * 3 * 24
    assert {name: model.multiply_accumulates for name, model in models.items()} == {
        "coarse": Quantity(47 * 24 * (2 * 12) * 7 * 9 * 1 + 23 * 23 * 24 * 3 * 3 * 12 + top),
        "fine": Quantity(num_patches * patch),
        "top": Quantity(min(4 * num_patches, 100) * window),
        "whole_fine": Quantity(
            98 * 98 * 24 * 3 * (1 * 4 + 3 * 24) + (2 * 49 * 49 + 22 * 22) * 24 * 3 * 3 * 24 + top + 96 * 10
        ),
    }


@pytest.mark.parametrize("method", ["float32", "ptq"])
def test_the_sequence_model_by_hand(sequence_case, method):
    models = bundle_operations(getattr(sequence_case, method), 5)
    heads = 3 + 3 * 11  # three places of the coarse model share 9 pixels of a row, which makes 12 places of its 11
    assert {name: model.multiply_accumulates for name, model in models.items()} == {
        "coarse": Quantity(5 * 4 * (3 * 4) * 5 * 9 * 3 + 2 * 4 * 8 * 3 * 5 * 4 + 2 * 4 * 8 * heads),
        "fine": Quantity(5 * (14 * 14 * 8 * 3 * 4 * 3 + 1 * 1 * 12 * 3 * 3 * 8)),
        "top": Quantity(5 * 12 * heads),
        "whole_fine": Quantity(22 * 46 * 8 * 3 * 4 * 3 + 3 * 9 * 12 * 3 * 3 * 8 + 3 * 9 * 12 * heads),
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
