"""Checks a bundle, packs it into one file, or vouches for its manifest.

python -m edge.bundle check BUNDLE          verify it, as far as reading an image here, and print its card
python -m edge.bundle pack BUNDLE FILE.zip  write it as one file; the same bundle always gives the same bytes
python -m edge.bundle stamp BUNDLE          give its manifest, as it is, a checksum: one of an older program, or one
                                            that you have changed; look at what it prints
"""

import sys
from pathlib import Path

import numpy as np

from edge.arguments import OneLineParser
from edge.bundle import Bundle, card, load_bundle, write_bundle
from edge.bundle.storage import MANIFEST_FILE, write
from edge.errors import UserError, WorkError, run_main
from edge.network.pyramid_runner import make_runner
from edge.network.runner import NEVER


def check(path) -> None:
    """Prints a bundle's card, after reading an image with it; UserError where it is damaged or cannot be run here."""
    bundle = load_bundle(path)
    read_noise(bundle)
    if bundle.doubt:
        raise UserError(bundle.doubt)
    print(card(bundle))


def stamp(path) -> None:
    """Writes a bundle's manifest again, with a checksum, and prints the card; UserError where it cannot be run here."""
    bundle = load_bundle(path, vouched=True)
    read_noise(bundle)
    files = {name: content for name, content in bundle.files.items() if name != MANIFEST_FILE}
    print(card(write_bundle(path, files, bundle.manifest.content)))


def read_noise(bundle: Bundle) -> None:
    """Reads an image of noise in both stages; UserError where the answer is no number."""
    noise = np.random.default_rng(0).integers(0, 256, bundle.manifest.input.shape, np.uint8)
    try:
        make_runner(bundle).run(noise, exit_entropy=NEVER)
    except WorkError as error:
        raise UserError(str(error)) from None


def pack(path, destination) -> None:
    """Writes a bundle as one zip file; UserError where it is damaged, or something else lies at the destination."""
    if Path(destination).suffix != ".zip":
        raise UserError(f"a packed bundle's name ends in .zip, received {destination}; name it {destination}.zip")
    bundle = load_bundle(path)
    if bundle.doubt:  # a packed one has none, since a zip file has checksums of its own
        raise UserError(bundle.doubt)
    write(Path(destination).resolve(), bundle.files)
    print(f"written: {destination}")


def main(arguments=None) -> None:
    """The command `python -m edge.bundle`."""
    description = "Checks a bundle, packs it into one file, or vouches for its manifest."
    parser = OneLineParser(prog="python -m edge.bundle", description=description)
    actions = parser.add_subparsers(required=True, metavar="check | pack | stamp")
    checking = actions.add_parser("check", help="verify a bundle and print its card")
    checking.set_defaults(run=check)
    packing = actions.add_parser("pack", help="write a bundle as one zip file")
    packing.set_defaults(run=pack)
    stamping = actions.add_parser("stamp", help="give a bundle's manifest, as it is, a checksum")
    stamping.set_defaults(run=stamp)
    for action in (checking, packing, stamping):
        action.add_argument("path", metavar="BUNDLE", help="the bundle's folder or zip file")
    packing.add_argument("destination", metavar="FILE.zip", help="where to; an older bundle there is replaced")
    parsed = vars(parser.parse_args(arguments))
    parsed.pop("run")(**parsed)


if __name__ == "__main__":
    run_main(main, sys.argv[1:])
