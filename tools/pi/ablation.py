"""Instructions per image on the processors of a Raspberry Pi: with each saving alone, with all, and with none.

python -m tools.pi.ablation --environment=build/pi/home/dcn --images=FOLDER --plain_bundle=PLAIN
    [--bundle=models/cluttered_mnist]

PLAIN is of the same training, made by `tools.quantize --nolaid_out`: its first convolutions take images as they are.
"""

from pathlib import Path

from edge.bundle import load_bundle
from edge.bundle.tasks import CLASSIFICATION
from edge.errors import UserError
from tools import command
from tools.pi import machine
from tools.pi.instructions import per_image
from tools.pi.plain import SAVINGS

LAID_OUT = "laid_out"
WORDS = {
    LAID_OUT: "pixels laid out for the first convolutions",
    "closed_form": "saliency in closed form",
    "changed_windows": "of the top's windows those that change",
    "compiled": "in C, where NumPy is not needed",
}
BUT_C, BUT_IN_PLACE, ALL = (LAID_OUT, *SAVINGS[:-2]), (LAID_OUT, *SAVINGS[:-1]), (LAID_OUT, *SAVINGS)


def check_bundle(option: str, path, laid_out: bool):
    """Raises UserError where a bundle is not a classifier's, or takes pixels otherwise than `laid_out` says."""
    manifest = load_bundle(path).manifest
    found = manifest.models["coarse"].layout is not None
    if manifest.task.name != CLASSIFICATION or found != laid_out:
        wanted = f"a classifier's, made by tools.quantize {'without' if laid_out else 'with'} --nolaid_out"
        raise UserError(
            f"{option} must be {wanted}, received {path}, for {manifest.task.name}, "
            f"{'without' if found else 'with'} --nolaid_out; name another"
        )


def main(arguments) -> None:
    """Runs the command."""
    parser = command.make_parser("tools.pi.ablation", __doc__)
    add = parser.add_argument
    add("--environment", required=True, metavar="FOLDER", help="with edge, made in the emulated machine")
    add("--images", required=True, metavar="FOLDER", help="images to read")
    add("--plain_bundle", required=True, metavar="BUNDLE", help="made by tools.quantize --nolaid_out")
    add("--bundle", default="models/cluttered_mnist", metavar="BUNDLE", help="the shipped one by default")
    parsed = parser.parse_args(arguments)
    check_bundle("--bundle", parsed.bundle, laid_out=True)
    check_bundle("--plain_bundle", parsed.plain_bundle, laid_out=False)
    print(f"{'dcn_int8, million instructions per image':<52}{''.join(f'{core:>8}' for core in machine.CORES)}")
    alone = [(words, (name,)) for name, words in WORDS.items()]
    together = ("all but C", BUT_C), ("all but one call between models, in their tensors", BUT_IN_PLACE), ("all", ALL)
    for words, savings in (("none", ()), *alone, *together):
        bundle = Path(parsed.bundle if LAID_OUT in savings else parsed.plain_bundle)
        without = ",".join(name for name in SAVINGS if name not in savings)
        counts = [
            per_image(core, Path(parsed.environment), bundle, Path(parsed.images), without=without)
            for core in machine.CORES
        ]
        print(f"{words:<52}{''.join(f'{count / 1e6:>8.2f}' for count in counts)}", flush=True)


if __name__ == "__main__":
    command.run(main)
