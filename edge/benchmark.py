"""Latency, error, multiplications, size and energy of the ways to read an image, side by side, on this board.

python -m edge.benchmark --bundle=BUNDLE [--float_bundle=BUNDLE] [--images=PATH] [--labels=FILE] [--threads=N[,M]]
    [--repetitions=N] [--variants=NAME,...] [--from_files] [--stretch=X] [--energy=auto|METER|model|trace|none]
    [--json=FILE] [--csv=FILE] [--markdown=FILE] [--chart=FILE.svg] [--write_reference=DIR]

The variants take turns of a few images each, in an order that is shuffled each time, so that whatever disturbs the
board disturbs all of them; `edge.comparison.board` says whether something did. One image at a time.
"""

import os
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads: a thread per core makes tiny products slower

import contextlib
import functools
import json
import math
import sys
from pathlib import Path

from edge.answers.reader import LARGEST_STRETCH, STRETCH, check_levels
from edge.arguments import OneLineParser, listed, number, number_of_threads
from edge.bundle import load_bundle
from edge.comparison import findings, references, tables
from edge.comparison.board import Machine, Watch
from edge.comparison.images import find_images
from edge.comparison.labels import FILES as FILES_OF_LABELS
from edge.comparison.race import race, size_of
from edge.comparison.variants import VARIANTS, by_precision, choose, from_file, make_run
from edge.energy.meters import METER_HELP, find_meter, make_meter
from edge.errors import UserError, run_main
from edge.output import check_apart, check_writable, files_in, write
from edge.sight.images import load_image
from edge.startup import start_once

ENOUGH_TIMES, FEWEST_REPETITIONS = 200, 5  # of each variant, of each image, where --repetitions does not say how many
MOST_REPETITIONS, MOST_STARTS = 10_000, 1000  # every time is kept
KEPT_BYTES = 2**26  # of decoded images
SEED = 0
FILES = ("json", "csv", "markdown", "chart")


def thread_counts(text: str) -> list[int]:
    """Returns the numbers of threads in N[,M], each once."""
    return list(dict.fromkeys(number_of_threads(part) for part in text.split(",")))


def make_parser() -> OneLineParser:
    """Returns the parser of the command line."""
    parser = OneLineParser(prog="python -m edge.benchmark", description="Compares ways to read images on this board.")
    add = parser.add_argument
    add("--bundle", required=True, metavar="BUNDLE", help="a folder or zip file made by tools.quantize, in int8")
    add("--float_bundle", metavar="BUNDLE", help="the same network in float32, for the float variants")
    add("--images", metavar="PATH", help="an image file, a folder or a quoted pattern; random images where left out")
    counted = "each time from the file on: decoding and resizing are counted, as stages of their own"
    add("--from_files", action="store_true", help=counted)
    add("--stretch", type=number(1, LARGEST_STRETCH, float), metavar="X", help=STRETCH)
    add("--labels", metavar="FILE", help="annotations.json, or {file: label}; else beside the images, or their names")
    several = "threads of one inference, one run for each (default 1)"
    add("--threads", type=thread_counts, default=[1], metavar="N[,M]", help=several)
    often = f"of every image (default: {FEWEST_REPETITIONS}; more for few images)"
    add("--repetitions", type=number(1, cap=MOST_REPETITIONS), metavar="N", help=often)
    add("--variants", type=listed, metavar="NAME[,NAME]", help=f"of {', '.join(VARIANTS)}; all by default")
    add(
        "--starts",
        type=number(0, cap=MOST_STARTS),
        default=3,
        metavar="N",
        help="fresh processes to time the first answer (default 3)",
    )
    trace = "trace: --json holds when energy was spent, for edge.replay"
    add("--energy", default="auto", metavar="METER", help=f"{METER_HELP}, else the model; model; none; or {trace}")
    add("--json", metavar="FILE", help="write everything that was measured")
    add("--csv", metavar="FILE", help="write a line for each variant and number of threads")
    add("--markdown", metavar="FILE", help="write what is printed")
    add("--chart", metavar="FILE.svg", help="write bars of the energy")
    add("--write_reference", metavar="DIR", help="write what is expected of this board, to compare later runs with")
    return parser


def parse_arguments(arguments):
    """Returns the command line's arguments; UserError where one is wrong."""
    parsed = make_parser().parse_args(arguments)
    if parsed.labels and not parsed.images:
        raise UserError("--labels goes with --images; name the images")
    if parsed.from_files and not parsed.images:
        raise UserError("--from_files goes with --images; name the images")
    other = _other_work(parsed)
    if other and parsed.write_reference:
        raise UserError(f"--write_reference is of a board from pixels on, and {other} was received; leave one out")
    if parsed.energy == "trace" and not parsed.json:
        raise UserError("--energy=trace writes moments for edge.replay; add --json=FILE")
    if parsed.chart and parsed.energy == "none":
        raise UserError("--chart draws the energy, and --energy=none was received; leave one out")
    written = _files_written(parsed)
    for option, path in written.items():
        check_writable(path, option)
    check_apart(written, _files_read(parsed))
    if parsed.write_reference:
        check_writable(Path(parsed.write_reference, "BOARD.json"), "--write_reference")
    return parsed


def _files_written(parsed) -> dict:
    """Returns the reports, by the option that names them."""
    return {f"--{name}": getattr(parsed, name) for name in FILES}


