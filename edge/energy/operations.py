"""Counts what a model's operators do: multiply-accumulates, other arithmetic, and bytes that are read and written.

An operator that `edge.energy.arithmetic` does not know has `None` for what it does, which is printed as "?", and sums
over it are "at least".
"""

import itertools
from dataclasses import dataclass

from edge.bundle import Bundle, model_file_name
from edge.bundle.content import MOST_PATCHES
from edge.energy.arithmetic import MAC, VIEWS, arithmetic
from edge.energy.graph import GraphTensor, Operator, read_operators
from edge.errors import UserError, one_line
from edge.network.interpreter import shapes_at
from edge.network.patches import laid_out_shape
from edge.network.pyramid import level_sizes
from edge.network.tops import top_of

FRAME = (480, 640)  # (height, width) of a camera's


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
    """What one run of a model does, in the order in which it is done; each sum is a `Quantity` over all operators."""

    name: str
    operations: tuple[Operation, ...]

    def _total(self, name: str) -> Quantity:
        return total(getattr(operation, name) for operation in self.operations)

    multiply_accumulates = property(lambda self: self._total("multiply_accumulates"))
    other_arithmetic = property(lambda self: self._total("other_arithmetic"))
    weight_bytes = property(lambda self: self._total("weight_bytes"))
    activation_bytes = property(lambda self: self._total("activation_bytes"))


def bundle_operations(
    bundle: Bundle, num_patches: int | None = None, size=FRAME, stretch: float = 1.0
) -> dict[str, ModelOperations]:
    """Returns what each model of a bundle does for one image, by the model's name.

    Args:
        num_patches: k; the bundle's own where None. Of a classifier's top count the windows that k patches can change.
        size: (height, width) of the image, of all of whose levels the work counts, where the bundle reads any size.
        stretch: the image is seen a second time, so many times as high; 1: once.

    Raises:
        UserError: k is out of range, or a model cannot be read.
    """
    manifest = bundle.manifest
    num_patches = manifest.num_patches if num_patches is None else num_patches
    most = MOST_PATCHES if manifest.levels else manifest.cells.count
    if not 1 <= num_patches <= most:
        raise UserError(f"the number of patches must be 1 to {most}, received {num_patches}")
    batches = {"fine": num_patches, "top": top_of(manifest).most_inputs(manifest, num_patches)}
    found = {}
    for name in manifest.models:
        if name in batches or not manifest.levels:
            found[name] = model_operations(name, bundle.model(name), batches.get(name))
        else:
            sizes = level_sizes(size, manifest, stretch=stretch)
            levels = (level_operations(bundle, name, of_level).operations for of_level in sizes)
            found[name] = ModelOperations(name, tuple(itertools.chain.from_iterable(levels)))
    return found


def level_operations(bundle: Bundle, name: str, size) -> ModelOperations:
    """Returns what a model that sees whole levels does for one of a size, (height, width)."""
    manifest, content = bundle.manifest, bundle.model(name)
    shape = laid_out_shape(manifest.models[name].layout, (*size, manifest.input.channels))
    return model_operations(name, content, shapes=shapes_at(content, (1, *shape)))


def model_operations(name: str, content: bytes, leading: int | None = None, shapes: tuple = ()) -> ModelOperations:
    """Returns what a model does; see `edge.energy.graph.read_operators`."""
    operators = read_operators(content, leading, model_file_name(name), shapes)
    try:
        return ModelOperations(name, tuple(map(count, operators)))
    except (IndexError, TypeError, AttributeError) as error:  # no weights of a convolution, no window of a pooling
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
    return Operation(operator.name, output.dtype, output.shape, arithmetic(operator), _bytes(constants), _bytes(moved))


def _bytes(tensors) -> int | None:
    sizes = [tensor.bytes for tensor in tensors]
    return None if None in sizes else sum(sizes)
