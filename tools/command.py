"""Begins and ends the programs of this package: wrong input is one line and status 2."""

import os
import sys

from edge.arguments import OneLineParser
from edge.errors import run_main


def make_parser(program: str, text: str) -> OneLineParser:
    """Returns a parser without arguments.

    Args:
        program: as in `python -m tools.NAME`, its name.
        text: the docstring of its module; the first line is its description.
    """
    return OneLineParser(prog=f"python -m {program}", description=text.partition("\n")[0])


def run(main) -> None:
    """Calls `main(arguments)` with the command line's, and ends the process; TensorFlow's log stays silent."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever the user's keras.json says
    run_main(main, sys.argv[1:])
