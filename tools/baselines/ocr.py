"""Numbers read by a bundle and by RapidOCR (PP-OCRv4): the same images in turn, one thread each.

python -m tools.baselines.ocr --bundle=BUNDLE --images=PATH [--labels=FILE] [--split=NAME] [--limit=N] [--crops]
    [--stretch=X] [--vote_lead=X] [--num_patches=K] [--json=FILE] [--markdown=FILE]

It needs RapidOCR: pip install '.[edge,ocr]', best in an environment of its own, for RapidOCR brings the OpenCV that has
windows, which does not go with the one that training uses. Neither TensorFlow nor a network connection is needed: the
models are inside its package. Without --bundle it measures RapidOCR alone.

An image is read right where the digits are its label's, all of them, and where nothing is read in an image whose label
is empty. How RapidOCR's lines of text become a number is told in `tools.baselines.ocr_reading`; --crops says that the
images are tight crops of one number: RapidOCR reads without detection, and the bundle as edge.run --always_read
--framed does. Else the bundle reads as edge.run does, by the manifest's patches and thresholds.

Time is from the decoded image, in its own size and colours, to the number; resizing counts. `ratio` is the median over
the images of the bundle's time by RapidOCR's. Processors' time hardly depends on what else the machine does, time by
the clock does. The share of processors' time outside of the one thread is measured too: where it is not near 0, the
comparison is not of one thread each, and that is said.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # before numpy and OpenCV load

import importlib.metadata
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from edge.answers.reader import LARGEST_STRETCH, check_levels
from edge.arguments import number
from edge.bundle import load_bundle
from edge.comparison.board import Machine, Watch, versions
from edge.comparison.variants import ADAPTIVE, DCN, PRECISIONS, Variant, make_run
from edge.errors import run_main
from edge.network.pyramid_runner import ALL
from edge.output import check_apart, check_writable, files_in, write
from edge.sight.images import model_pixels, open_image
from tools.baselines.ocr_images import LabelledImages, find_images
from tools.baselines.ocr_reading import OcrReader, make_engine
from tools.baselines.ocr_report import OURS, THEIRS, report
from tools.baselines.side_by_side import (
    MOST_ELSEWHERE,
    Reader,
    by_length,
    difference,
    error,
    ratio,
    read_in_turn,
    times,
)
from tools.command import make_parser
from tools.progress import EVERY

PACKAGES = ("rapidocr-onnxruntime", "onnxruntime", "opencv-python", "opencv-python-headless")


def parse_arguments(arguments):
    """Returns the command line's arguments; UserError where one is wrong."""
    parser = make_parser("tools.baselines.ocr", __doc__)
    add = parser.add_argument
    add("--bundle", metavar="BUNDLE", help="a folder or zip file made by tools.quantize; RapidOCR alone where left out")
    add("--images", required=True, metavar="PATH", help="an image file, a folder, a quoted pattern, or a zip file")
    add("--labels", metavar="FILE", help="annotations.json, or {file: label}; else beside the images, or their names")
    add("--split", metavar="NAME", help="only images of this split of annotations.json")
    add("--limit", type=number(1), metavar="N", help="only the first N images")
    add("--crops", action="store_true", help="tight crops of one number: RapidOCR reads without detection")
    add("--stretch", type=number(1, LARGEST_STRETCH, float), metavar="X", help="the bundle reads as edge.run --stretch")
    add("--vote_lead", type=number(0, ALL, float), metavar="X", help="the bundle reads as edge.run --vote_lead")
    add("--num_patches", type=number(1), metavar="K", help="patches per image; the bundle's own by default")
    add("--json", metavar="FILE", help="write everything that was measured, and every reading")
    add("--markdown", metavar="FILE", help="write what is printed")
    parsed = parser.parse_args(arguments)
    written = {f"--{name}": getattr(parsed, name) for name in ("json", "markdown")}
    for option, path in written.items():
        check_writable(path, option)
    check_apart(written, {"--images": parsed.images, "--labels": parsed.labels} | files_in(parsed.bundle, "--bundle"))
    return parsed


def main(arguments) -> None:
    """The command `python -m tools.baselines.ocr`."""
    parsed = parse_arguments(arguments)
    bundle = load_bundle(parsed.bundle) if parsed.bundle else None
    readers = {OURS: bundle_reader(bundle, parsed.num_patches, parsed.crops, **_settings(parsed))} if bundle else {}
    readers[THEIRS] = Reader(open_image, OcrReader(make_engine(), parsed.crops))
    with tempfile.TemporaryDirectory() as folder:
        images = find_images(parsed.images, Path(folder), parsed.labels, parsed.split, parsed.limit)
        found = compare(readers, images)
    found = {"images": _images(parsed, images), "bundle": bundle and _bundle(bundle, parsed)} | found
    text = report(found)
    print(text)
    if parsed.json:
        write(parsed.json, json.dumps(found, indent=1) + "\n")
    if parsed.markdown:
        write(parsed.markdown, text + "\n")


