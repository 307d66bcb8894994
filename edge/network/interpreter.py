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


class InPlace:
    """An interpreter of one input shape whose tensors are read and written where they lie.

    A model of fixed shapes has each of them in one place for as long as its interpreter is not given another shape.

    Args:
        interpreter: that is given none any more.
        input_index: of its input.
        output_indices: (name, index) of each output.
        seen_as: the shape that the input is seen in.

    Attributes:
        input: memory of the raw input, to be written to; a memoryview, which costs C less than an array.
        outputs: name -> array of the raw output; each run writes to it anew.
        memory: name -> the same as memoryviews.
        run: function without arguments that runs the model.
    """

    def __init__(self, interpreter, input_index, output_indices, seen_as):
        indices = [input_index, *(index for _, index in output_indices)]
        interpreter.invoke()  # what the runtime lays out at first use has its place from here on
        taken, *given = (_at(interpreter, index) for index in indices)
        self.input = memoryview(taken.reshape(seen_as))
        self.outputs = {name: array for (name, _), array in zip(output_indices, given)}
        self.memory = {name: memoryview(array) for name, array in self.outputs.items()}
        # The public method counts who else knows the tensors. Those above have been told not to be counted.
        self.run = getattr(getattr(interpreter, "_interpreter", None), "Invoke", interpreter.invoke)


class _Place:
    """Where a tensor lies; keeps the interpreter, but is none of those that its `invoke` refuses to run beside."""

    def __init__(self, interpreter, index):
        self.interpreter, self.__array_interface__ = interpreter, interpreter.tensor(index)().__array_interface__


def _at(interpreter, index) -> np.ndarray:
    return np.asarray(_Place(interpreter, index))


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
        self._in_place = OrderedDict()

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

    def in_place(self, shape, seen_as=None) -> InPlace:
        """Returns an interpreter for raw inputs of a shape, to be used in place; kept as those of `invoke` are.

        Args:
            shape: with the number of images, patches or vectors in front.
            seen_as: another shape of as many values, to write them in; always the same for a shape.
        """
        found = self._in_place.get(shape)
        if found is None:
            interpreter = self._interpreters.pop(shape, None) or self._of_another_shape(shape)
            indices = self._input_index, self._output_indices
            found = self._in_place[shape] = InPlace(interpreter, *indices, seen_as or shape)
            if len(self._in_place) > self._most_shapes:
                self._in_place.popitem(last=False)  # and not another shape: arrays of it may be in use
        else:
            self._in_place.move_to_end(shape)
        return found

    def forget(self, shape) -> None:
        """Drops what `invoke` keeps for inputs of a shape, and with it the memory."""
        self._interpreters.pop(shape, None)

    def output_shape(self, name: str, input_shape) -> tuple[int, ...]:
        """Returns the shape of the named output for inputs of a shape."""
        details = self._of_shape(input_shape).get_output_details()
        return tuple(map(int, details[self._by_name[name].order]["shape"]))

    def _of_shape(self, shape):
        interpreter = self._interpreters.get(shape)
        if interpreter is None:
            full = len(self._interpreters) >= self._most_shapes
            kept = self._interpreters.popitem(last=False)[1] if full else None
            interpreter = self._interpreters[shape] = self._of_another_shape(shape, kept)
        else:
            self._interpreters.move_to_end(shape)
        return interpreter

    def _of_another_shape(self, shape, interpreter=None):
        """Returns an interpreter, a new one where none is given, for inputs of a shape."""
        interpreter = interpreter or self._make()
        interpreter.resize_tensor_input(self._input_index, shape)
        interpreter.allocate_tensors()
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
