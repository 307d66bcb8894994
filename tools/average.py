"""Writes the mean of several trainings' weights: often better than each, where all began from the same weights.

python -m tools.average WORKDIR|FILE.keras WORKDIR|FILE.keras ... --out=FILE.keras [--shares=0.25,0.25,0.5]

Wortsman et al. 2022, "Model soups". Trainings that did not begin from the same weights have no useful mean. The file is
what `--init_from` of train.main and `--weights` of tools.quantize take.
"""

import math
from pathlib import Path

import numpy as np

from edge.arguments import listed
from edge.errors import UserError
from edge.output import check_writable
from tools import command
from train.errors import UserError as TrainUserError
from train.files import replacing
from train.initial_weights import read_model, take_values, values_of

MOST = 64  # trainings: all their weights are held at once


def parse_arguments(arguments):
    """Returns the command line, checked, with `shares` as numbers; UserError for what is wrong with it."""
    parser = command.make_parser("tools.average", __doc__)
    parser.add_argument("trainings", nargs="+", metavar="WORKDIR|FILE.keras", help="what is averaged")
    parser.add_argument("--out", required=True, metavar="FILE.keras", help="where the mean is written")
    parser.add_argument("--shares", type=listed, metavar="S,S", help="of each in the mean; equal where left out")
    parsed = parser.parse_args(arguments)
    count = len(parsed.trainings)
    if not 2 <= count <= MOST:
        raise UserError(f"tools.average needs from 2 to {MOST} trainings, received {count}; name more, or fewer")
    if not parsed.out.endswith(".keras"):
        raise UserError(f"--out must end in .keras, received {parsed.out}")
    check_writable(parsed.out, "--out")
    parsed.shares = _shares(parsed.shares, count)
    return parsed


def _shares(words, count: int) -> list[float]:
    """Returns what each training has in the mean, together 1; UserError where words are no such numbers."""
    try:
        shares = [float(word) for word in words] if words else [1 / count] * count
    except ValueError:
        shares = []
    if (
        len(shares) != count
        or not all(share >= 0 for share in shares)
        or not math.isclose(sum(shares), 1, abs_tol=1e-6)
    ):
        raise UserError(f"--shares must be {count} numbers that sum to 1, received {','.join(words)}")
    return shares


def _mean(values, shares) -> np.ndarray:
    """Returns the mean of arrays of one shape; of counters and random states the first."""
    if values[0].dtype.kind != "f":
        return values[0]
    return np.sum([share * value for share, value in zip(shares, values)], axis=0).astype(values[0].dtype)


def main(arguments) -> None:
    """The command `python -m tools.average`."""
    parsed = parse_arguments(arguments)
    try:
        model = read_model(parsed.trainings[0])
        held = [values_of(source) for source in parsed.trainings]
        for source, values in zip(parsed.trainings, held):
            take_values(model, values, source)  # which says where one does not fit
        take_values(model, [_mean(values, parsed.shares) for values in zip(*held)], parsed.out)
    except TrainUserError as error:
        raise UserError(str(error).replace("--init_from", "a training")) from error
    with replacing(Path(parsed.out)) as partial:
        model.save(partial)
    print(f"written: {parsed.out}, the mean of {len(held)} trainings")


if __name__ == "__main__":
    command.run(main)
