"""The emulated Raspberry Pi of `emulated_pi.sh`, for programs."""

import os
import re
import subprocess
import sys
from pathlib import Path

from edge.errors import EXIT_WRONG_INPUT, UserError, WorkError
from tools.pi.classes import CLASSES

SCRIPT = Path(__file__).with_name("emulated_pi.sh")
CORES = ("a72", "a76")
COUNT = re.compile(r"instructions(?: of (?P<name>\w+))?: (?P<count>\d+)")  # a line of instructions.c
ALL = ""


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
    return _counted(command)[ALL]


def count_classes(core: str, environment: Path, *arguments) -> dict[str, int]:
    """Returns the same by class of instructions, see `tools.pi.classes`; for arguments and errors see `count`."""
    counts = _counted([SCRIPT, "count", core, environment.resolve(), *arguments])
    if not counts.keys() >= set(CLASSES):
        raise UserError(f"the plugin that counts tells no classes: it is of an older version; run {SCRIPT} setup")
    return {name: counts[name] for name in CLASSES}


def _counted(command) -> dict[str, int]:
    """Returns the instructions of each class, and of all, that a command says at its end."""
    done = _run(command, stdout=subprocess.DEVNULL)
    lines = done.stderr.splitlines()
    counts = [match for match in map(COUNT.fullmatch, lines) if match]
    _check(done.returncode, [line for line in lines if not COUNT.fullmatch(line)], command)
    return {match["name"] or ALL: int(match["count"]) for match in counts}


def _run(command, **options):
    return subprocess.run([str(part) for part in command], stderr=subprocess.PIPE, text=True, check=False, **options)


def _check(status, lines, command):
    """Raises what a status and the lines of stderr stand for."""
    if status:
        *before, last = lines or [f"{command[0]} ended with status {status}"]
        print(*before, sep="\n", end="\n" * bool(before), file=sys.stderr)
        message = last.removeprefix("error: ")
        raise UserError(message) if status == EXIT_WRONG_INPUT else WorkError(message)
