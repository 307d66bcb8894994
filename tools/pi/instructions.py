"""How many instructions one image takes, from its pixels to the answer, on the processors of a Raspberry Pi 4 and 5.

python -m tools.pi.instructions --environment=build/pi/home/dcn --images=FOLDER [--bundle=models/cluttered_mnist]

The difference of two processes, one of which reads MORE images more, so that a start cancels. One thread works.
"""

import sys
from pathlib import Path

from edge.arguments import OneLineParser
from edge.errors import run_main
from tools.pi import machine

FEW, MORE = 100, 500
PROGRAMS = {"dcn": (), "whole_fine": ("--whole_fine",)}


def per_image(core: str, environment: Path, bundle: Path, images: Path, options=()) -> float:
    """Returns instructions per image; for errors see `machine.count`."""

    def total(repetitions):
        arguments = (f"--bundle={bundle}", f"--images={images}", f"--repetitions={repetitions}", *options)
        return machine.count(core, environment, "-m", "tools.pi.repeat", *arguments)

    return (total(FEW + MORE) - total(FEW)) / MORE


def main(arguments) -> None:
    """Runs the command."""
    parser = OneLineParser(prog="python -m tools.pi.instructions", description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add(
        "--environment",
        required=True,
        metavar="FOLDER",
        help="with edge, made in the emulated machine; see tools.pi.check",
    )
    add("--images", required=True, metavar="FOLDER", help="images to read")
    add("--bundle", default="models/cluttered_mnist", metavar="BUNDLE", help="the shipped one by default")
    parsed = parser.parse_args(arguments)
    print(f"{'core':<5} {'program':<11} {'instructions per image':>23}")
    for core in machine.CORES:
        for program, options in PROGRAMS.items():
            found = per_image(core, Path(parsed.environment), Path(parsed.bundle), Path(parsed.images), options)
            print(f"{core:<5} {program:<11} {found:>23,.0f}", flush=True)


if __name__ == "__main__":
    run_main(main, sys.argv[1:])
