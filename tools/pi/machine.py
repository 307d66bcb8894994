"""The emulated Raspberry Pi of `emulated_pi.sh`, for programs."""

import os
import subprocess
from pathlib import Path

from edge.errors import UserError, WorkError, one_line

SCRIPT = Path(__file__).with_name("emulated_pi.sh")
CORES = ("a72", "a76")


def output_of(command, **options) -> str:
    """Returns what a command wrote to stdout.

    Raises:
        UserError: it ended with status 2; the message is its own last line.
        WorkError: it ended with another status than 0.
    """
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"{command[0]} ended with status {done.returncode}"]
        message = lines[-1].removeprefix("error: ")
        raise UserError(message) if done.returncode == 2 else WorkError(message)
    return done.stdout


def run(core: str, home: Path, *command) -> str:
    """Returns what a command in the emulated machine wrote to stdout.

    `home` is its /home/pi, in which the command starts. For errors see `output_of`.
    """
    return output_of([SCRIPT, "run", core, *command], env=os.environ | {"PI_HOME": str(home.resolve())})


def count(core: str, environment: Path, *arguments) -> int:
    """Returns how many instructions Python takes for its arguments; for errors see `output_of`.

    Args:
        core: one of `CORES`.
        environment: a Python environment that was made in the emulated machine, by its path on this one.
        arguments: of Python; paths are of this machine.
    """
    command = [SCRIPT, "count", core, environment.resolve(), *arguments]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    *before, last = done.stderr.strip().splitlines() or [""]
    if done.returncode or not last.startswith("instructions: "):
        message = one_line(WorkError((before or [last])[-1].removeprefix("error: ")))
        raise UserError(message) if done.returncode == 2 else WorkError(message)
    return int(last.split()[1])
