"""The begin and end of a program of this package: flags, then one function; mistakes are one line on stderr."""

import contextlib
import functools
import os
import signal
import sys

from absl import app, flags

from train import disk, signals
from train.errors import TrainingError, UserError
from train.flag_checks import check_flagfiles, check_numbers
from train.progress import end_line

RESTART = "Begin again at step 0, with any flags; what the workdir holds of a run is kept aside in it."  # a flag's help


def run(program: str, main):
    """Parses the flags, which must be defined before, calls `main()` and exits.

    The status is 0 for done, 1 for failed, 2 for wrong input, and 128 plus its number for a signal: 130 after Ctrl-C.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed before we began
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    app.run(functools.partial(_status, program, main), flags_parser=functools.partial(_parse, program))


def _status(program, main, arguments):
    try:
        with signals.handling():
            if len(arguments) > 1:
                raise UserError(f"every argument is a flag, --name=value. Received: {arguments[1]!r}")
            main()
    except UserError as error:
        return _say(program, error, 2)
    except TrainingError as error:
        return _say(program, error, 1)
    except OSError as error:
        return _say(program, _told(error), 1)
    except KeyboardInterrupt as error:
        number = getattr(error, "number", signal.SIGINT)
        return _say(program, error if error.args else "interrupted", signals.ENDED_BY + number)
    return 0


def _told(error: OSError):
    """Returns what is to be said of an error of the system."""
    if not disk.is_full(error):
        return error
    return disk.explained(error.filename) if error.filename else f"the disk is full ({error}); make room"


def _parse(program, arguments):
    try:
        check_flagfiles(arguments[1:])
        left = flags.FLAGS(arguments)
        check_numbers(flags.FLAGS)
    except SystemExit:  # of --help, with which absl fails
        sys.exit(0)
    except flags.Error as error:
        sys.exit(_say(program, f"{' '.join(str(error).split())[:500]}; --help lists the flags", 2))
    except UserError as error:
        sys.exit(_say(program, error, 2))
    return left


def _say(program, message, status):
    with contextlib.suppress(OSError):  # a log on a full disk
        end_line()
        print(f"{program}: {' '.join(str(message).split())}", file=sys.stderr)
    return status
