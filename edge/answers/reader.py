"""Reads images as a command line says; see `edge.run.make_parser` for its options."""

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from edge.arguments import number
from edge.bundle.manifest import Manifest
from edge.errors import UserError
from edge.network.budget import BudgetRunner, PyramidBudgetRunner
from edge.network.pyramid_runner import ALL, PyramidRunner
from edge.network.result import Result
from edge.network.runner import NEVER

KNOWN = ("reading_threshold", "always_read", "framed", "stretch")
LARGEST_STRETCH = 4.0
STRETCH = (
    "an image is seen a second time, so many times as high, for about twice the time: displays have wide digits; "
    "1.4 is a good value"
)


def add_known(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say what is known of an image before it is read: `KNOWN`."""
    group = parser.add_mutually_exclusive_group()
    least = "nothing is read where a reading has a probability below P; 0: never; the bundle's own by default"
    group.add_argument("--reading_threshold", type=number(0, 1, float), metavar="P", help=least)
    always = "every image holds a number: 'nothing to read' is no answer; for crops, and a camera that faces a meter"
    group.add_argument("--always_read", action="store_true", help=always)
    framed = "an image is cut out around one number: it is seen in three shapes, by patches that show all of it"
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--framed", action="store_true", help=framed)
    group.add_argument("--stretch", type=number(1, LARGEST_STRETCH, float), metavar="X", help=STRETCH)


def check_levels(manifest: Manifest, options) -> None:
    """Raises UserError where options were given, by name, that are for bundles with levels alone."""
    for name in () if manifest.levels else options:
        raise UserError(f"--{name} is for bundles with levels, see the card of {manifest.name}; leave it out")


def make_reader(runner: Any, parsed) -> Callable[[np.ndarray], Result]:
    """Returns a function, pixels -> result, that follows the command line; UserError where the bundle cannot.

    A saliency level takes the place of the bundle's exit, with which it was not calibrated; --exit_entropy adds one.
    """
    if parsed.adaptive and getattr(runner.manifest, runner.manifest.adaptive) is None:
        name = runner.manifest.adaptive
        raise UserError(f"--adaptive needs a bundle with a {name}; run tools.calibrate, or give --{name}=X")
    if runner.manifest.levels:
        return _reader_of_any_size(runner, parsed)
    if any(getattr(parsed, name) not in (None, False) for name in ("vote_lead", *KNOWN)):
        raise UserError(
            "--vote_lead, --reading_threshold, --always_read, --framed and --stretch are for bundles with levels, "
            "see its card; leave them out"
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
    names = ("exit_entropy", "saliency_level", *KNOWN)
    settings = {name: getattr(parsed, name) for name in names} | {"vote_lead": lead}
    if parsed.budget_ms is not None:
        return partial(PyramidBudgetRunner(runner, parsed.budget_ms, parsed.num_patches).run, **settings)
    return partial(runner.run, num_patches=runner.check_num_patches(parsed.num_patches), **settings)
