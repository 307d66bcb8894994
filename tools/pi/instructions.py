"""Counts the instructions of one image, from pixels to answer, on the processors of a Raspberry Pi 4 and 5.

python -m tools.pi.instructions --environment=build/pi/home/dcn --images=FOLDER [--bundle=models/cluttered_mnist]
    [--float_bundle=BUNDLE] [--variants=NAME,...] [--from_files]

Two processes are counted, one of which reads all images twice more: their difference holds no start. One thread works.
Images of any size are counted in theirs.
The code that is counted is the environment's, with what is compiled there, not the code of this folder.
"""

from pathlib import Path

from edge.arguments import listed
from edge.bundle import load_bundle
from edge.comparison.variants import VARIANTS, by_precision, choose
from edge.errors import UserError
from edge.sight.images import expand
from tools import command
from tools.pi import machine

FEW, MORE = 1, 2  # times that all images are read


def per_line(core: str, environment: Path, bundle: Path, images: Path) -> float:
    """Returns instructions per image of `edge.run`, from the file to the printed line, as the bundle has it read."""

    def total(times):
        return machine.count(core, environment, "-P", "-m", "edge.run", f"--bundle={bundle}", *[images] * times)

    return (total(FEW + MORE) - total(FEW)) / (MORE * len(list(expand([str(images)]))))


def per_image(core: str, environment: Path, bundle: Path, images: Path, variant="dcn_int8", without="") -> float:
    """Returns instructions per image; for `variant` and `without` see `tools.pi.repeat`, for errors `machine.count`."""
    arguments = [f"--bundle={bundle}", f"--images={images}", f"--variant={variant}", f"--without={without}"]

    def total(repetitions):
        command = ("-P", "-m", "tools.pi.repeat", *arguments, f"--repetitions={repetitions}")
        return machine.count(core, environment, *command)

    return (total(FEW + MORE) - total(FEW)) / (MORE * len(list(expand([str(images)]))))


def main(arguments) -> None:
    """Runs the command."""
    parser = command.make_parser("tools.pi.instructions", __doc__)
    add = parser.add_argument
    add(
        "--environment",
        required=True,
        metavar="FOLDER",
        help="with edge, made in the emulated machine; see tools.pi.check",
    )
    add("--images", required=True, metavar="FOLDER", help="images to read")
    add("--bundle", default="models/cluttered_mnist", metavar="BUNDLE", help="the shipped one by default")
    add("--float_bundle", metavar="BUNDLE", help="in float32, of the same network")
    add("--variants", type=listed, metavar="NAME,...", help=f"of {', '.join(VARIANTS)}; all by default")
    line = "count edge.run instead of variants: decoding, resizing, reading with the bundle's own settings, printing"
    add("--from_files", action="store_true", help=line)
    parsed = parser.parse_args(arguments)
    if parsed.from_files and (parsed.variants or parsed.float_bundle):
        raise UserError("--from_files counts edge.run with --bundle; leave --variants and --float_bundle out")
    bundles = by_precision(load_bundle(parsed.bundle), parsed.float_bundle and load_bundle(parsed.float_bundle))
    chosen, _ = choose(bundles, parsed.variants)
    print(f"{'core':<5} {'variant':<18} {'instructions per image':>23}")
    for core in machine.CORES:
        if parsed.from_files:
            found = per_line(core, Path(parsed.environment), Path(parsed.bundle), Path(parsed.images))
            print(f"{core:<5} {'edge.run':<18} {found:>23,.0f}", flush=True)
            continue
        for name in chosen:
            path = bundles[VARIANTS[name].precision].path
            found = per_image(core, Path(parsed.environment), path, Path(parsed.images), name)
            print(f"{core:<5} {name:<18} {found:>23,.0f}", flush=True)


if __name__ == "__main__":
    command.run(main)
