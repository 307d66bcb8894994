"""Command lines of the programs of `edge` and `tools`."""

import argparse
import math

from edge.errors import UserError

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
        if not least <= value <= most or math.isinf(value):
            limits = f"of at least {least}" if most == math.inf else f"from {least} to {most}"
            raise argparse.ArgumentTypeError(f"must be {NAMES[kind]} {limits}, received {text}")
        return value

    return read


def listed(text: str) -> list[str]:
    """A type of arguments: words, separated by commas."""
    return [word for word in text.split(",") if word]
