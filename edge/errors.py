"""The end of a program: one line that tells a user's mistake or a failure, and the exit status."""

import contextlib
import errno
import os
import signal
import sys

from edge.quiet import own_stderr

FULL = errno.ENOSPC, errno.EDQUOT
EXIT_FAILED = 1
EXIT_WRONG_INPUT = 2
EXIT_INTERRUPTED = 128 + signal.SIGINT


class _Told(Exception):
    def __str__(self) -> str:
        """Returns the message on one line, whatever the names in it hold."""
        return " ".join(super().__str__().splitlines())


class UserError(_Told):
    """The user's input is wrong. The message is one line: what is wrong, what was received, what to do."""


class WorkError(_Told):
    """What was asked for was right, and could not be done or not be finished. The message is one line."""


def one_line(error: BaseException, limit: int = 300) -> str:
    """Returns an error's message on one line of at most `limit` characters."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= limit else text[: limit - 3] + "..."


def run_main(main, *args) -> None:
    """Calls `main(*args)` and ends the process with the status that it returns, 0 for None.

    A `UserError` becomes one line on stderr and status 2; a `WorkError`, or a disk that is full, one line and status 1.
    An interrupt ends with status 130 and SIGTERM with 143, without a word. A reader that closed our output early
    (`| head`) is no error.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed before we began
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        getattr(sys, name).reconfigure(errors="backslashreplace")  # a path may hold bytes that are no text
    own_stderr()
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        status = main(*args) or 0
        sys.stdout.flush()
    except UserError as error:
        status = _report(error, EXIT_WRONG_INPUT)
    except BrokenPipeError:
        status = 0
    except (OSError, WorkError) as error:
        if isinstance(error, OSError) and error.errno in FULL:
            where = f"{error.filename}: " if error.filename else ""
            error = WorkError(f"{where}the disk is full; make room where the output goes. What was there is as it was")
        status = _report(error, EXIT_FAILED)
    except KeyboardInterrupt:
        status = EXIT_INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, previous)
        _flush_or_discard()
    sys.exit(status)


def _terminate(number, frame):
    sys.exit(128 + number)


def _report(error, status) -> int:
    print(f"error: {one_line(error, 2000)}", file=sys.stderr)
    return status


def _flush_or_discard():
    """Empties stdout, so that the interpreter's own flush at exit cannot fail."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError):  # one without a file descriptor
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
