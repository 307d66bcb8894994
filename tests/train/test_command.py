import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
from absl import flags
from train import command
from train.errors import DataUnavailableError, TrainingError, UserError

flags.DEFINE_integer("number", 1, "A number.")

def main():
    {body}

command.run("train.some", main)
"""


def run(body, *arguments):
    command = [sys.executable, "-c", PROGRAM.format(body=body), *arguments]
    return subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60)


def test_what_is_done_is_status_0():
    done = run("print(flags.FLAGS.number)", "--number=7")
    assert (done.returncode, done.stdout, done.stderr) == (0, "7\n", "")


def test_help_is_no_failure():
    done = run("raise KeyError", "--help")
    assert done.returncode == 0
    assert "--number: A number." in done.stdout


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ("raise UserError('give another')", 2, "give another"),
        ("raise DataUnavailableError('not there')", 2, "not there"),
        ("raise TrainingError('not finite')", 1, "not finite"),
        ("open('/nowhere/x')", 1, "No such file or directory: '/nowhere/x'\n"),
        ("raise OSError(28, 'No space left on device', '/x')", 1, "the disk is full: /x can't be written, "),
        ("raise KeyboardInterrupt", 130, "interrupted\n"),
        ("raise TrainingError('of two\\nlines')", 1, "of two lines\n"),
    ],
)
def test_what_goes_wrong_is_one_line_and_a_status(body, status, message):
    done = run(body)
    assert done.returncode == status
    assert done.stderr.startswith("train.some: ")
    assert done.stderr.count("\n") == 1
    assert message in done.stderr


def test_wrong_flags_and_arguments_that_are_none_are_status_2():
    for argument, message in (
        ("--number=many", "--number=many"),
        ("--numbr=1", "Unknown command line flag 'numbr'"),
        ("file", "every argument is a flag, --name=value. Received: 'file'"),
    ):
        done = run("print('begun')", argument)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert message in done.stderr


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_is_one_line_and_its_status_and_what_was_begun_is_ended(name, status):
    body = f"""
    import os, signal
    try:
        os.kill(os.getpid(), signal.{name})
    finally:
        print("ended")
    """
    done = run(body)
    assert (done.returncode, done.stdout, done.stderr) == (status, "ended\n", f"train.some: stopped by {name}\n")
