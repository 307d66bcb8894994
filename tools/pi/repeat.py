"""Reads images over and over with a bundle: what `tools.pi.instructions` counts the instructions of.

python -m tools.pi.repeat --bundle=BUNDLE --images=FOLDER --repetitions=N [--variant=NAME] [--without=SAVING,...]
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads, as edge.run has it

import sys

from edge.arguments import OneLineParser
from edge.bundle import load_bundle
from edge.comparison.variants import VARIANTS, find, make_run
from edge.errors import UserError, run_main
from edge.sight.images import expand, load_image
from tools.pi.plain import SAVINGS, without


def main(arguments) -> None:
    """Runs the command."""
    parser = OneLineParser(prog="python -m tools.pi.repeat", description="Reads images over and over.")
    parser.add_argument("--bundle", required=True, metavar="BUNDLE")
    parser.add_argument("--images", required=True, metavar="FOLDER")
    parser.add_argument("--repetitions", required=True, type=int, metavar="N", help="how often each image is read")
    parser.add_argument("--variant", default="dcn_int8", choices=list(VARIANTS), help="which way")
    parser.add_argument("--without", default="", help=f"savings that are left out, of {', '.join(SAVINGS)}")
    parsed = parser.parse_args(arguments)
    left_out = [name for name in parsed.without.split(",") if name]
    if not set(left_out) <= set(SAVINGS):
        raise UserError(f"--without must name savings, of {', '.join(SAVINGS)}, received {parsed.without!r}")
    bundle = load_bundle(parsed.bundle)
    run = make_run(find(parsed.variant, bundle), bundle, None, kernels=without(left_out))
    images = [load_image(path, bundle.manifest.input) for path in expand([parsed.images])]
    for _ in range(parsed.repetitions):
        for image in images:
            run(image)


if __name__ == "__main__":
    run_main(main, sys.argv[1:])
