"""The error that int8 brings to every layer: the signal-to-noise ratio of its output against the float model's."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from dcn_tf.descriptions import weighted_layers
from edge.bundle.tensors import Tensor
from edge.quiet import quiet
from tools.export.tops import top_of

OPERATORS = schema.BuiltinOperator
WEIGHTED = (OPERATORS.CONV_2D, OPERATORS.DEPTHWISE_CONV_2D, OPERATORS.FULLY_CONNECTED)
GREATEST = 200.0  # dB; where nothing is lost


def layer_errors(architecture, float_files: dict, files: dict, inputs: dict) -> list[dict]:
    """Returns {'model', 'layer', 'snr_db'} of every layer with weights, the worst first.

    The convolution of a classifier's top counts by its positive outputs alone: the ReLU behind it drops the others, and
    int8 has no room for them.

    Args:
        float_files, files: model name -> .tflite file.
        inputs: model name -> real inputs, [N, ...] float32, N a multiple of the model's leading dimension.
    """
    names, errors = layer_names(architecture), []
    for model in files:
        expected = weighted_outputs(float_files[model], inputs[model])
        found = weighted_outputs(files[model], inputs[model])
        for name, *outputs in zip(names[model], expected, found, strict=True):
            if name == "top/conv":
                outputs = [np.maximum(values, 0) for values in outputs]
            errors.append({"model": model, "layer": name, "snr_db": round(signal_to_noise(*outputs), 2)})
    return sorted(errors, key=lambda error: error["snr_db"])


def layer_names(architecture) -> dict[str, list[str]]:
    """Returns the layers with weights of each model, in their order, named as in `tools.export.folding`."""
    stacks = {
        stack: [f"{stack}/{path}" for path, _ in weighted_layers(getattr(architecture, stack))]
        for stack in ("coarse", "fine")
    }
    tops = top_of(architecture).LAYERS
    return {
        "coarse": stacks["coarse"] + tops["coarse"],
        "fine": stacks["fine"],
        "top": tops["top"],
        "whole_fine": stacks["fine"] + tops["whole_fine"],
    }


def signal_to_noise(expected, found) -> float:
    """Returns the ratio of the power of `expected` to that of the difference, in dB, at most `GREATEST`."""
    noise = np.square(expected - found, dtype=np.float64).sum()
    signal = np.square(expected, dtype=np.float64).sum()
    return float(min(GREATEST, 10 * np.log10((signal + 1e-30) / (noise + 1e-30))))


def weighted_outputs(content: bytes, inputs) -> list[np.ndarray]:
    """Returns what each convolution and dense layer of a model gives, in real values, in the order that they run."""
    graph = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in graph.operatorCodes]
    indices = [o.outputs[0] for o in graph.subgraphs[0].operators if codes[o.opcodeIndex] in WEIGHTED]
    with quiet():
        interpreter = Interpreter(
            model_content=content,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        interpreter.allocate_tensors()
    tensors = {tensor["index"]: _tensor(tensor) for tensor in interpreter.get_tensor_details()}
    (entrance,) = (tensor["index"] for tensor in interpreter.get_input_details())
    size = tensors[entrance].shape[0]
    seen = []
    for start in range(0, len(inputs) - size + 1, size):
        interpreter.set_tensor(entrance, tensors[entrance].quantize(inputs[start : start + size]))
        interpreter.invoke()
        seen.append([tensors[index].dequantize(interpreter.get_tensor(index)) for index in indices])
    return [np.stack(outputs) for outputs in zip(*seen)]


def _tensor(details) -> Tensor:
    scale, zero_point = details["quantization"]
    return Tensor(details["name"], 0, tuple(details["shape"]), np.dtype(details["dtype"]).name, scale, zero_point)
