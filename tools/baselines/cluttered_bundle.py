"""Reads the fixed test images of Cluttered MNIST with a bundle, in every way that the bundle offers.

python -m tools.baselines.cluttered_bundle --bundle=models/cluttered_mnist --data_dir=MNIST --test_images=50000

50,000 images are five sets of the 10,000 test digits, each with other clutter; the first set is what training tests on.
Intervals are by bootstrap over digits. Every way is compared with the bundle's fine model over the whole image, on the
same images. Neither TensorFlow nor a trained network is needed, only the bundle.
"""

import json
import os
import time

import numpy as np

from edge.arguments import number
from edge.bundle import Bundle, load_bundle
from edge.comparison.race import Outcome
from edge.comparison.variants import COARSE, DCN, PRECISIONS, WHOLE, Variant, make_run
from edge.comparison.work import mean_multiplications, shares
from edge.errors import UserError
from edge.output import check_apart, check_writable, files_in, write
from tools import command
from tools.findings.interval_tables import between, compared
from tools.progress import Progress
from tools.table import table
from train.data import digits
from train.data.cluttered import CANVAS, SPLIT_SEEDS, fixed_split
from train.data.dataset import Split
from train.errors import UserError as DataError
from train.evaluation.significance import intervals, paired

PATCHES = (1, 2, 4, 8, 16)
MOST_IMAGES = 100_000
FINE = "fine"


def ways(bundle: Bundle) -> dict[str, Variant]:
    """Returns the ways that a bundle can read in, by name; with a fixed number of patches that is in the name."""
    manifest, precision = bundle.manifest, PRECISIONS.get(bundle.manifest.method)
    found = {"coarse": Variant(precision, COARSE)}
    if WHOLE[0] in manifest.models:
        found[FINE] = Variant(precision, WHOLE)
    found |= {f"dcn/{k}": Variant(precision, DCN) for k in PATCHES}
    for setting in ("exit_entropy", manifest.adaptive):
        if setting and getattr(manifest, setting) is not None:
            found[f"dcn, {setting}"] = Variant(precision, DCN, setting)
    return found


def measure(bundle: Bundle, split: Split, make=make_run) -> dict:
    """Returns what reading a split in every way gives, by the way's name.

    `error` and its `interval`, percent; `num_patches` and `multiplications` of the mean image; `cpu_milliseconds` of
    one; and how it compares with fine, `against_fine`.

    Args:
        bundle: whose labels are digits.
        split: what is read.
        make: (variant, bundle, number of patches) -> a function, image -> `edge.network.result.Result`.
    """
    wrong, rows, variants = {}, {}, ways(bundle)
    progress = Progress("reading", len(variants) * len(split), "images")
    for done, (name, variant) in enumerate(variants.items()):
        run = make(variant, bundle, int(name.partition("/")[2] or 0) or None)
        begun, missed, outcomes = time.thread_time(), np.empty(len(split), bool), []
        for i, (image, label) in enumerate(zip(split.images, split.labels[:, 0].tolist())):
            result = run(image)
            missed[i] = result.prediction != str(label)
            outcomes.append(Outcome(result.prediction, result.num_patches, result.saliency is not None))
            progress.tell(done * len(split) + i + 1, f": {name}")
        wrong[name], seconds = missed, time.thread_time() - begun
        rows[name] = {
            "error": round(100.0 * float(missed.mean()), 4),
            "num_patches": round(sum(outcome.num_patches for outcome in outcomes) / len(split), 4),
            "multiplications": mean_multiplications(bundle, shares(variant, outcomes)),
            "cpu_milliseconds": round(1e3 * seconds / len(split), 4),
        }
    for name, interval in intervals(wrong, split.sources).items():
        rows[name]["interval"] = interval
        if name != FINE and FINE in wrong:
            rows[name]["against_fine"] = paired(wrong[name], wrong[FINE], split.sources)
    return rows


def report(rows: dict) -> str:
    """Returns the table of what `measure` found."""
    header = ["", "error, %", "95 % interval", "patches", "M mult.", "CPU, ms"]
    header += ["less fine, points", "95 % interval", "wrong alone: it / fine", "McNemar's p"]
    cells = [
        (
            name,
            f"{row['error']:.3f}",
            between(row["interval"]),
            f"{row['num_patches']:.2f}",
            "?" if row["multiplications"] is None else f"{row['multiplications'] / 1e6:.2f}",
            f"{row['cpu_milliseconds']:.2f}",
            *compared(row.get("against_fine")),
        )
        for name, row in rows.items()
    ]
    return table(header, cells)


def main(arguments) -> None:
    """The command `python -m tools.baselines.cluttered_bundle`."""
    parser = command.make_parser("tools.baselines.cluttered_bundle", __doc__)
    add = parser.add_argument
    add("--bundle", required=True, metavar="BUNDLE", help="a folder or zip file made by tools.quantize")
    add("--data_dir", metavar="FOLDER", help="with mnist.npz or the IDX files; DCN_DATA_DIR where left out")
    add("--test_images", type=number(1, MOST_IMAGES), default=10_000, metavar="N", help="how many (default 10000)")
    add("--json", metavar="FILE", help="write everything that was measured")
    parsed = parser.parse_args(arguments)
    check_writable(parsed.json, "--json")
    check_apart({"--json": parsed.json}, files_in(parsed.bundle, "--bundle"))
    bundle = load_bundle(parsed.bundle)
    if bundle.manifest.levels or bundle.manifest.input.size != (CANVAS, CANVAS):
        raise UserError(f"--bundle must read images of {CANVAS} x {CANVAS}, received {parsed.bundle}; name another")
    try:
        source = digits.load_mnist(parsed.data_dir or os.environ.get("DCN_DATA_DIR"))
    except DataError as error:
        raise UserError(str(error)) from error
    split = fixed_split(*source.test, parsed.test_images, SPLIT_SEEDS["test"])
    rows = measure(bundle, split)
    print(report(rows))
    if parsed.json:
        facts = {"bundle": str(parsed.bundle), "files": bundle.manifest.content["files"]}
        write(parsed.json, json.dumps(facts | {"test_images": len(split), "ways": rows}, indent=1) + "\n")


if __name__ == "__main__":
    command.run(main)
