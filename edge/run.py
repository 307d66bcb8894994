"""Reads images with a bundle, one line per image.

python -m edge.run --bundle=BUNDLE PATH... [--num_patches=K] [--exit_entropy=X] [--adaptive] [--budget_ms=B] ...
python -m edge.run --bundle=BUNDLE --camera=auto [--frames=N] [--interval=S] [--stable=N] ...
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads: a thread per core makes tiny products slower

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from edge.answers.reader import add_known, make_reader
from edge.answers.timing import Timing
from edge.answers.told import ImageFile, Told, error_line, tell
from edge.answers.workers import Workers
from edge.arguments import OneLineParser, number, number_of_threads
from edge.bundle import load_bundle
from edge.errors import EXIT_FAILED, UserError, run_main
from edge.network.pyramid_runner import ALL, make_runner
from edge.network.result import Clock
from edge.sight.ahead import ahead
from edge.sight.camera import frames, open_camera
from edge.sight.images import expand
from edge.sight.overlay import OverlayFolder, draw
from edge.sight.stable import StableReadings

MOST_STABLE = 10_000  # frames
MOST_WORKERS = 256
CAMERA_OVERLAYS, MOST_OVERLAYS = 1000, 1_000_000


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
    add_known(parser)
    budget = "fewer patches where an image would take more milliseconds"
    add("--budget_ms", type=number(0, kind=float), metavar="B", help=budget)
    add("--json", action="store_true", help="one JSON object a line")
    add("--cells", action="store_true", help="in --json also the cells looked at, [row, column], most salient first")
    add("--overlay", metavar="DIR", help="write a picture of saliency, patches, reading and its box per image")
    keep = f"--overlay: keep the last N pictures of this run; of a camera {CAMERA_OVERLAYS:,} by default, else all"
    add("--overlay_keep", type=number(1, cap=MOST_OVERLAYS), metavar="N", help=keep)
    add("--threads", type=number_of_threads, default=1, metavar="N", help="threads of one inference (default 1)")
    several = "processes that read PATH..., at most one a core (default 1); the lines keep their order"
    add("--workers", type=number(1, cap=MOST_WORKERS), default=1, metavar="N", help=several)
    add("--timing", action="store_true", help="how long each stage took: stages_us in --json, a summary on stderr")
    return parser


def parse_arguments(arguments):
    """Returns the command line's arguments; UserError where one is wrong."""
    parsed = make_parser().parse_args(arguments)
    if bool(parsed.paths) == bool(parsed.camera):
        raise UserError("either PATH... or --camera is needed, and not both; see python -m edge.run --help")
    if not parsed.camera and (parsed.frames, parsed.interval, parsed.stable) != (None, None, None):
        raise UserError("--frames, --interval and --stable go with --camera; leave them out, or add --camera=auto")
    if parsed.camera and parsed.workers > 1:
        raise UserError("--workers goes with PATH..., and a camera has one; leave it out")
    if parsed.cells and not parsed.json:
        raise UserError("--cells goes with --json; leave it out, or add --json")
    if parsed.overlay_keep and not parsed.overlay:
        raise UserError("--overlay_keep goes with --overlay; leave it out, or add --overlay=DIR")
    return parsed


def main(arguments) -> int:
    """Runs the command; returns its exit status: 1 where an image among others could not be read."""
    parsed = parse_arguments(arguments)
    clock = Clock()
    bundle = load_bundle(parsed.bundle)
    clock.lap("bundle")
    if bundle.doubt:
        print(f"note: {bundle.doubt}", file=sys.stderr)
    with contextlib.ExitStack() as stack:
        told = _several(parsed, clock, stack) if parsed.workers > 1 else _one(bundle, parsed, clock, stack)
        keep = parsed.overlay_keep or (CAMERA_OVERLAYS if parsed.camera else None)
        overlays = OverlayFolder(parsed.overlay, keep) if parsed.overlay else None
        if overlays:
            overlays.check_apart(parsed.paths or [parsed.camera.removeprefix("images:")])
        timing = Timing(clock.laps)
        if parsed.timing:
            stack.callback(lambda: print(timing.summary(), file=sys.stderr))
        return _print_all(told, bundle.manifest, parsed, overlays, timing)


def _several(parsed, clock, stack) -> Iterator[Told]:
    """Returns what several processes tell of each image: no more than there are cores, since they would share them."""
    count = min(parsed.workers, len(os.sched_getaffinity(0)))
    workers = stack.enter_context(contextlib.closing(Workers(count, parsed)))
    paths = expand(parsed.paths)  # while they load: a folder of thousands takes a part of their time
    workers.wait()
    clock.lap("workers")
    return workers.tell(paths)


def _one(bundle, parsed, clock, stack) -> Iterator[Told]:
    """Returns what this process tells of each image."""
    paths = expand(parsed.paths)
    runner = make_runner(bundle, parsed.threads)
    clock.lap("interpreters")
    read = make_reader(runner, parsed)
    if parsed.budget_ms is not None:
        clock.lap("budget")
    images = map(ImageFile, paths)
    if parsed.camera:
        interval = parsed.interval or 0
        camera = stack.enter_context(contextlib.closing(ahead(open_camera(parsed.camera), interval)))
        images = frames(camera, parsed.frames, interval)
    return (tell(image, read, bundle.manifest, parsed) for image in images)


def _print_all(all_told, manifest, parsed, overlays, timing) -> int:
    status = 0
    stable = StableReadings(parsed.stable) if parsed.stable else None
    for told in all_told:
        if told.error:
            if [Path(path) for path in parsed.paths] == [told.image.name]:
                raise UserError(told.error)
            status = EXIT_FAILED
            _tell_error(told, parsed)
            continue
        timing.add(told.stages_us)
        if stable and not stable.is_new(told.result.prediction):
            continue
        print(told.line, flush=True)
        if overlays and not _draw(told, manifest, parsed, overlays):
            status = EXIT_FAILED
    return status


def _draw(told, manifest, parsed, overlays) -> bool:
    """Writes the picture of an image; returns whether it could be opened once more, as it is, and tells where not."""
    try:
        image = told.image.read()
    except UserError as error:
        _tell_error(Told(told.image, error=str(error)), parsed)
        return False
    overlays.save(draw(image, told.result, manifest), Path(told.image.name))
    return True


def _tell_error(told, parsed):
    print(error_line(told, parsed.json), file=sys.stdout if parsed.json else sys.stderr, flush=True)


if __name__ == "__main__":
    run_main(main, sys.argv[1:])
