"""Reads images over and over with a bundle; `tools.pi.instructions` counts its instructions.

python -m tools.pi.repeat --bundle=BUNDLE --images=FOLDER --repetitions=N [--variant=NAME] [--without=SAVING,...]
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads, as edge.run has it


from edge.arguments import listed, number
from edge.bundle import load_bundle
from edge.comparison.variants import VARIANTS, find, make_run
from edge.errors import UserError
from edge.sight.images import expand, load_image
from tools import command
from tools.pi.plain import SAVINGS, without


def main(arguments) -> None:
    """Runs the command."""
    parser = command.make_parser("tools.pi.repeat", __doc__)
    parser.add_argument("--bundle", required=True, metavar="BUNDLE")
    parser.add_argument("--images", required=True, metavar="FOLDER")
    often = "how often each image is read"
    parser.add_argument("--repetitions", required=True, type=number(1), metavar="N", help=often)
    parser.add_argument("--variant", default="dcn_int8", choices=list(VARIANTS), help="which way")
    left_out = f"savings that are left out, of {', '.join(SAVINGS)}"
    parser.add_argument("--without", type=listed, default=[], metavar="SAVING,...", help=left_out)
    parsed = parser.parse_args(arguments)
    if not set(parsed.without) <= set(SAVINGS):
        raise UserError(f"--without must name savings, of {', '.join(SAVINGS)}, received {','.join(parsed.without)}")
    bundle = load_bundle(parsed.bundle)
    run = make_run(find(parsed.variant, bundle), bundle, None, kernels=without(parsed.without))
    images = [load_image(path, bundle.manifest.input) for path in expand([parsed.images])]
    for _ in range(parsed.repetitions):
        for image in images:
            run(image)


if __name__ == "__main__":
    command.run(main)
