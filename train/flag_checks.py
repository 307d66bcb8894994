"""Checks of a command line before anything is done with it: flagfiles that are no text, numbers that are none."""

import math
import os
from pathlib import Path

from train.errors import UserError
from train.plain_files import read_plain, reason

MOST_BYTES = 2**20  # of a flagfile
MOST_FILES = 100  # flagfiles that name one another
MOST = 2**53  # up to which a float counts every integer


def check_flagfiles(arguments: list[str]):
    """Raises UserError where a flagfile, or one that it names, is no text in UTF-8, or no plain file."""
    left, opened = list(_flagfiles(arguments)), 0
    while left:
        opened += 1
        if opened > MOST_FILES:
            raise UserError(f"flagfiles name more than {MOST_FILES} others, {left[0]} among them; drop the circle")
        left += _flagfiles(_text(left.pop(0)).splitlines())


def check_numbers(values):
    """Raises UserError for a flag that is infinite, no number, or beyond what a float counts."""
    for name in values:
        value = values[name].value
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and not math.isfinite(value):
            raise UserError(f"--{name} must be a finite number. Received: {value}; give another")
        if is_number and abs(value) > MOST:
            raise UserError(f"--{name} must be at most {MOST:,}. Received: {str(value)[:40]}; give a smaller number")


def _flagfiles(arguments):
    """Yields the flagfiles that arguments name, as absl finds them."""
    for i, argument in enumerate(arguments):
        flag, is_given, name = argument.partition("=")
        if flag.strip() in ("--flagfile", "-flagfile"):
            name = name if is_given else next(iter(arguments[i + 1 : i + 2]), "")
            if name.strip():
                yield os.path.expanduser(name.strip())


def _text(name: str) -> str:
    try:
        text = read_plain(Path(name), most=MOST_BYTES).decode()
    except UnicodeDecodeError:
        raise UserError(
            f"--flagfile must be text in UTF-8. Received: {name}, in another encoding, such as UTF-16; save it as UTF-8"
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(f"--flagfile can't be read. Received: {name} ({reason(error)}); name a text file") from error
    if text.startswith("\ufeff") or "\0" in text:
        raise UserError(
            f"--flagfile must be text in UTF-8 without a byte order mark. Received: {name}; save it as plain UTF-8"
        )
    return text
