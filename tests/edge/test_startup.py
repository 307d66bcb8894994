import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.errors import UserError
from edge.startup import main

ROOT = Path(__file__).parents[2]


def test_start_and_memory_are_measured():
    arguments = ["--bundle=models/cluttered_mnist", "models/samples/1.png", "--runs=2"]
    command = [sys.executable, "-m", "edge.startup", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    first, second, third = done.stdout.splitlines()
    assert first.startswith("start to first line: median ")
    assert float(second.removeprefix("processor time: median ").removesuffix(" s")) > 0
    assert 10 < float(third.split()[2]) < 1000  # MB
    assert third.endswith("MB (2 starts)")


def test_a_program_that_prints_more_than_a_pipe_holds_ends(tmp_path):
    (tmp_path / "talk.py").write_text("print('first')\nfor i in range(30000): print(i)\n")
    (tmp_path / "silent.py").touch()
    code = "from edge.startup import start_once; print(start_once(['x'], {!r}).line)"
    path = os.environ | {"PYTHONPATH": f"{ROOT}:{tmp_path}"}
    for program, said in (
        ("talk", "first"),
        ("silent", "UserError: silent printed no line; name an image. Received: x"),
    ):
        command = [sys.executable, "-c", code.format(program)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=path)
        assert said in done.stdout + done.stderr


def test_what_is_wrong_is_told_by_the_program_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(UserError, match="^no such bundle: "):
        main([f"--bundle={tmp_path / 'none'}", "x.png"])
    with pytest.raises(UserError, match="--runs: must be a whole number of at least 1, received 0"):
        main(["--bundle=x", "x.png", "--runs=0"])
