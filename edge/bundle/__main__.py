"""Checks a bundle, or packs it into one file.

python -m edge.bundle check BUNDLE          verify it, as far as running its models here, and print its card
python -m edge.bundle pack BUNDLE FILE.zip  write it as one file; the same bundle always gives the same bytes
"""

import sys
from pathlib import Path

from edge.arguments import OneLineParser
from edge.bundle import card, load_bundle
from edge.bundle.storage import write
from edge.errors import UserError, run_main
from edge.network.pyramid_runner import make_runner


def check(path) -> None:
    """Prints a bundle's card, after making its interpreters; UserError where it is damaged or cannot be run here."""
    bundle = load_bundle(path)
    make_runner(bundle)
    print(card(bundle))


def pack(path, destination) -> None:
    """Writes a bundle as one zip file; UserError where it is damaged, or something else lies at the destination."""
    if Path(destination).suffix != ".zip":
        raise UserError(f"a packed bundle's name ends in .zip, received {destination}; name it {destination}.zip")
    write(Path(destination).resolve(), load_bundle(path).files)
    print(f"written: {destination}")


def main(arguments=None) -> None:
    """The command `python -m edge.bundle`."""
    parser = OneLineParser(prog="python -m edge.bundle", description="Checks a bundle, or packs it into one file.")
    actions = parser.add_subparsers(required=True, metavar="check | pack")
    checking = actions.add_parser("check", help="verify a bundle and print its card")
    checking.set_defaults(run=check)
    packing = actions.add_parser("pack", help="write a bundle as one zip file")
    packing.set_defaults(run=pack)
    for action in (checking, packing):
        action.add_argument("path", metavar="BUNDLE", help="the bundle's folder or zip file")
    packing.add_argument("destination", metavar="FILE.zip", help="where to; an older bundle there is replaced")
    parsed = vars(parser.parse_args(arguments))
    parsed.pop("run")(**parsed)


if __name__ == "__main__":
    run_main(main, sys.argv[1:])
