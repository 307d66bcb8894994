"""How a program of this package begins: flags, then one function; wrong input is one line and status 2."""

import os
import sys

from absl import app, flags

from edge.errors import EXIT_WRONG_INPUT, UserError, one_line, run_main


def run(main) -> None:
    """Parses the flags, which must be defined before, and calls `main(flag values)`."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    app.run(lambda arguments: run_main(_checked, main, arguments), flags_parser=_parse)


def _checked(main, arguments):
    if len(arguments) > 1:
        raise UserError(f"every argument is a flag, --name=value, received {arguments[1]!r}; --help lists the flags")
    return main(flags.FLAGS)


def _parse(arguments):
    try:
        return flags.FLAGS(arguments)
    except flags.Error as error:
        print(f"error: {one_line(error)}; --help lists the flags", file=sys.stderr)
        sys.exit(EXIT_WRONG_INPUT)
