"""Compares a trained network with the fine model of another on the same test images of Cluttered MNIST.

python -m tools.baselines.paired_networks DCN.keras --fine=FINE.keras --num_patches=8,12 --data_dir=MNIST

A run of `train.main` compares a network with its own fine model, whose top was trained to answer from patches. A fine
model that was trained as such is another run's (`--model=fine`). 50,000 images are five sets of the 10,000 test digits,
each with other clutter; intervals are by bootstrap over digits.
"""

import json
import os
from pathlib import Path

from edge.arguments import listed, number
from edge.errors import UserError
from edge.output import check_apart, check_writable, write
from tools import command
from tools.findings.interval_tables import HEADER, between, compared
from tools.table import table
from train.errors import UserError as TrainingError
from train.main import prepare_tensorflow

MOST_IMAGES = 100_000
MOST_PATCHES = 1000


def measure(network, fine, counts, split) -> dict[str, dict]:
    """Returns the `error` and its `interval` in percent, and for the network's rows `against_fine`, by row's name.

    Args:
        network: a `DynamicCapacityNetwork` for classes.
        fine: another, whose whole fine model is compared with.
        counts: numbers of patches of the network.
        split: of the images.
    """
    from train.evaluation.intervals import wrong_rows
    from train.evaluation.reader import Reader
    from train.evaluation.significance import intervals, paired

    heads = network.architecture.top.heads
    found = Reader(network, counts)(split) | Reader(fine, (), trained="fine").fine(split)
    wrong = wrong_rows({row: found[row] for row in found if not row.startswith("box/")}, split, heads)
    rows = {row: {"error": round(100.0 * float(missed.mean()), 4)} for row, missed in wrong.items()}
    for row, interval in intervals(wrong, split.sources).items():
        rows[row]["interval"] = interval
        if row != "fine":
            rows[row]["against_fine"] = paired(wrong[row], wrong["fine"], split.sources)
    return rows


def report(rows: dict[str, dict]) -> str:
    """Returns the table of what `measure` found."""
    cells = [
        (name, f"{row['error']:.2f}", between(row["interval"]), *compared(row.get("against_fine")))
        for name, row in rows.items()
    ]
    return table(HEADER, cells)


def main(arguments) -> None:
    """The command `python -m tools.baselines.paired_networks`."""
    parser = command.make_parser("tools.baselines.paired_networks", __doc__)
    add = parser.add_argument
    add("network", metavar="DCN.keras", help="a network that train.main wrote")
    add("--fine", required=True, metavar="FINE.keras", help="another, whose whole fine model is compared with")
    add("--num_patches", type=listed, default=["8"], metavar="K,...", help="of the network (default 8)")
    add("--data_dir", metavar="FOLDER", help="with mnist.npz or the IDX files; DCN_DATA_DIR where left out")
    add("--test_images", type=number(1, MOST_IMAGES), default=10_000, metavar="N", help="how many (default 10000)")
    add("--json", metavar="FILE", help="write everything that was measured")
    parsed = parser.parse_args(arguments)
    counts = [_count(text) for text in parsed.num_patches]
    check_writable(parsed.json, "--json")
    check_apart({"--json": parsed.json}, {"DCN.keras": parsed.network, "--fine": parsed.fine})
    try:
        rows = _read(parsed, counts)
    except TrainingError as error:
        raise UserError(str(error)) from error
    print(report(rows))
    if parsed.json:
        facts = {"network": parsed.network, "fine": parsed.fine, "test_images": parsed.test_images, "rows": rows}
        write(parsed.json, json.dumps(facts, indent=1) + "\n")


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_PATCHES:
        raise UserError(f"--num_patches must be whole numbers from 1 to {MOST_PATCHES}, received {text!r}")
    return int(text)


def _read(parsed, counts) -> dict[str, dict]:
    prepare_tensorflow()
    from train.data import digits
    from train.data.cluttered import SPLIT_SEEDS, fixed_split
    from train.initial_weights import trained_network

    network, fine = trained_network(Path(parsed.network), "DCN.keras"), trained_network(Path(parsed.fine), "--fine")
    for path, one in ((parsed.network, network), (parsed.fine, fine)):
        _check(path, one.architecture)
    source = digits.load_mnist(parsed.data_dir or os.environ.get("DCN_DATA_DIR"))
    return measure(network, fine, counts, fixed_split(*source.test, parsed.test_images, SPLIT_SEEDS["test"]))


def _check(path, architecture):
    from train.data.cluttered import CANVAS

    if architecture.image_size != (CANVAS, CANVAS) or architecture.top.heads != (10,):
        raise UserError(
            f"a network must read a digit in images of {CANVAS} x {CANVAS}, received {path}, of "
            f"{architecture.name}; name another"
        )


if __name__ == "__main__":
    command.run(main)
