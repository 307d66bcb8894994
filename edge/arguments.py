"""Command lines of the edge's programs."""

import argparse

from edge.errors import UserError


class OneLineParser(argparse.ArgumentParser):
    """Reports wrong arguments as a `UserError`."""

    def error(self, message):
        raise UserError(f"{message}; see {self.prog} --help")