def bundle_reader(bundle, num_patches: int | None = None, crops: bool = False, **more) -> Reader:
    """Returns the reader that edge.run is with a bundle; UserError where the bundle cannot be run.

    crops: whether it reads as with --always_read and --framed, where the bundle has levels. more: what `edge.run` calls
    --stretch and --vote_lead.
    """
    manifest = bundle.manifest
    check_levels(manifest, more)
    threshold = ADAPTIVE if manifest.levels else "exit_entropy"
    variant = Variant(PRECISIONS.get(manifest.method), DCN, threshold)
    has_it = getattr(manifest, variant.setting_of(manifest)) is not None
    run = make_run(variant if has_it else replace(variant, setting=None), bundle, num_patches)
    settings = {"always_read": True, "framed": True} if crops and manifest.levels else {}
    settings |= more
    return Reader(
        load=lambda path: open_image(path, manifest.input),
        read=lambda image: run(model_pixels(image, manifest.input), **settings).prediction,
    )


def compare(readers: dict[str, Reader], images: LabelledImages) -> dict:
    """Returns what the JSON holds of the readers, `OURS` and `THEIRS` or one of them, and of the machine meanwhile."""
    watch = Watch(Machine())
    watch.look()
    readings = read_in_turn(readers, images.paths, between=_Between(watch, len(images.paths)))
    watch.look()
    labels = [images.labels[path] for path in images.paths if path in images.labels]
    wrong = {
        name: [r.prediction != images.labels[p] for p, r in zip(images.paths, own) if p in images.labels]
        for name, own in readings.items()
    }
    both = {}
    if set(readings) == {OURS, THEIRS}:
        both["ratio"] = ratio(readings[OURS], readings[THEIRS])
        both["difference"] = difference(wrong[OURS], wrong[THEIRS])
    return {
        "threads": 1,
        "readers": {
            name: {"error": error(wrong[name]), "by_length": by_length(wrong[name], labels)} | times(own)
            for name, own in readings.items()
        },
        **both,
        "board": watch.machine.name(),
        "problems": watch.problems() + _threads(readings),
        "versions": versions() | _versions(),
        "readings": [_reading(path, images, readings, i) for i, path in enumerate(images.paths)],
    }


class _Between:
    """Looks at the machine between turns, and tells how far the work is."""

    def __init__(self, watch: Watch, total: int):
        self._watch, self._total, self._told = watch, total, watch.states[0].seconds

    def __call__(self, done: int) -> None:
        self._watch.look_at_times()
        now = self._watch.states[-1].seconds
        if now - self._told >= EVERY:
            print(f"{done} of {self._total} images", file=sys.stderr, flush=True)
            self._told = now


def _threads(readings) -> list[str]:
    """Returns a sentence for each reader that worked in more than one thread."""
    shares = {name: times(own)["elsewhere"] for name, own in readings.items()}
    return [
        f"{name} took {share:.0%} of its processors' time outside of one thread; do not compare its times"
        for name, share in shares.items()
        if share > MOST_ELSEWHERE
    ]


def _reading(path, images: LabelledImages, readings, index: int) -> dict:
    facts = {"file": path.name, "label": images.labels.get(path)}
    for name, own in readings.items():
        reading = own[index]
        facts[name] = {
            "prediction": reading.prediction,
            "milliseconds": round(reading.milliseconds, 3),
            "cpu_milliseconds": round(reading.cpu, 3),
        }
    return facts


def _images(parsed, images: LabelledImages) -> dict:
    return {
        "source": Path(parsed.images).name,
        "split": parsed.split,
        "crops": parsed.crops,
        "count": len(images.paths),
        "labelled": len(images.labels),
        "labels": images.labels_source and Path(images.labels_source).name,
    }


def _bundle(bundle, parsed) -> dict:
    manifest = bundle.manifest
    return {
        "name": manifest.name,
        "method": manifest.method,
        "num_patches": parsed.num_patches or manifest.num_patches,
        "exit_entropy": None if manifest.levels else manifest.exit_entropy,
        "vote_lead": manifest.vote_lead,
        "reading_threshold": manifest.reading_threshold,
        **_settings(parsed),
    }


def _settings(parsed) -> dict:
    """Returns what was asked for in place of the bundle's own, by the names of `edge.run`."""
    return {name: getattr(parsed, name) for name in ("stretch", "vote_lead") if getattr(parsed, name) is not None}


def _versions() -> dict:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    run_main(main, sys.argv[1:])
