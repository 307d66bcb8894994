"""What a user did wrong, in one line."""

import os
import sys

EXIT_FAILED = 1
EXIT_WRONG_INPUT = 2


class UserError(Exception):
    """The user's input is wrong. The message is one line: what is wrong, what was received, what to do."""


def one_line(error: BaseException, limit: int = 300) -> str:
    """Returns an error's message on one line of at most `limit` characters."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= limit else text[: limit - 3] + "..."


def run_main(main, *args) -> None:
    """Calls `main(*args)` and ends the process with the status that it returns, 0 for None.

    A `UserError` becomes one line on stderr and status 2. A reader that closed our output early (`| head`) is no error.
    """
    try:
        status = main(*args) or 0
        sys.stdout.flush()
    except UserError as error:
        print(f"error: {one_line(error, 2000)}", file=sys.stderr)
        status = EXIT_WRONG_INPUT
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        status = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the flush at exit would fail again
        status = 0
    sys.exit(status)
