"""The arithmetic of each operator: multiply-accumulates, additions, multiplications and comparisons, by type.

One multiply-accumulate is counted per weight and output position, as `dcn_tf.cost` counts its multiplications, padding
included. Counted apart are a bias (one addition), an activation (a comparison), the way back from 32 bits to int8 (a
multiplication and an addition in int32 for each output), poolings, and sums of maps. A window that reaches beyond the
border counts in full. A DEQUANTIZE of weights is done once, when the model is loaded, and counts nothing.
"""

import math
from collections import Counter

from edge.energy.graph import Operator

QUANTIZED = ("int8", "uint8", "int16", "int4")
ACCUMULATOR = {"int8": "int32", "uint8": "int32", "int4": "int32", "int16": "int64"}
COMPARISONS = {"NONE": 0, "RELU": 1, "RELU6": 2, "RELU_N1_TO_1": 2}  # of an activation, for each output
MAC, ADD, MULTIPLY, COMPARE = "multiply_accumulate", "add", "multiply", "compare"


def arithmetic(operator: Operator) -> dict | None:
    """Returns what an operator computes, (kind, dtype) -> how often, or None where it is not understood."""
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


def _accumulator(tensor) -> str:
    """Returns the type that sums of a tensor's values have."""
    return ACCUMULATOR.get(tensor.dtype, tensor.dtype)


def _multiply_accumulates(operator, number):
    """Returns so many multiply-accumulates of input and weights, the bias, and the way back to the output's type."""
    values, weights = operator.inputs[:2]
    output = operator.outputs[0]
    dtype = values.dtype if values.dtype == weights.dtype else f"{values.dtype} x {weights.dtype}"
    bias = len(operator.inputs) > 2 and operator.inputs[2] is not None
    return Counter({(MAC, dtype): number, (ADD, _accumulator(values)): output.elements * bias}) + _requantize(output)


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


def _batch_matmul(operator):
    # However the first of the two is turned, each value of it meets every column of the result.
    return _multiply_accumulates(operator, operator.inputs[0].elements * operator.outputs[0].shape[-1])


def _of_each_output(*kinds, times: int = 1):
    """Returns a function: operator -> so many operations of each kind for each output, in the output's type."""

    def count(operator):
        output = operator.outputs[0]
        return Counter({(kind, output.dtype): times * output.elements for kind in kinds})

    return count


def _summed(kind, requantized: int = 0):
    """Returns a function: operator -> one operation for each output, in the type of sums, and the way back from it."""

    def count(operator):
        output = operator.outputs[0]
        return Counter({(kind, _accumulator(output)): output.elements}) + _requantize(output, requantized)

    return count


def _max_pool(operator):
    return _of_each_output(COMPARE, times=math.prod(operator.window) - 1)(operator)


def _average_pool(operator):
    output, accumulator = operator.outputs[0], _accumulator(operator.outputs[0])
    additions = output.elements * (math.prod(operator.window) - 1)
    return Counter({(ADD, accumulator): additions, (MULTIPLY, accumulator): output.elements})


def _reduce_by_comparing(operator):
    values, output = operator.inputs[0], operator.outputs[0]
    return Counter({(COMPARE, output.dtype): values.elements - output.elements})


def _reduce_by_adding(operator):
    values, output = operator.inputs[0], operator.outputs[0]
    return Counter({(ADD, _accumulator(output)): values.elements - output.elements}) + _requantize(output)


def _mean(operator):
    output = operator.outputs[0]
    division = output.elements * (output.dtype not in QUANTIZED)  # which else is part of the scale
    return _reduce_by_adding(operator) + Counter({(MULTIPLY, output.dtype): division})


def _change_scale(operator):
    """A QUANTIZE or DEQUANTIZE: scale and zero point, in float32 where one side is."""
    values, output = operator.inputs[0], operator.outputs[0]
    if values.dtype in QUANTIZED and output.dtype in QUANTIZED:
        return _requantize(output)
    if {values.dtype, output.dtype} - {"float32", *QUANTIZED}:
        return Counter({(MULTIPLY, f"{values.dtype} to {output.dtype}"): output.elements})
    return Counter({(MULTIPLY, "float32"): output.elements, (ADD, "float32"): output.elements})


VIEWS = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")  # the same bytes under another shape
COPIES = (
    "CONCATENATION", "DEPTH_TO_SPACE", "GATHER", "PACK", "PAD", "PADV2", "SLICE", "SPACE_TO_DEPTH", "SPLIT",
    "STRIDED_SLICE", "TRANSPOSE", "UNPACK",
)  # fmt: skip
ARITHMETIC = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "BATCH_MATMUL": _batch_matmul,
    "MAX_POOL_2D": _max_pool,
    "AVERAGE_POOL_2D": _average_pool,
    "REDUCE_MAX": _reduce_by_comparing,
    "REDUCE_MIN": _reduce_by_comparing,
    "SUM": _reduce_by_adding,
    "MEAN": _mean,
    "CUMSUM": _summed(ADD),
    "LOGISTIC": _of_each_output(MULTIPLY, ADD, times=6),  # a polynomial of the fifth degree and a division: XNNPACK's
    **dict.fromkeys(("ADD", "SUB"), _summed(ADD, requantized=3)),  # both inputs, and the output
    "MUL": _summed(MULTIPLY, requantized=1),
    **dict.fromkeys(("MAXIMUM", "MINIMUM", "RELU"), _of_each_output(COMPARE)),
    "RELU6": _of_each_output(COMPARE, times=2),
    "QUANTIZE": _change_scale,
    "DEQUANTIZE": _change_scale,
    **dict.fromkeys(VIEWS + COPIES, _of_each_output()),
}
