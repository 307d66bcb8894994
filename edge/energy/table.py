"""The energy of one operation and of one access to memory, from a JSON file such as `horowitz.json`."""

import functools
import json
from dataclasses import dataclass
from pathlib import Path

from edge.bundle.schema import first_error
from edge.energy.arithmetic import ACCUMULATOR, ADD, COMPARE, MAC, MULTIPLY
from edge.errors import UserError
from edge.files import read_json

HOROWITZ = Path(__file__).with_name("horowitz.json")
MOST_TABLE_BYTES = 2**20
SCHEMA_FILE = Path(__file__).with_name("table.schema.json")


@dataclass(frozen=True)
class Level:
    """A memory of so many bytes; None for the last, which has no end."""

    name: str
    bytes: int | None
    picojoules_per_byte: float


@dataclass(frozen=True)
class EnergyTable:
    """What operations cost by their type of numbers, in picojoules, and memories, the smallest first."""

    name: str
    source: str
    add: dict
    multiply: dict
    levels: tuple[Level, ...]

    def picojoules(self, kind: str, dtype: str) -> float | None:
        """Returns what one operation costs, or None where the table does not say.

        A comparison costs as much as an addition. A multiply-accumulate is a multiplication and an addition of what is
        accumulated in: 32 bits for int8.
        """
        if kind == MAC:
            multiply, add = self.multiply.get(dtype), self.add.get(ACCUMULATOR.get(dtype, dtype))
            return None if multiply is None or add is None else multiply + add
        return {ADD: self.add, COMPARE: self.add, MULTIPLY: self.multiply}[kind].get(dtype)

    def level(self, size: float) -> Level:
        """Returns the smallest memory that holds so many bytes."""
        return next(level for level in self.levels if level.bytes is None or size <= level.bytes)


@functools.cache
def _schema() -> dict:
    return json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))


def load_table(path=None) -> EnergyTable:
    """Reads a table, Horowitz's where `path` is None; UserError where it cannot be read, or is not such a table."""
    path = HOROWITZ if path is None else Path(path)
    table = read_json(path, "name a table of energies", MOST_TABLE_BYTES)
    error = first_error(table, _schema(), "energy_table") or _wrong_levels(table["levels"])
    if error:
        raise UserError(f"{error}; correct {path}")
    levels = tuple(Level(e["name"], e["bytes"], e["picojoules_per_64_bits"] / 8) for e in table["levels"])
    return EnergyTable(table["name"], table["source"], **table["picojoules"], levels=levels)


def _wrong_levels(levels) -> str | None:
    sizes = [level["bytes"] for level in levels]
    if None in sizes[:-1] or sizes[-1] is not None or sizes[:-1] != sorted(set(sizes[:-1])):
        return f"energy_table.levels must grow and end with one whose bytes are null, received {sizes}"
    if len({level["name"] for level in levels}) < len(levels):
        return f"energy_table.levels must differ in name, received {[level['name'] for level in levels]}"
    return None
