"""A modelled energy: counted operations and moved bytes, times what a table says one of them costs.

It is arithmetic on the .tflite files, and no measurement: the same for every board, without what a processor spends on
instructions, leakage and waiting. It compares variants of one network with each other. Two rules place the bytes:

- Weights are read once in every run, from the smallest memory that holds the weights of all models of the run
  together: they stay there from one image to the next.
- Activations are read and written once by every operator, in the smallest memory that holds that operator's inputs and
  outputs together. What registers and the innermost loops read again is not counted.
"""

from dataclasses import dataclass

from edge.bundle import Bundle
from edge.energy.operations import FRAME, ModelOperations, Quantity, bundle_operations
from edge.energy.table import EnergyTable, load_table
from edge.errors import UserError

NOT_MODELLED = (
    "NumPy's part (input, saliency, patches, assembly, output), the interpreter's own, and what is spent at rest"
)


@dataclass(frozen=True)
class ModelledEnergy:
    """The modelled energy of one image, microjoules, with what is counted: bytes by the memory's name."""

    table: str
    multiply_accumulates: Quantity
    other_arithmetic: Quantity
    bytes_by_level: dict[str, Quantity]
    arithmetic_uj: Quantity
    memory_uj: Quantity

    @property
    def source(self) -> str:
        """What to write beside the numbers."""
        return f"modelled ({self.table})"

    @property
    def microjoules(self) -> Quantity:
        """Arithmetic and memory together."""
        return self.arithmetic_uj + self.memory_uj

    def to_dict(self) -> dict:
        """Returns it for JSON."""
        quantities = (self.multiply_accumulates, self.other_arithmetic, *self.bytes_by_level.values(), self.microjoules)
        return {
            "source": self.source,
            "microjoules": self.microjoules.value,
            "arithmetic_uj": self.arithmetic_uj.value,
            "memory_uj": self.memory_uj.value,
            "multiply_accumulates": self.multiply_accumulates.value,
            "other_arithmetic": self.other_arithmetic.value,
            "bytes": {name: quantity.value for name, quantity in self.bytes_by_level.items()},
            "at_least": any(quantity.at_least for quantity in quantities),
            "not_modelled": NOT_MODELLED,
        }


def modelled_energy(
    bundle: Bundle,
    models=("coarse", "fine", "top"),
    num_patches: int | None = None,
    table: EnergyTable | None = None,
    size=FRAME,
    stretch: float = 1.0,
) -> ModelledEnergy:
    """Returns the modelled energy of one image.

    Args:
        models: which run: all three; ('coarse',) where the coarse answer stands; or ('whole_fine',).
        num_patches: k; the bundle's own where None.
        table: Horowitz's where None.
        size: (height, width) of the image, where the bundle reads any size.
        stretch: see `edge.energy.operations.bundle_operations`.

    Raises:
        UserError: the bundle has no such model, or see `edge.energy.operations.bundle_operations`.
    """
    operations = bundle_operations(bundle, num_patches, size, stretch)
    missing = [name for name in models if name not in operations]
    if missing:
        raise UserError(f"{bundle.path} has no model {missing[0]!r}; name some of {', '.join(operations)}")
    return energy_of([operations[name] for name in models], table or load_table())


def energy_of(models: list[ModelOperations], table: EnergyTable) -> ModelledEnergy:
    """Returns the modelled energy of models that run one after another."""
    operations = [operation for model in models for operation in model.operations]
    weights = sum((model.weight_bytes for model in models), Quantity())
    bytes_by_level = {level.name: Quantity() for level in table.levels}
    bytes_by_level[table.level(weights.value).name] += weights
    arithmetic = Quantity()
    for operation in operations:
        size = Quantity.of(operation.activation_bytes)
        bytes_by_level[table.level(size.value).name] += size
        arithmetic += _picojoules(operation.arithmetic, table)
    memory = sum((bytes_by_level[level.name] * level.picojoules_per_byte for level in table.levels), Quantity())
    return ModelledEnergy(
        table.name,
        sum((model.multiply_accumulates for model in models), Quantity()),
        sum((model.other_arithmetic for model in models), Quantity()),
        bytes_by_level,
        arithmetic * 1e-6,
        memory * 1e-6,
    )


def _picojoules(arithmetic, table) -> Quantity:
    if arithmetic is None:
        return Quantity.of(None)
    costs = ((table.picojoules(*what), number) for what, number in arithmetic.items())
    return sum((Quantity.of(cost) * number for cost, number in costs), Quantity())


def mixture(parts) -> ModelledEnergy:
    """Returns the mean of energies by one table, over images that differ in what they run: (share, energy) each."""

    def mean(quantity):
        return sum((quantity(energy) * share for share, energy in parts), Quantity())

    parts = list(parts)
    first = parts[0][1]
    return ModelledEnergy(
        first.table,
        mean(lambda energy: energy.multiply_accumulates),
        mean(lambda energy: energy.other_arithmetic),
        {name: mean(lambda energy, name=name: energy.bytes_by_level[name]) for name in first.bytes_by_level},
        mean(lambda energy: energy.arithmetic_uj),
        mean(lambda energy: energy.memory_uj),
    )
