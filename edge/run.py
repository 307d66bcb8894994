"""Reads images with a bundle, one line per image.

python -m edge.run --bundle=BUNDLE PATH... [--num_patches=K] [--exit_entropy=X] [--adaptive] [--budget_ms=B] ...
python -m edge.run --bundle=BUNDLE --camera=auto [--frames=N] [--interval=S] [--stable=N] ...
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads: a thread per core makes tiny products slower

import contextlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from edge.arguments import OneLineParser, number, number_of_threads
from edge.bundle import load_bundle
from edge.errors import EXIT_FAILED, UserError, one_line, run_main
from edge.network.budget import BudgetRunner, PyramidBudgetRunner
from edge.network.pyramid_runner import ALL, PyramidRunner, make_runner
from edge.network.result import Clock, Result
from edge.network.runner import NEVER, TwoStageRunner
from edge.sight.camera import frames, open_camera
from edge.sight.fields import fields_of
from edge.sight.images import enough_pixels, expand, model_pixels, open_image
from edge.sight.overlay import OverlayFolder, draw
from edge.sight.stable import StableReadings
from edge.timing import Timing

NOTHING = "nothing to read"
MOST_STABLE = 10_000  # frames
CAMERA_OVERLAYS, MOST_OVERLAYS = 1000, 1_000_000


@dataclass(frozen=True)
class ImageFile:
    """An image that is read from a file; `edge.sight.camera.Frame` is its like.

    Attributes:
        name: of the file.
        age: in seconds; a frame's.
    """

    name: Path
    age: float | None = None

    def read(self, enough: int | None = None):
        """Returns the image; see `edge.sight.images.open_image`."""
        return open_image(self.name, enough)


def make_parser() -> OneLineParser:
    """Returns the parser of the command line."""
    parser = OneLineParser(prog="python -m edge.run", description="Reads images with a bundle, one line per image.")
    add = parser.add_argument
    add("--bundle", required=True, metavar="BUNDLE", help="a folder or zip file made by tools.quantize")
    add("paths", nargs="*", metavar="PATH", help="image files, folders, quoted patterns; - reads paths from stdin")
    add(
        "--camera", metavar="KIND[:INDEX]", help="picamera2, opencv, or auto: the first that is there; in place of PATH"
    )
    add("--frames", type=number(1), metavar="N", help="so many frames of the camera; endless by default")
    add("--interval", type=number(0, kind=float), metavar="S", help="seconds from one frame to the next; 0 by default")
    stable = "tell a reading once, when N of the camera's last 2 N - 1 frames have it"
    add("--stable", type=number(1, cap=MOST_STABLE), metavar="N", help=stable)
    add("--num_patches", type=int, metavar="K", help="patches per image; the bundle's own by default")
    exits = "keep the coarse answer where its entropy is at most X nats"
    add("--exit_entropy", type=number(0, kind=float), metavar="X", help=exits)
    level = parser.add_mutually_exclusive_group()
    salient = "look at cells of at least this saliency alone; no exit"
    level.add_argument("--saliency_level", type=number(0, kind=float), metavar="X", help=salient)
    level.add_argument("--adaptive", action="store_true", help="the bundle's saliency_level, see tools.calibrate")
    lead = f"no more patches once a reading leads by X votes; {ALL:g}: all of them; the bundle's own by default"
    level.add_argument("--vote_lead", type=number(0, ALL, float), metavar="X", help=lead)
    least = "nothing is read where a reading has a probability below P; 0: never; the bundle's own by default"
    told = parser.add_mutually_exclusive_group()
    told.add_argument("--reading_threshold", type=number(0, 1, float), metavar="P", help=least)
    always = "every image holds a number: 'nothing to read' is no answer; for crops, and a camera that faces a meter"
    told.add_argument("--always_read", action="store_true", help=always)
    budget = "fewer patches where an image would take more milliseconds"
    add("--budget_ms", type=number(0, kind=float), metavar="B", help=budget)
    add("--json", action="store_true", help="one JSON object a line")
    add("--cells", action="store_true", help="in --json also the cells looked at, [row, column], most salient first")
    add("--overlay", metavar="DIR", help="write a picture of saliency, patches, reading and its box per image")
    keep = f"--overlay: keep the last N pictures of this run; of a camera {CAMERA_OVERLAYS:,} by default, else all"
    add("--overlay_keep", type=number(1, cap=MOST_OVERLAYS), metavar="N", help=keep)
    add("--threads", type=number_of_threads, default=1, metavar="N", help="threads of one inference (default 1)")
    add("--timing", action="store_true", help="how long each stage took: stages_us in --json, a summary on stderr")
    return parser


def parse_arguments(arguments):
    """Returns the command line's arguments; UserError where one is wrong."""
    parsed = make_parser().parse_args(arguments)
    if bool(parsed.paths) == bool(parsed.camera):
        raise UserError("either PATH... or --camera is needed, and not both; see python -m edge.run --help")
    if not parsed.camera and (parsed.frames, parsed.interval, parsed.stable) != (None, None, None):
        raise UserError("--frames, --interval and --stable go with --camera; leave them out, or add --camera=auto")
    if parsed.overlay_keep and not parsed.overlay:
        raise UserError("--overlay_keep goes with --overlay; leave it out, or add --overlay=DIR")
    return parsed


