"""The operators of a .tflite file with their tensors, read without TensorFlow and without running it.

The file is a flatbuffer. The classes that read it are generated from TensorFlow Lite's schema; ai-edge-litert brings
them, and where tflite-runtime is used instead, the package `tflite` does. Both are the same code, and are imported when
a file is read.
"""

import importlib
import math
import struct
from dataclasses import dataclass
from functools import cache

from edge.errors import UserError, one_line

SCHEMAS = ("ai_edge_litert.schema_py_generated", "tflite")
IDENTIFIER = b"TFL3"  # at byte 4 of every .tflite file
BITS = {
    **{f"{kind}{bits}": bits for kind in ("int", "uint") for bits in (4, 8, 16, 32, 64)},
    **{f"float{bits}": bits for bits in (16, 32, 64)},
    "bool": 8,
}


@dataclass(frozen=True)
class GraphTensor:
    """A tensor of a graph.

    Attributes:
        shape: None where the file leaves it open.
        dtype: such as 'int8' or 'float32'.
        constant: whether its values are in the file, or follow from such by a DEQUANTIZE, which is done once.
    """

    shape: tuple | None
    dtype: str
    constant: bool = False

    @property
    def elements(self) -> int | None:
        """Number of values; None where it is not known."""
        return None if self.shape is None else math.prod(self.shape)

    @property
    def bytes(self) -> int | None:
        """Its size in memory; None where it is not known."""
        elements = self.elements
        if elements is None or self.dtype not in BITS:
            return None
        return -(-elements * BITS[self.dtype] // 8)


@dataclass(frozen=True)
class Operator:
    """One operator of a graph.

    Attributes:
        name: as the schema has it, such as 'CONV_2D'; 'custom' and its own for a custom operator.
        inputs: tensors, None where an optional one is left out.
        activation: 'NONE', or what is applied to the output, such as 'RELU'.
        window: (height, width) of a pooling, else None.
    """

    name: str
    inputs: tuple
    outputs: tuple
    activation: str = "NONE"
    window: tuple | None = None


def read_operators(
    content: bytes, leading: int | None = None, name: str = "the model", shapes: tuple = ()
) -> tuple[Operator, ...]:
    """Returns the operators of a model in the order in which they run.

    Args:
        leading: number of images or patches; the file's own where None. The first size of every tensor that is not
            constant is changed with it where it is a multiple of the file's.
        name: what to call the model where it fails.
        shapes: of the tensors that are not constant, by their place in the file; the file's own where it is empty.

    Raises:
        UserError: it is not a .tflite file, or there is nothing installed to read it with.
    """
    if content[4:8] != IDENTIFIER:
        raise UserError(f"{name} is not a .tflite file; export the bundle again")
    schema = _schema()
    try:
        return _Reader(schema, content, leading, shapes).operators()
    except (struct.error, IndexError, TypeError, ValueError, AttributeError, KeyError, OverflowError) as error:
        raise UserError(
            f"{name} cannot be read as a .tflite file: {one_line(error)}; export the bundle again"
        ) from error


@cache
def _schema():
    for name in SCHEMAS:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise UserError(
        f"nothing is installed to read .tflite files with (no {' and no '.join(SCHEMAS)}); pip install tflite"
    )


def _names(constants) -> dict:
    """Returns value -> name of a generated class of constants."""
    return {value: name for name, value in vars(constants).items() if isinstance(value, int)}


class _Reader:
    def __init__(self, schema, content, leading, shapes):
        self.schema = schema
        self.model = schema.Model.GetRootAs(content)
        self.graph = self.model.Subgraphs(0)  # others belong to control flow, whose operators are not understood
        self.operator_names = _names(schema.BuiltinOperator)
        self.type_names = _names(schema.TensorType)
        self.activations = _names(schema.ActivationFunctionType)
        self.options = _names(schema.BuiltinOptions)
        own = self.graph.Tensors(self.graph.Inputs(0)).Shape(0)
        self.own, self.leading = own, leading or own
        self.tensors = [self._tensor(self.graph.Tensors(i)) for i in range(self.graph.TensorsLength())]
        for i, shape in enumerate(shapes[: len(self.tensors)]):
            if shape is not None and not self.tensors[i].constant:
                self.tensors[i] = GraphTensor(shape, self.tensors[i].dtype)

    def operators(self):
        return tuple(self._operator(self.graph.Operators(i)) for i in range(self.graph.OperatorsLength()))

    def _tensor(self, tensor):
        dtype = self.type_names[tensor.Type()].lower()
        shape = tuple(int(tensor.Shape(i)) for i in range(tensor.ShapeLength()))
        buffer = self.model.Buffers(tensor.Buffer())
        if buffer.DataLength() > 0:
            return GraphTensor(shape, dtype, constant=True)
        if any(tensor.ShapeSignature(i) < 0 for i in range(tensor.ShapeSignatureLength())):
            return GraphTensor(None, dtype)
        if shape and shape[0] % self.own == 0:
            shape = (shape[0] // self.own * self.leading, *shape[1:])
        return GraphTensor(shape, dtype)

    def _operator(self, operator):
        name = self._name(operator)
        if name == "DEQUANTIZE" and self.tensors[operator.Inputs(0)].constant:
            source, target = self.tensors[operator.Inputs(0)], operator.Outputs(0)
            self.tensors[target] = GraphTensor(source.shape, self.tensors[target].dtype, constant=True)
        inputs = (operator.Inputs(i) for i in range(operator.InputsLength()))
        outputs = (operator.Outputs(i) for i in range(operator.OutputsLength()))
        return Operator(
            name,
            tuple(None if index < 0 else self.tensors[index] for index in inputs),
            tuple(self.tensors[index] for index in outputs),
            *self._options(operator),
        )

    def _name(self, operator):
        code = self.model.OperatorCodes(operator.OpcodeIndex())
        if code.CustomCode():
            return f"custom {code.CustomCode().decode(errors='replace')}"
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())  # the older field ends at 127
        return self.operator_names.get(number, f"operator {number}")

    def _options(self, operator):
        """Returns the activation and the window of an operator's options."""
        reader = getattr(self.schema, self.options.get(operator.BuiltinOptionsType(), ""), None)
        table = operator.BuiltinOptions()
        if reader is None or table is None:
            return "NONE", None
        options = reader()
        options.Init(table.Bytes, table.Pos)
        number = options.FusedActivationFunction() if hasattr(options, "FusedActivationFunction") else 0
        window = (options.FilterHeight(), options.FilterWidth()) if hasattr(options, "FilterHeight") else None
        return self.activations.get(number, f"activation {number}"), window
