import os
import subprocess

import pytest

from edge.errors import UserError, WorkError
from tools.pi import machine


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Returns a function that puts a shell script in the place of emulated_pi.sh."""

    def write(text):
        path = tmp_path / "emulated.sh"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        monkeypatch.setattr(machine, "SCRIPT", path)

    return write


def emulated(*arguments, **options):
    environment = os.environ | {"PI_ROOT": "/nonexistent"}
    return subprocess.run([machine.SCRIPT, *arguments], env=environment, capture_output=True, text=True, **options)


def test_the_output_of_a_command_in_the_machine(script, tmp_path):
    script('echo "$PI_HOME: $*"')
    assert machine.run("a72", tmp_path, "ls", "a b") == f"{tmp_path}: run a72 ls a b\n"


@pytest.mark.parametrize(("status", "error"), [(2, UserError), (1, WorkError), (127, WorkError)])
def test_what_goes_wrong_in_it_is_its_last_line(script, tmp_path, status, error):
    script(f"echo warning >&2; echo error: no such bundle >&2; exit {status}")
    with pytest.raises(error, match="^no such bundle$"):
        machine.run("a72", tmp_path, "x")
    script(f"echo error: no such bundle >&2; echo instructions: 12 >&2; exit {status}")
    with pytest.raises(error, match="^no such bundle$"):
        machine.count("a72", tmp_path, "x")


def test_instructions_are_read(script, tmp_path):
    script('echo "$*"; echo a warning >&2; echo instructions: 1234567890123 >&2')
    assert machine.count("a76", tmp_path, "-m", "x") == 1234567890123


def test_the_script_says_how_it_is_used():
    done = emulated()
    assert done.returncode == 2
    assert [line.split()[:2] for line in done.stderr.splitlines()[:3]] == [
        ["emulated_pi.sh", name] for name in ("setup", "run", "count")
    ]


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_a_machine_that_is_not_there_is_told():
    done = emulated("run", "a72", "ls")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "there is no emulated machine in /nonexistent/bookworm/root; run " in done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to give it up")
def test_without_root_it_is_one_line():
    nobody = {"user": 65534, "group": 65534, "cwd": "/"}  # who may not be able to read the script where it lies
    command = ["bash", "-s", "setup"]
    done = subprocess.run(command, input=machine.SCRIPT.read_text(), capture_output=True, text=True, **nobody)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "needs root" in done.stderr
