"""Command lines of the programs of `edge` and `tools`."""

import argparse
import math

from edge.errors import UserError

MOST = 10**12  # of any number: more than a program could count, hold or wait for
NAMES = {int: "a whole number", float: "a number"}


class OneLineParser(argparse.ArgumentParser):
    """Reports wrong arguments as a `UserError`."""

    def error(self, message):
        raise UserError(f"{message}; see {self.prog} --help")


def number(least: float, most: float = math.inf, kind=int):
    """Returns a type of arguments: numbers of a kind, `int` or `float`, from `least` to `most`."""

    def read(text: str):
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if value > MOST:
            raise argparse.ArgumentTypeError(f"must be at most {MOST:,}, received {text[:40]}")
        if not least <= value <= most or math.isinf(value):
            limits = f"of at least {least}" if most == math.inf else f"from {least} to {most}"
            raise argparse.ArgumentTypeError(f"must be {NAMES[kind]} {limits}, received {text[:40]}")
        return value

    return read


def listed(text: str) -> list[str]:
    """A type of arguments: words, separated by commas."""
    return [word for word in text.split(",") if word]