def main(arguments) -> int:
    """Runs the command; returns its exit status: 1 where an image among others could not be read."""
    parsed = parse_arguments(arguments)
    paths = expand(parsed.paths)
    clock = Clock()
    bundle = load_bundle(parsed.bundle)
    clock.lap("bundle")
    if bundle.doubt:
        print(f"note: {bundle.doubt}", file=sys.stderr)
    runner = make_runner(bundle, parsed.threads)
    clock.lap("interpreters")
    read = make_reader(runner, parsed)
    if parsed.budget_ms is not None:
        clock.lap("budget")
    keep = parsed.overlay_keep or (CAMERA_OVERLAYS if parsed.camera else None)
    overlays = OverlayFolder(parsed.overlay, keep) if parsed.overlay else None
    timing = Timing(clock.laps)
    with contextlib.ExitStack() as stack:
        if parsed.timing:
            stack.callback(lambda: print(timing.summary(), file=sys.stderr))
        if parsed.camera:
            camera = stack.enter_context(contextlib.closing(open_camera(parsed.camera)))
            images = frames(camera, parsed.frames, parsed.interval or 0)
        else:
            images = map(ImageFile, paths)
        return _read_all(images, read, runner.manifest, parsed, overlays, timing)


def make_reader(runner: TwoStageRunner, parsed) -> Callable[[np.ndarray], Result]:
    """Returns a function, pixels -> result, that follows the command line; UserError where the bundle cannot.

    A saliency level takes the place of the bundle's exit, with which it was not calibrated; --exit_entropy adds one.
    """
    if parsed.adaptive and getattr(runner.manifest, runner.manifest.adaptive) is None:
        name = runner.manifest.adaptive
        raise UserError(f"--adaptive needs a bundle with a {name}; run tools.calibrate, or give --{name}=X")
    if runner.manifest.levels:
        return _reader_of_any_size(runner, parsed)
    if (parsed.vote_lead, parsed.reading_threshold, parsed.always_read) != (None, None, False):
        raise UserError(
            "--vote_lead, --reading_threshold and --always_read are for bundles with levels, see its card; "
            "leave them out"
        )
    level = runner.manifest.saliency_level if parsed.adaptive else parsed.saliency_level
    never = NEVER if level is not None else None
    exit_entropy = never if parsed.exit_entropy is None else parsed.exit_entropy
    if parsed.budget_ms is not None:
        limited = BudgetRunner(runner, parsed.budget_ms, parsed.num_patches)
        return partial(limited.run, exit_entropy=exit_entropy, saliency_level=level)
    num_patches = runner.check_num_patches(parsed.num_patches)
    return partial(runner.run, num_patches=num_patches, exit_entropy=exit_entropy, saliency_level=level)


def _reader_of_any_size(runner: PyramidRunner, parsed) -> Callable[[np.ndarray], Result]:
    """Returns the function of `make_reader` for a bundle with levels. A saliency level takes the lead's place."""
    lead = parsed.vote_lead if parsed.saliency_level is None else ALL
    names = ("exit_entropy", "saliency_level", "reading_threshold", "always_read")
    settings = {name: getattr(parsed, name) for name in names} | {"vote_lead": lead}
    if parsed.budget_ms is not None:
        return partial(PyramidBudgetRunner(runner, parsed.budget_ms, parsed.num_patches).run, **settings)
    return partial(runner.run, num_patches=runner.check_num_patches(parsed.num_patches), **settings)


def _read_all(images, read, manifest, parsed, overlays, timing) -> int:
    status = 0
    enough = enough_pixels(manifest.input)
    stable = StableReadings(parsed.stable) if parsed.stable else None
    for image in images:
        clock = Clock()
        try:
            decoded = image.read(enough)
            clock.lap("read")
            pixels = model_pixels(decoded, manifest.input, image.name)
            clock.lap("resize")
        except UserError as error:
            if [Path(path) for path in parsed.paths] == [image.name]:
                raise
            status = EXIT_FAILED
            _report_error(image.name, error, parsed.json)
            continue
        result = read(pixels)
        stages_us = clock.laps | result.stages_us
        timing.add(stages_us)
        if stable and not stable.is_new(result.prediction):
            continue
        print(_line(image, result, parsed, stages_us, manifest, decoded.size), flush=True)
        if overlays:
            overlays.save(draw(image.read(), result, manifest), Path(image.name))
    return status


def _line(image, result, parsed, stages_us, manifest, size):
    name = image.name
    fields = fields_of(name, result, size, manifest)
    if not parsed.json:
        box = fields.get("box")
        place = "" if box is None else "  at {}, {} to {}, {}".format(*box)
        return (
            f"{name}: {result.prediction or NOTHING}  {result.probability:.1%}  "
            f"{result.num_patches} patches  {result.milliseconds:.2f} ms{place}"
        )
    if image.age is not None:
        fields["age_ms"] = round(image.age * 1e3)
    if parsed.cells:
        fields["cells"] = [] if result.cells is None else result.cells.tolist()
    if parsed.timing:
        fields["stages_us"] = {stage: round(value, 1) for stage, value in stages_us.items()}
    return json.dumps(fields, allow_nan=False)


def _report_error(name, error, as_json):
    if as_json:
        print(json.dumps({"path": str(name), "error": one_line(error)}), flush=True)
    else:
        print(f"error: {one_line(error)}", file=sys.stderr)


if __name__ == "__main__":
    run_main(main, sys.argv[1:])
