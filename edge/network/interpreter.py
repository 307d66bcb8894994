"""A TFLite interpreter, whichever is installed, and a model that takes raw or real values through it.

Nothing else in this package imports a runtime.
"""

import functools
import importlib
from collections import OrderedDict

import numpy as np

from edge.arguments import MOST_THREADS
from edge.bundle.manifest import ModelFile
from edge.bundle.tensors import Tensor
from edge.errors import UserError, one_line
from edge.network.patches import laid_out_shape
from edge.quiet import quiet

RUNTIMES = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter", "tensorflow.lite")


def make_interpreter(content: bytes, num_threads: int = 1, name: str = "the model"):
    """Returns an interpreter of ai-edge-litert, else of tflite-runtime, else of TensorFlow.

    Args:
        content: of a .tflite file.
        num_threads: threads of one inference.
        name: what to call the model where it fails.

    Raises:
        UserError: no runtime is installed, or it cannot run the model; or there are too many threads.
    """
    if not 1 <= num_threads <= MOST_THREADS:
        raise UserError(f"threads must be from 1 to {MOST_THREADS}, received {num_threads}; choose one in that range")
    try:
        with quiet():
            interpreter = _runtime().Interpreter(model_content=content, num_threads=num_threads)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:  # not a model, or an operator that this runtime lacks
        raise UserError(
            f"{name} cannot be run by this TFLite runtime: {one_line(error)}; "
            "update the runtime (pip install --upgrade ai-edge-litert) or export the bundle again"
        ) from error
    return interpreter


@functools.lru_cache(64)
def shapes_at(content: bytes, input_shape: tuple) -> tuple:
    """Returns the shapes of a model's tensors, by their place in the file, where its input is of a shape."""
    runtime = _runtime()
    resolvers = getattr(runtime, "OpResolverType", None) or runtime.experimental.OpResolverType
    with quiet():  # a delegate would keep the shapes of what is inside it to itself
        interpreter = runtime.Interpreter(
            model_content=content, experimental_op_resolver_type=resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        )
        interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], input_shape)
        interpreter.allocate_tensors()
    details = {tensor["index"]: tuple(map(int, tensor["shape"])) for tensor in interpreter.get_tensor_details()}
    return tuple(details.get(index) for index in range(max(details) + 1))


def _runtime():
    for name in RUNTIMES:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise UserError("no TFLite runtime is installed; install one with: pip install ai-edge-litert")


class Model:
    """One .tflite model of a bundle: one input, and outputs by name.

    Args:
        content: of the .tflite file.
        described: the manifest's description of it.
        num_threads: threads of one inference.
        name: what to call it where it fails.
        most_shapes: input shapes that an interpreter is kept for: those used last.

    Raises:
        UserError: the runtime cannot run the file, or the file is not what the manifest describes.
    """

    def __init__(
        self,
        content: bytes,
        described: ModelFile,
        num_threads: int = 1,
        name: str = "the model",
        most_shapes: int = 16,
    ):
        self._most_shapes = most_shapes
        self._make = functools.partial(make_interpreter, content, num_threads, name)
        interpreter = self._make()
        self.layout, self.input, self.outputs = described.layout, described.input, described.outputs
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        self._input_index = _matching_index(self.input, inputs)
        self._output_indices = [(tensor.name, _matching_index(tensor, outputs)) for tensor in self.outputs]
        self._by_name = {tensor.name: tensor for tensor in self.outputs}
        self._interpreters = OrderedDict({self.input.shape: interpreter})

    def laid_out(self, shape) -> tuple:
        """Returns the shape that an image or patch, (height, width, channels), has in the model's layout."""
        return laid_out_shape(self.layout, shape)

    def output(self, name: str) -> Tensor:
        """Returns the description of the named output; UserError where there is none."""
        if name not in self._by_name:
            raise UserError(f"a model of the bundle has no output {name!r}; export the bundle again")
        return self._by_name[name]

    def invoke(self, raw_input) -> dict:
        """Runs the model on raw values: [n, ...] of the input's dtype -> {name: raw output}.

        Each input shape has an interpreter of its own, made at its first use.
        """
        interpreter = self._of_shape(raw_input.shape)
        interpreter.set_tensor(self._input_index, raw_input)
        interpreter.invoke()
        return {name: interpreter.get_tensor(index) for name, index in self._output_indices}

    def output_shape(self, name: str, input_shape) -> tuple[int, ...]:
        """Returns the shape of the named output for inputs of a shape."""
        details = self._of_shape(input_shape).get_output_details()
        return tuple(map(int, details[self._by_name[name].order]["shape"]))

    def _of_shape(self, shape):
        interpreter = self._interpreters.get(shape)
        if interpreter is None:
            full = len(self._interpreters) >= self._most_shapes
            interpreter = self._interpreters.popitem(last=False)[1] if full else self._make()
            interpreter.resize_tensor_input(self._input_index, shape)
            interpreter.allocate_tensors()
            self._interpreters[shape] = interpreter
        else:
            self._interpreters.move_to_end(shape)
        return interpreter

    def __call__(self, values) -> dict:
        """Runs the model on real values, and returns real values by name."""
        raw = self.invoke(self.input.quantize(values))
        return {name: self._by_name[name].dequantize(value) for name, value in raw.items()}


def _matching_index(tensor: Tensor, details: list) -> int:
    """Returns the interpreter's index of a tensor; UserError where the model has another than the manifest."""
    if tensor.order < len(details):
        found = details[tensor.order]
        described = (tensor.shape, tensor.dtype, (tensor.scale, tensor.zero_point) if tensor.quantized else (0, 0))
        if described == (tuple(found["shape"]), np.dtype(found["dtype"]).name, tuple(found["quantization"])):
            return found["index"]
    raise UserError(
        f"the manifest's tensor {tensor.name!r} ({tensor.dtype}, shape {list(tensor.shape)}, scale {tensor.scale:g}, "
        f"zero point {tensor.zero_point}) is not in its model file; export the bundle again"
    )
