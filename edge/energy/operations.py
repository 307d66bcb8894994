"""What the operators of a model do: multiply-accumulates and other arithmetic, and the bytes that they read and write.

One multiply-accumulate is counted per weight and output position, as `dcn_tf.cost` counts its multiplications, padding
included. Counted apart are a bias (one addition), an activation (a comparison), the way back from 32 bits to int8 (a
multiplication and an addition in int32 for each output), poolings, and sums of maps. A window that reaches beyond the
border counts in full. A DEQUANTIZE of weights is done once, when the model is loaded, and counts nothing.

An operator that is not listed here has `None` for what it does, which is printed as "?", and sums over it are "at
least".
"""

import math
from collections import Counter
from dataclasses import dataclass

from edge.bundle import Bundle, model_file_name
from edge.energy.graph import GraphTensor, Operator, read_operators
from edge.errors import UserError, one_line
from edge.manifest import SEQUENCE

QUANTIZED = ("int8", "uint8", "int16", "int4")
ACCUMULATOR = {"int8": "int32", "uint8": "int32", "int4": "int32", "int16": "int64"}
COMPARISONS = {"NONE": 0, "RELU": 1, "RELU6": 2, "RELU_N1_TO_1": 2}  # of an activation, for each output
MAC, ADD, MULTIPLY, COMPARE = "multiply_accumulate", "add", "multiply", "compare"


@dataclass(frozen=True)
class Quantity:
    """A sum, and whether something unknown is left out of it."""

    value: float = 0
    at_least: bool = False

    @classmethod
    def of(cls, value) -> "Quantity":
        """Returns a known value, or for None the unknown."""
        return cls(0, True) if value is None else cls(value)

    def __add__(self, other):
        return Quantity(self.value + other.value, self.at_least or other.at_least)

    def __mul__(self, factor):
        return Quantity(self.value * factor, self.at_least)

    def __format__(self, spec):
        return ("at least " if self.at_least else "") + format(self.value, spec)


def total(values) -> Quantity:
    """Returns the sum of values, where None is one that is not known."""
    return sum(map(Quantity.of, values), Quantity())


@dataclass(frozen=True)
class Operation:
    """What one operator does.

    Attributes:
        name: of the operator.
        dtype, shape: of its first output.
        arithmetic: (kind, dtype) -> how often; None where the operator is not understood.
        weight_bytes: of its constant inputs: weights, biases, and what a reduction or a padding is told.
        activation_bytes: of the rest of its inputs and of its outputs. None where not known; so too `weight_bytes`.
    """

    name: str
    dtype: str
    shape: tuple | None
    arithmetic: dict | None
    weight_bytes: int | None
    activation_bytes: int | None

    @property
    def multiply_accumulates(self) -> int | None:
        """Of all types; None where the operator is not understood."""
        return self._sum(lambda kind: kind == MAC)

    @property
    def other_arithmetic(self) -> int | None:
        """Additions, multiplications and comparisons beside them."""
        return self._sum(lambda kind: kind != MAC)

    def _sum(self, wanted):
        return None if self.arithmetic is None else sum(n for (kind, _), n in self.arithmetic.items() if wanted(kind))


@dataclass(frozen=True)
class ModelOperations:
    """What one run of a model does.

    Attributes:
        name: of the model in its bundle.
        operations: in the order in which they run.
    """

    name: str
    operations: tuple[Operation, ...]

    @property
    def multiply_accumulates(self) -> Quantity:
        """Of all operators."""
        return total(operation.multiply_accumulates for operation in self.operations)

    @property
    def other_arithmetic(self) -> Quantity:
        """Of all operators."""
        return total(operation.other_arithmetic for operation in self.operations)

    @property
    def weight_bytes(self) -> Quantity:
        """Of all operators."""
        return total(operation.weight_bytes for operation in self.operations)

    @property
    def activation_bytes(self) -> Quantity:
        """Read and written by all operators."""
        return total(operation.activation_bytes for operation in self.operations)


def bundle_operations(bundle: Bundle, num_patches: int | None = None) -> dict[str, ModelOperations]:
    """Returns what each model of a bundle does for one image, by the model's name.

    Args:
        bundle: see `edge.bundle.load_bundle`.
        num_patches: k; the bundle's own where None.

    Raises:
        UserError: k is out of range, or a model cannot be read.
    """
    manifest = bundle.manifest
    num_patches = manifest["num_patches"] if num_patches is None else num_patches
    most = math.prod(manifest["cells"]["map"])
    if not 1 <= num_patches <= most:
        raise UserError(f"the number of patches must be 1 to {most}, received {num_patches}")
    per_patch = ("fine", "top") if manifest["task"] == SEQUENCE else ("fine",)
    return {
        name: model_operations(name, bundle.model(name), num_patches if name in per_patch else None)
        for name in manifest["models"]
    }


def model_operations(name: str, content: bytes, leading: int | None = None) -> ModelOperations:
    """Returns what a model does; see `edge.energy.graph.read_operators`."""
    operators = read_operators(content, leading, model_file_name(name))
    try:
        return ModelOperations(name, tuple(map(count, operators)))
    except (
        IndexError,
        TypeError,
        AttributeError,
    ) as error:  # as a pooling without a window
        raise UserError(
            f"{model_file_name(name)} has an operator without what it needs: {one_line(error)}; export the bundle again"
        ) from error


def count(operator: Operator) -> Operation:
    """Returns what one operator does."""
    output = operator.outputs[0] if operator.outputs else GraphTensor(None, "?")
    inputs = [tensor for tensor in operator.inputs if tensor is not None]
    moved = [tensor for tensor in inputs if not tensor.constant] + list(operator.outputs)
    constants = [tensor for tensor in inputs if tensor.constant]
    if operator.name in VIEWS or output.constant:
        moved, constants = [], []
    return Operation(operator.name, output.dtype, output.shape, _arithmetic(operator), _bytes(constants), _bytes(moved))


