"""Command lines of the programs of `edge` and `tools`."""

import argparse
import math

from edge.errors import UserError

MOST_THREADS = 256  # of one inference: some runtimes crash at more, and others hang
MOST = 10**9  # of any number: more than a program could count, hold or wait for
NAMES = {int: "a whole number", float: "a number"}


class OneLineParser(argparse.ArgumentParser):
    """Reports wrong arguments as a `UserError`."""

    def error(self, message):
        raise UserError(f"{message}; see {self.prog} --help")

    def parse_known_args(self, args=None, namespace=None):
        """As argparse's, but refuses empty values: they would mean this folder, or that none was given."""
        parsed, rest = super().parse_known_args(args, namespace)
        for name, value in vars(parsed).items():
            if value != self.get_default(name) and (value == "" or (isinstance(value, list) and "" in value)):
                self.error(f"{name} was given nothing")
        return parsed, rest


def number(least: float, most: float = math.inf, kind=int, cap: float = MOST):
    """Returns a type of arguments: an `int` or `float` from `least` to `most`; what is beyond `cap` is a slip."""

    def read(text: str):
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if cap < value < math.inf:
            raise argparse.ArgumentTypeError(f"must be at most {cap:,}, received {text[:40]}")
        if not least <= value <= most or math.isinf(value):
            limits = f"of at least {least}" if most == math.inf else f"from {least} to {most}"
            raise argparse.ArgumentTypeError(f"must be {NAMES[kind]} {limits}, received {text[:40]}")
        return value

    return read


number_of_threads = number(1, cap=MOST_THREADS)


def listed(text: str) -> list[str]:
    """A type of arguments: words, separated by commas; at least one."""
    words = [word for word in text.split(",") if word]
    if not words:
        raise argparse.ArgumentTypeError(f"must be words joined by commas, received {text!r}")
    return words
