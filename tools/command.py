"""Begins and ends the programs of this package: wrong input is one line and status 2."""

import argparse
import errno
import functools
import os
import re
import sys
import tempfile

from edge.arguments import OneLineParser
from edge.errors import UserError, WorkError, one_line, run_main

FULL = os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT)
MOST_PIXELS = 2**22  # of a bundle's input: more is no work for a device


def make_parser(program: str, text: str) -> OneLineParser:
    """Returns the parser of `python -m PROGRAM`, without arguments; its description is the first line of a text."""
    return OneLineParser(prog=f"python -m {program}", description=text.partition("\n")[0])


def image_size(text: str) -> tuple[int, int]:
    """A type of arguments: (height, width) in pixels, at most `MOST_PIXELS` of them."""
    words = text.split(",")
    if len(words) != 2 or not all(re.fullmatch("[1-9][0-9]{0,5}", side) for side in words):
        raise argparse.ArgumentTypeError(f"must be HEIGHT,WIDTH in pixels, received {text[:40]}; 256,512 is an example")
    height, width = map(int, words)
    if height * width > MOST_PIXELS:
        raise argparse.ArgumentTypeError(f"must be of at most {MOST_PIXELS:,} pixels, received {text}")
    return height, width


def run(main) -> None:
    """Calls `main(arguments)` with the command line's, and ends the process; TensorFlow's log stays silent."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever the user's keras.json says
    run_main(telling_full_disks(main), sys.argv[1:])


def telling_full_disks(main):
    """Returns `main` with a WorkError in place of what TensorFlow, Keras or HDF5 raise where the disk is full."""

    @functools.wraps(main)
    def told(arguments):
        try:
            return main(arguments)
        except (UserError, WorkError):
            raise
        except Exception as error:
            if not any(words in str(error) for words in FULL):
                raise
            raise WorkError(
                f"the disk is full: {one_line(error)}; make room there and in {tempfile.gettempdir()}. What was there "
                "before is as it was"
            ) from error

    return told
