"""Prints what the models of a bundle do, operator by operator, and the energy that follows from it by a table.

python -m edge.operations --bundle=BUNDLE [--num_patches=K] [--energy_table=FILE]

Everything that it prints is modelled: arithmetic on the .tflite files, nothing is run and nothing is measured.
"""

import sys

from edge.arguments import OneLineParser
from edge.bundle import load_bundle
from edge.energy.model import NOT_MODELLED, energy_of
from edge.energy.operations import FRAME, bundle_operations
from edge.energy.table import load_table
from edge.errors import run_main
from edge.output import table

RUNS = {
    "coarse answer alone": ("coarse",),
    "coarse, fine on {k} patches, top": ("coarse", "fine", "top"),
    "whole fine model": ("whole_fine",),
}
HEAD = ("operator", "dtype", "output", "MACs", "other", "weights B", "activations B")


def operator_table(model) -> str:
    """Returns a model's operators as a table."""
    rows = [
        (operation.name, operation.dtype, _shape(operation.shape), *map(_number, _columns(operation)))
        for operation in model.operations
    ]
    totals = (f"{quantity:,}" for quantity in _columns(model))
    return table(HEAD, [*rows, ("total", "", "", *totals)], numbers_from=3)


def _columns(counted):
    return counted.multiply_accumulates, counted.other_arithmetic, counted.weight_bytes, counted.activation_bytes


def _shape(shape) -> str:
    return "?" if shape is None else " x ".join(map(str, shape))


def _number(value) -> str:
    return "?" if value is None else f"{value:,}"


def energy_line(name: str, energy) -> str:
    """Returns one run's modelled energy as a line."""
    used = {level: quantity for level, quantity in energy.bytes_by_level.items() if quantity.value}
    return (
        f"{name}: {energy.microjoules:.4g} uJ = {energy.arithmetic_uj:.4g} arithmetic + {energy.memory_uj:.4g} "
        f"memory; {energy.multiply_accumulates:,} MACs; " + ", ".join(f"{used[level]:,} B in {level}" for level in used)
    )


def main(arguments=None) -> None:
    """The command `python -m edge.operations`."""
    parser = OneLineParser(prog="python -m edge.operations", description="Counts operations, and models their energy.")
    add = parser.add_argument
    add("--bundle", required=True, metavar="BUNDLE", help="a folder or zip file made by tools.quantize")
    add("--num_patches", type=int, metavar="K", help="patches per image; the bundle's own by default")
    add("--energy_table", metavar="FILE", help="JSON with picojoules per operation; Horowitz's, for 45 nm, by default")
    parsed = parser.parse_args(arguments)
    costs = load_table(parsed.energy_table)
    bundle = load_bundle(parsed.bundle)
    num_patches = bundle.manifest.num_patches if parsed.num_patches is None else parsed.num_patches
    models = bundle_operations(bundle, num_patches)
    if bundle.manifest.levels:
        print(f"an image of {FRAME[1]} x {FRAME[0]} pixels, on all its levels")
    print(f"modelled, not measured: {costs.name} ({costs.source})")
    for name, model in models.items():
        print("", f"{name}.tflite", operator_table(model), sep="\n")
    print("", "modelled energy of one image", sep="\n")
    for name, names in RUNS.items():
        if set(names) <= models.keys():
            print(energy_line(name.format(k=num_patches), energy_of([models[n] for n in names], costs)))
    print(f"not modelled: {NOT_MODELLED}")


if __name__ == "__main__":
    run_main(main, sys.argv[1:])
