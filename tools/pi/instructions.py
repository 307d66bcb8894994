"""Counts the instructions of one image, from pixels to answer, on the processors of a Raspberry Pi 4 and 5.

python -m tools.pi.instructions --environment=build/pi/home/dcn --images=FOLDER [--bundle=models/cluttered_mnist]
    [--float_bundle=BUNDLE] [--variants=NAME,...] [--from_files | --classes]

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
from tools.pi.classes import CLASSES, least_cycles

REPEAT = ("-P", "-m", "tools.pi.repeat")
FEW, MORE = 1, 2  # times that all images are read


def per_line(core: str, environment: Path, bundle: Path, images: Path) -> float:
    """Returns instructions per image of `edge.run`, from the file to the printed line, as the bundle has it read."""

    def total(times):
        return machine.count(core, environment, "-P", "-m", "edge.run", f"--bundle={bundle}", *[images] * times)

    return _of_one(total(FEW + MORE) - total(FEW), images)


def per_image(core: str, environment: Path, bundle: Path, images: Path, variant="dcn_int8", without="") -> float:
    """Returns instructions per image; for `variant` and `without` see `tools.pi.repeat`, for errors `machine.count`."""
    few, many = _repeated(machine.count, core, environment, bundle, images, variant, f"--without={without}")
    return _of_one(many - few, images)


def classes_per_image(core: str, environment: Path, bundle: Path, images: Path, variant: str) -> dict[str, float]:
    """Returns instructions per image by class, see `tools.pi.classes`."""
    few, many = _repeated(machine.count_classes, core, environment, bundle, images, variant)
    return {name: _of_one(many[name] - few[name], images) for name in CLASSES}


def _repeated(count, core, environment, bundle, images, variant, *more) -> list:
    """Returns what reading all images `FEW` times and more often takes, as `count` counts it."""
    arguments = [*REPEAT, f"--bundle={bundle}", f"--images={images}", f"--variant={variant}", *more]
    return [count(core, environment, *arguments, f"--repetitions={times}") for times in (FEW, FEW + MORE)]


def _of_one(total: float, images: Path) -> float:
    return total / (MORE * len(list(expand([str(images)]))))


def _row(core: str, variant: str, counts: dict) -> str:
    """Returns a line of the table of classes: thousand instructions of each, and what issues them at the least."""
    cycles, busiest = least_cycles(core, counts)
    thousands = " ".join(f"{counts[name] / 1e3:>12,.0f}" for name in CLASSES)
    return f"{core:<5} {variant:<18} {thousands} {cycles / 1e3:>13,.0f}  {busiest}"


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
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--from_files", action="store_true", help=line)
    classes = "thousands of each class of instructions, and of the cycles in which the core issues them at the least"
    ways.add_argument("--classes", action="store_true", help=classes)
    parsed = parser.parse_args(arguments)
    if parsed.from_files and (parsed.variants or parsed.float_bundle):
        raise UserError("--from_files counts edge.run with --bundle; leave --variants and --float_bundle out")
    bundles = by_precision(load_bundle(parsed.bundle), parsed.float_bundle and load_bundle(parsed.float_bundle))
    chosen, _ = choose(bundles, parsed.variants)
    heads = " ".join(f"{name:>12}" for name in (*CLASSES, "least cycles"))
    print(f"{'core':<5} {'variant':<18} {heads if parsed.classes else 'instructions per image'.rjust(23)}")
    for core in machine.CORES:
        if parsed.from_files:
            found = per_line(core, Path(parsed.environment), Path(parsed.bundle), Path(parsed.images))
            print(f"{core:<5} {'edge.run':<18} {found:>23,.0f}", flush=True)
            continue
        for name in chosen:
            path = bundles[VARIANTS[name].precision].path
            if parsed.classes:
                counts = classes_per_image(core, Path(parsed.environment), path, Path(parsed.images), name)
                print(_row(core, name, counts), flush=True)
                continue
            found = per_image(core, Path(parsed.environment), path, Path(parsed.images), name)
            print(f"{core:<5} {name:<18} {found:>23,.0f}", flush=True)


if __name__ == "__main__":
    command.run(main)
