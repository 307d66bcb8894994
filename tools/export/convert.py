"""Converts a graph to a .tflite file of builtin operators, and describes that file for the manifest."""

import re
import tempfile

import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.python.convert import ConverterError
from tensorflow.lite.tools import flatbuffer_utils

from edge.errors import UserError, one_line
from edge.network.interpreter import make_interpreter
from edge.quiet import quiet
from tools.export.graphs import Graph

PRECISIONS = ("float32", "float16", "int8")
FOREIGN = re.compile(r"^(?:TF Select|Flex|Custom) ops: (.+)$", re.MULTILINE)


def convert(graph: Graph, precision: str = "float32") -> bytes:
    """Returns the .tflite file of a graph; UserError where the graph needs an operator that is not a builtin one.

    Args:
        precision: 'float32'; 'float16', of weights alone, inputs and outputs stay float32; or 'int8', for graphs that
            round to ranges of their own.
    """
    with tempfile.TemporaryDirectory() as directory, quiet():
        tf.saved_model.save(graph, directory, signatures=graph.function.get_concrete_function())
        converter = tf.lite.TFLiteConverter.from_saved_model(directory)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        elif precision == "int8":
            converter.inference_input_type = converter.inference_output_type = tf.int8
        try:
            content = converter.convert()
        except ConverterError as error:
            raise _refusal(graph, FOREIGN.findall(str(error)), error) from error
    foreign = sorted(name for name in operators(content) if not hasattr(schema.BuiltinOperator, name))
    if foreign:
        raise _refusal(graph, foreign)
    return content


def _refusal(graph: Graph, foreign, error=None) -> UserError:
    if not foreign:
        return UserError(
            f"the {graph.name} model cannot be converted to TFLite: {one_line(error)}; try --method=float32"
        )
    return UserError(
        f"the {graph.name} model needs operators that TFLite has no builtin for: {', '.join(foreign)}; "
        "train a network without the layer or activation that brings them in"
    )


def operators(content: bytes) -> list[str]:
    """Returns the names of the operators that a model uses; a custom one under the name that it was given."""
    names = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    codes = [model.operatorCodes[used.opcodeIndex] for graph in model.subgraphs for used in graph.operators]
    return sorted(
        {
            code.customCode.decode() if code.customCode else names[max(code.builtinCode, code.deprecatedBuiltinCode)]
            for code in codes
        }
    )


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
