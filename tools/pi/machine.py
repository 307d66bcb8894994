"""The emulated Raspberry Pi of `emulated_pi.sh`, for programs."""

import os
import subprocess
import sys
from pathlib import Path

from edge.errors import EXIT_WRONG_INPUT, UserError, WorkError

SCRIPT = Path(__file__).with_name("emulated_pi.sh")
CORES = ("a72", "a76")
COUNT = "instructions: "  # how the line of instructions.c begins


def output_of(command, **options) -> str:
    """Returns what a command wrote to stdout.

    Raises:
        UserError: it ended with status 2; the message is its own last line.
        WorkError: it ended with another status than 0. Lines before the last are written to stderr.
    """
    done = _run(command, stdout=subprocess.PIPE, **options)
    _check(done.returncode, done.stderr.splitlines(), command)
    return done.stdout


def run(core: str, home: Path, *command) -> str:
    """Returns what a command in the emulated machine wrote to stdout.

    `home` is its /home/pi, in which the command starts. For errors see `output_of`.
    """
    return output_of([SCRIPT, "run", core, *command], env=os.environ | {"PI_HOME": str(home.resolve())})


def count(core: str, environment: Path, *arguments) -> int:
    """Returns how many instructions Python takes for its arguments; for errors see `output_of`.

    Args:
        environment: a Python environment that was made in the emulated machine, by its path on this one.
        arguments: of Python; paths are of this machine.
    """
    command = [SCRIPT, "count", core, environment.resolve(), *arguments]
    done = _run(command, stdout=subprocess.DEVNULL)
    lines = done.stderr.splitlines()
    counts = [line for line in lines if line.startswith(COUNT)]
    _check(done.returncode, [line for line in lines if line not in counts], command)
    return int(counts[-1].removeprefix(COUNT))


def _run(command, **options):
    return subprocess.run([str(part) for part in command], stderr=subprocess.PIPE, text=True, check=False, **options)


def _check(status, lines, command):
    """Raises what a status and the lines of stderr stand for."""
    if status:
        *before, last = lines or [f"{command[0]} ended with status {status}"]
        print(*before, sep="\n", end="\n" * bool(before), file=sys.stderr)
        message = last.removeprefix("error: ")
        raise UserError(message) if status == EXIT_WRONG_INPUT else WorkError(message)
