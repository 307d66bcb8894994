"""Reads images over and over with a bundle: what `tools.pi.instructions` counts the instructions of.

python -m tools.pi.repeat --bundle=BUNDLE --images=FOLDER --repetitions=N [--whole_fine]
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads, as edge.run has it

import itertools
import sys

from edge.arguments import OneLineParser
from edge.bundle import load_bundle
from edge.errors import run_main
from edge.images import expand, load_image
from edge.runner import TwoStageRunner, WholeFineRunner


def main(arguments) -> None:
    """Runs the command."""
    parser = OneLineParser(prog="python -m tools.pi.repeat", description="Reads images over and over.")
    parser.add_argument("--bundle", required=True, metavar="BUNDLE")
    parser.add_argument("--images", required=True, metavar="FOLDER")
    parser.add_argument("--repetitions", required=True, type=int, metavar="N", help="images that are read in all")
    parser.add_argument("--whole_fine", action="store_true", help="with the fine model over the whole image")
    parsed = parser.parse_args(arguments)
    runner = (WholeFineRunner if parsed.whole_fine else TwoStageRunner)(load_bundle(parsed.bundle))
    images = [load_image(path, runner.manifest) for path in expand([parsed.images])]
    for image in itertools.islice(itertools.cycle(images), parsed.repetitions):
        runner.run(image)


if __name__ == "__main__":
    run_main(main, sys.argv[1:])
