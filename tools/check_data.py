"""Looks through your images before hours are spent on them: counts, sizes, balance, suspicious ones, a contact sheet.

python -m tools.check_data PATH [--sheet=sheet.png]

Images are read as a training with --dataset=folder reads them.
"""

from collections import Counter
from pathlib import Path

import numpy as np

from edge.errors import UserError
from edge.output import check_writable
from tools import command
from tools.files import write_picture
from tools.table import table
from train.data.annotations import SPLITS
from train.data.check import Checked, check, sheet
from train.errors import UserError as DataError

MOST_CLASSES, MOST_SUSPICIOUS = 40, 30  # that are printed


def make_parser():
    """Returns the parser of the command line."""
    parser = command.make_parser("tools.check_data", __doc__)
    parser.add_argument("path", metavar="PATH", help="a folder or zip, as --data_dir of train.main takes it")
    parser.add_argument(
        "--sheet", default="sheet.png", metavar="FILE.png", help="where the contact sheet goes (default sheet.png)"
    )
    return parser


def report(found: Checked) -> str:
    """Returns what was found, in words and a table."""
    total = sum(found.counts.values(), Counter())
    names = sorted(total)
    rows = [[name, *(str(found.counts[split][name]) for split in SPLITS), str(total[name])] for name in names]
    rows = rows[:MOST_CLASSES] + ([["..."] + [""] * 4] if len(rows) > MOST_CLASSES else [])
    rows.append(["all", *(str(sum(found.counts[split].values())) for split in SPLITS), str(sum(total.values()))])
    parts = [table([f"{len(names)} classes", *SPLITS, "all"], rows)]
    if found.sizes:
        sizes = np.array(found.sizes)
        least, middle, most = sizes.min(axis=0), np.median(sizes, axis=0).astype(int), sizes.max(axis=0)
        least, middle, most = (" x ".join(map(str, size)) for size in (least, middle, most))
        parts.append(f"sizes (height x width): {least} to {most}, {middle} in the middle")
    parts += [f"warning: {warning}" for warning in found.warnings]
    listed = list(found.suspicious.items())
    lines = [f"  {file}: {why}" for file, why in listed[:MOST_SUSPICIOUS]]
    if len(listed) > MOST_SUSPICIOUS:
        lines.append(f"  and {len(listed) - MOST_SUSPICIOUS} more")
    parts.append("\n".join([f"suspicious: {len(listed)}", *lines]) if listed else "suspicious: none")
    return "\n\n".join(parts)


def main(arguments) -> None:
    """Runs the command."""
    values = make_parser().parse_args(arguments)
    check_writable(values.sheet, "--sheet")
    place = Path(values.sheet).resolve()
    if place.exists() and place.is_relative_to(Path(values.path).resolve()):
        raise UserError(f"--sheet={values.sheet} is there, among the images; name another file")
    try:
        found = check(Path(values.path))
    except DataError as error:
        raise UserError(str(error).replace("--data_dir", "PATH")) from error
    print(report(found))
    write_picture(sheet(found), values.sheet, "--sheet")
    print(f"\nwritten: {values.sheet}")


if __name__ == "__main__":
    command.run(main)
