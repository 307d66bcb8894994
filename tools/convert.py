"""From a graph to a .tflite file of builtin operators, float32 or int8, and what the manifest says of it."""

import tempfile

import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from edge.interpreter import make_interpreter
from edge.quiet import quiet
from tools.graphs import Graph


def convert(graph: Graph, calibration=None) -> bytes:
    """Returns the .tflite file of a graph.

    Args:
        graph: see `tools.graphs.graphs`.
        calibration: real inputs, [N, ...] float32, for int8 by post-training quantization; float32 where None.

    Raises:
        RuntimeError: the graph needs an operator that is not a builtin one.
    """
    with tempfile.TemporaryDirectory() as directory, quiet():
        tf.saved_model.save(graph, directory, signatures=graph.function.get_concrete_function())
        converter = tf.lite.TFLiteConverter.from_saved_model(directory)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if calibration is not None:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.int8
            converter.representative_dataset = lambda: representative(calibration, graph)
        content = converter.convert()
    operators(content)
    return content


def representative(calibration, graph: Graph):
    """Yields calibration inputs in the graph's shape, as many at a time as its leading dimension."""
    size = graph.input_shape[0]
    for start in range(0, len(calibration) - size + 1, size):
        yield {graph.input_name: calibration[start : start + size]}


def operators(content: bytes) -> list[str]:
    """Returns the names of a model's operators; RuntimeError where one of them is not a builtin one."""
    names = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    found = [(max(code.builtinCode, code.deprecatedBuiltinCode), code.customCode) for code in model.operatorCodes]
    foreign = [custom.decode() if custom else "CUSTOM" for number, custom in found if names[number] == "CUSTOM"]
    if foreign:
        raise RuntimeError(f"the model needs operators that are not builtin: {', '.join(foreign)}")
    return sorted({names[number] for number, _ in found})


def model_entry(content: bytes) -> dict:
    """Returns what the manifest says of a model: inputs, outputs and operators, read from the file itself."""
    interpreter = make_interpreter(content)
    runner = interpreter.get_signature_runner()
    sides = {
        "inputs": (runner.get_input_details(), interpreter.get_input_details()),
        "outputs": (runner.get_output_details(), interpreter.get_output_details()),
    }
    entry = {}
    for side, (named, listed) in sides.items():
        entry[side] = [_tensor_entry(name, named[name], listed) for name in sorted(named)]
    return entry | {"operators": operators(content)}


def _tensor_entry(name, details, listed) -> dict:
    dtype = np.dtype(details["dtype"]).name
    scale, zero_point = details["quantization"] if dtype != "float32" else (1.0, 0)
    return {
        "name": name,
        "order": [other["index"] for other in listed].index(details["index"]),
        "shape": [int(n) for n in details["shape"]],
        "dtype": dtype,
        "scale": float(scale),
        "zero_point": int(zero_point),
    }
