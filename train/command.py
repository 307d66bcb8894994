"""How a program of this package begins and ends: flags, then one function; what went wrong is one line on stderr."""

import functools
import sys

from absl import app, flags

from train.errors import TrainingError, UserError
from train.flag_checks import check_flagfiles, check_numbers
from train.progress import end_line


def run(program: str, main):
    """Parses the flags, which must be defined before, calls `main()` and exits: 0 done, 1 it failed, 2 wrong input."""
    app.run(functools.partial(_status, program, main), flags_parser=functools.partial(_parse, program))


def _status(program, main, arguments):
    try:
        if len(arguments) > 1:
            raise UserError(f"every argument is a flag, --name=value. Received: {arguments[1]!r}")
        main()
    except UserError as error:
        return _say(program, error, 2)
    except TrainingError as error:
        return _say(program, error, 1)
    except OSError as error:
        return _say(program, f"{error}; nothing is lost but what came after the last checkpoint", 1)
    except KeyboardInterrupt:
        return _say(program, "interrupted; the same command resumes at the last checkpoint", 1)
    return 0


def _parse(program, arguments):
    try:
        check_flagfiles(arguments[1:])
        left = flags.FLAGS(arguments)
        check_numbers(flags.FLAGS)
    except flags.Error as error:
        sys.exit(_say(program, f"{' '.join(str(error).split())[:500]}; --help lists the flags", 2))
    except UserError as error:
        sys.exit(_say(program, error, 2))
    return left


def _say(program, message, status):
    end_line()
    print(f"{program}: {message}", file=sys.stderr)
    return status
