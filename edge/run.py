"""Reads images with a bundle, one line per image.

python -m edge.run --bundle=DIR PATH... [--num_patches=K] [--exit_entropy=X] [--json] [--overlay=DIR] [--threads=N]
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads: a thread per core makes tiny products slower

import json
import sys

from edge.arguments import OneLineParser
from edge.bundle import load_bundle
from edge.errors import EXIT_FAILED, UserError, one_line, run_main
from edge.images import expand, model_pixels, open_image
from edge.overlay import OverlayFolder, draw
from edge.runner import TwoStageRunner


def parse_arguments(arguments):
    """Returns the command line's arguments; UserError where one is wrong."""
    parser = OneLineParser(prog="python -m edge.run", description="Reads images with a bundle, one line per image.")
    parser.add_argument("--bundle", required=True, metavar="DIR", help="a folder made by tools.quantize")
    parser.add_argument("paths", nargs="+", metavar="PATH", help="image files, or folders of them")
    parser.add_argument("--num_patches", type=int, metavar="K", help="patches per image; the bundle's own by default")
    parser.add_argument(
        "--exit_entropy",
        type=float,
        metavar="X",
        help="keep the coarse answer where its entropy, in nats, is at most X",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--overlay", metavar="DIR", help="write a picture of saliency, patches and reading per image")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads of one inference (default 1)")
    parsed = parser.parse_args(arguments)
    if parsed.threads < 1:
        raise UserError(f"--threads must be at least 1, received {parsed.threads}")
    if parsed.exit_entropy is not None and not parsed.exit_entropy >= 0:
        raise UserError(f"--exit_entropy must be at least 0, received {parsed.exit_entropy}")
    return parsed


def main(arguments) -> int:
    """Runs the command; returns its exit status: 1 where an image among others could not be read."""
    parsed = parse_arguments(arguments)
    files = expand(parsed.paths)
    runner = TwoStageRunner(load_bundle(parsed.bundle), parsed.threads)
    runner.check_num_patches(parsed.num_patches)
    overlays = OverlayFolder(parsed.overlay) if parsed.overlay else None
    failed = 0
    for path in files:
        try:
            image = open_image(path)
        except UserError as error:
            if len(files) == 1:
                raise
            failed += 1
            _report_error(path, error, parsed.json)
            continue
        result = runner.run(model_pixels(image, runner.manifest), parsed.num_patches, parsed.exit_entropy)
        print(_line(path, result, parsed.json), flush=True)
        if overlays:
            overlays.save(draw(image, result, runner.manifest), path)
    return EXIT_FAILED if failed else 0


def _line(path, result, as_json):
    if as_json:
        fields = {
            "path": str(path),
            "prediction": result.prediction,
            "probability": round(result.probability, 6),
            "num_patches": result.num_patches,
            "milliseconds": round(result.milliseconds, 3),
        }
        return json.dumps(fields)
    return (
        f"{path}: {result.prediction}  {result.probability:.1%}  "
        f"{result.num_patches} patches  {result.milliseconds:.2f} ms"
    )


def _report_error(path, error, as_json):
    if as_json:
        print(json.dumps({"path": str(path), "error": one_line(error)}), flush=True)
    else:
        print(f"error: {one_line(error)}", file=sys.stderr)


if __name__ == "__main__":
    run_main(main, sys.argv[1:])