def _files_read(parsed) -> dict:
    """Returns the files that are read, by what names them."""
    csv_file = parsed.energy.removeprefix("csv:")
    named = {
        "--images": parsed.images,
        "--labels": parsed.labels,
        "--energy": None if csv_file == parsed.energy else csv_file,
    }
    labels = {f"{name} beside --images": os.path.join(parsed.images, name) for name in FILES_OF_LABELS if parsed.images}
    bundles = files_in(parsed.bundle, "--bundle") | files_in(parsed.float_bundle, "--float_bundle")
    return named | labels | bundles


def main(arguments) -> None:
    """The command `python -m edge.benchmark`."""
    parsed = parse_arguments(arguments)
    bundle = load_bundle(parsed.bundle)
    check_levels(bundle.manifest, _seen(parsed))
    bundles = by_precision(bundle, load_bundle(parsed.float_bundle) if parsed.float_bundle else None)
    chosen, left_out = choose(bundles, parsed.variants, real_images=parsed.images is not None)
    meter, no_meter = _meter(parsed.energy)
    with contextlib.ExitStack() as stack:
        images = find_images(parsed, bundle.manifest, stack)
        check_apart(_files_written(parsed), {f"--images, {path}": path for path in images.paths})
        found = [_run(parsed, bundles, chosen, left_out, images, meter, threads) for threads in parsed.threads]
    for one in found:
        one["notes"] += [*no_meter, *(one_bundle.doubt for one_bundle in bundles.values() if one_bundle.doubt)]
        one["reference"] = None if _other_work(parsed) else references.against(one, references.FOLDER)
    text = "\n\n".join(map(tables.as_text, found))
    print(text)
    _write_all(parsed, found, text)


def _other_work(parsed) -> str | None:
    """Returns the option that has other work done than references tell of, or None."""
    return "--from_files" if parsed.from_files else "--stretch" if parsed.stretch else None


def _seen(parsed) -> dict:
    """Returns the arguments of a run that tell how images are seen, beside the variant's own."""
    return {} if parsed.stretch is None else {"stretch": parsed.stretch}


def _meter(wanted: str):
    """Returns the meter or None, and notes of why there is none."""
    if wanted in ("model", "none", "trace"):
        return None, []
    if wanted != "auto":
        return make_meter(wanted), []
    meter, _ = find_meter()
    return meter, [] if meter else ["no energy meter works here, so that energy is modelled; --energy=METER says why"]


def _run(parsed, bundles, chosen, left_out, images, meter, threads) -> dict:
    """Returns the findings for one number of threads, as the JSON holds them."""
    manifest = next(iter(bundles.values())).manifest  # of --bundle
    num_patches = manifest.num_patches
    repetitions = parsed.repetitions or max(FEWEST_REPETITIONS, math.ceil(ENOUGH_TIMES / len(images.paths)))
    print(
        f"{len(chosen)} variants, {len(images.paths)} images, {repetitions} repetitions, threads: {threads}",
        file=sys.stderr,
        flush=True,
    )
    seen, work = _seen(parsed), {"num_patches": num_patches, "threads": threads}
    start = functools.partial(_start, images.paths[0], work | seen)
    starts = {name: [start(name, bundles[v.precision]) for _ in range(parsed.starts)] for name, v in chosen.items()}
    runs = {
        name: functools.partial(make_run(v, bundles[v.precision], num_patches, threads), **seen)
        for name, v in chosen.items()
    }
    kept = max(1, KEPT_BYTES // load_image(images.paths[0], manifest.input).size)
    load = functools.lru_cache(kept)(lambda path: load_image(path, manifest.input))
    take: Any = load
    size: Any = size_of
    if parsed.from_files:
        runs = {name: from_file(run, manifest.input) for name, run in runs.items()}
        take, size = str, {str(path): load(path).shape[:2] for path in images.paths}.get
    watch = Watch(Machine())
    watch.look()
    times = race(runs, take, images.paths, repetitions, SEED, watch.look_at_times, size)
    watch.look()
    raced = {
        name: findings.Run(v, bundles[v.precision], runs[name], times[name], starts[name], **seen)
        for name, v in chosen.items()
    }
    found = findings.entries(raced, images.paths, images.labels)
    spent = meter or parsed.energy == "trace"
    taken = [take(path) for path in images.paths[:kept]] if spent else []  # what is decoded meanwhile would count
    findings.add_energy(found, raced, taken, parsed.energy, meter)
    return {
        **findings.circumstances(watch, threads, bundles, images, repetitions, SEED),
        "from_files": parsed.from_files,
        "stretch": parsed.stretch,
        "variants": found,
        "left_out": left_out,
    }


def _start(image, work: dict, name, bundle):
    """Returns the seconds to the first answer in a fresh process, and its peak memory in MB or None."""
    more = [f"--{option}={value}" for option, value in work.items()]
    arguments = [f"--variant={name}", f"--bundle={bundle.path}", *more]
    started = start_once([*arguments, "--", str(image)], "edge.comparison.variants")
    return started.seconds, json.loads(started.line)["memory_mb"]


def _write_all(parsed, found, text):
    whole = found[0] if len(found) == 1 else findings.several(found)
    if parsed.json:
        write(parsed.json, json.dumps(whole, indent=2) + "\n")
    if parsed.csv:
        write(parsed.csv, tables.as_csv(found))
    if parsed.markdown:
        write(parsed.markdown, text + "\n")
    if parsed.chart:
        write(parsed.chart, tables.energy_chart(found[0]))
    if parsed.write_reference:
        print(f"\nwritten: {references.write_reference(found, parsed.write_reference)}")


if __name__ == "__main__":
    run_main(main, sys.argv[1:])