def _bytes(tensors) -> int | None:
    sizes = [tensor.bytes for tensor in tensors]
    return None if None in sizes else sum(sizes)


def _arithmetic(operator) -> dict | None:
    if operator.name not in ARITHMETIC:
        return None
    known = (tensor for tensor in (*operator.inputs, *operator.outputs) if tensor is not None)
    if operator.activation not in COMPARISONS or any(tensor.shape is None for tensor in known):
        return None
    if operator.outputs[0].constant:
        return {}
    output = operator.outputs[0]
    activation = Counter({(COMPARE, output.dtype): output.elements * COMPARISONS[operator.activation]})
    return dict(ARITHMETIC[operator.name](operator) + activation)


def _multiply_accumulates(operator, number):
    """Returns so many multiply-accumulates of input and weights, the bias, and the way back to the output's type."""
    values, output = operator.inputs[0], operator.outputs[0]
    weights = operator.inputs[1]
    dtype = values.dtype if values.dtype == weights.dtype else f"{values.dtype} x {weights.dtype}"
    bias = len(operator.inputs) > 2 and operator.inputs[2] is not None
    accumulator = ACCUMULATOR.get(values.dtype, values.dtype)
    return Counter({(MAC, dtype): number, (ADD, accumulator): output.elements * bias}) + _requantize(output)


def _requantize(tensor, times: int = 1) -> Counter:
    """Returns what it takes to bring a 32-bit number to the tensor's type: scale and zero point, for each value."""
    if tensor.dtype not in QUANTIZED:
        return Counter()
    return Counter({(MULTIPLY, "int32"): tensor.elements * times, (ADD, "int32"): tensor.elements * times})


def _convolution(operator):
    return _multiply_accumulates(operator, operator.outputs[0].elements * math.prod(operator.inputs[1].shape[1:]))


def _depthwise(operator):
    return _multiply_accumulates(operator, operator.outputs[0].elements * math.prod(operator.inputs[1].shape[1:3]))


def _fully_connected(operator):
    return _multiply_accumulates(operator, operator.outputs[0].elements * operator.inputs[1].shape[-1])


def _max_pool(operator):
    output = operator.outputs[0]
    return Counter({(COMPARE, output.dtype): output.elements * (math.prod(operator.window) - 1)})


def _average_pool(operator):
    output = operator.outputs[0]
    accumulator = ACCUMULATOR.get(output.dtype, output.dtype)
    additions = output.elements * (math.prod(operator.window) - 1)
    return Counter({(ADD, accumulator): additions, (MULTIPLY, accumulator): output.elements})


def _reduce_by_comparing(operator):
    values, output = operator.inputs[0], operator.outputs[0]
    return Counter({(COMPARE, output.dtype): values.elements - output.elements})


def _reduce_by_adding(operator):
    values, output = operator.inputs[0], operator.outputs[0]
    accumulator = ACCUMULATOR.get(output.dtype, output.dtype)
    return Counter({(ADD, accumulator): values.elements - output.elements}) + _requantize(output)


def _mean(operator):
    output = operator.outputs[0]
    division = output.elements * (output.dtype not in QUANTIZED)  # which else is part of the scale
    return _reduce_by_adding(operator) + Counter({(MULTIPLY, output.dtype): division})


def _add(operator):
    output = operator.outputs[0]
    accumulator = ACCUMULATOR.get(output.dtype, output.dtype)
    return Counter({(ADD, accumulator): output.elements}) + _requantize(output, times=3)  # both inputs, and the output


def _multiply(operator):
    output = operator.outputs[0]
    return Counter({(MULTIPLY, ACCUMULATOR.get(output.dtype, output.dtype)): output.elements}) + _requantize(output)


def _compare(operator):
    output = operator.outputs[0]
    return Counter({(COMPARE, output.dtype): output.elements})


def _clip(operator):
    return _compare(operator) + _compare(operator)


def _change_scale(operator):
    """A QUANTIZE or DEQUANTIZE: scale and zero point, in float32 where one side is."""
    values, output = operator.inputs[0], operator.outputs[0]
    if values.dtype in QUANTIZED and output.dtype in QUANTIZED:
        return _requantize(output)
    if {values.dtype, output.dtype} - {"float32", *QUANTIZED}:
        return Counter({(MULTIPLY, f"{values.dtype} to {output.dtype}"): output.elements})
    return Counter({(MULTIPLY, "float32"): output.elements, (ADD, "float32"): output.elements})


def _nothing(operator):
    return Counter()


VIEWS = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")  # the same bytes under another shape
COPIES = (
    "CONCATENATION", "DEPTH_TO_SPACE", "GATHER", "PACK", "PAD", "PADV2", "SLICE", "SPACE_TO_DEPTH", "SPLIT",
    "STRIDED_SLICE", "TRANSPOSE", "UNPACK",
)  # fmt: skip
ARITHMETIC = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "MAX_POOL_2D": _max_pool,
    "AVERAGE_POOL_2D": _average_pool,
    "REDUCE_MAX": _reduce_by_comparing,
    "REDUCE_MIN": _reduce_by_comparing,
    "SUM": _reduce_by_adding,
    "MEAN": _mean,
    "ADD": _add,
    "SUB": _add,
    "MUL": _multiply,
    "MAXIMUM": _compare,
    "MINIMUM": _compare,
    "RELU": _compare,
    "RELU6": _clip,
    "QUANTIZE": _change_scale,
    "DEQUANTIZE": _change_scale,
    **dict.fromkeys(VIEWS + COPIES, _nothing),
}
