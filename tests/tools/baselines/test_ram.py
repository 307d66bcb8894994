"""The command line, as a user meets it: each call is a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def run(*arguments):
    command = [sys.executable, "-m", "tools.baselines.ram", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--workdir is missing"),
        (["--workdir=x", "--bogus=1"], "Unknown command line flag 'bogus'"),
        (["--workdir=x", "--dataset=svhn"], "--dataset must be one of cluttered_mnist, cluttered_digits"),
        (
            ["--workdir=x", "--glimpse_size=7"],
            "--glimpse_size must be even, and at least 2 and at most 1,000. Received: 7",
        ),
        (["--workdir=x", "--train_steps=0"], "--train_steps must be at least 1. Received: 0"),
    ],
)
def test_a_wrong_call_is_one_line_and_status_2(arguments, message):
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("tools.baselines.ram: ")
    assert done.stderr.count("\n") == 1
    assert message in done.stderr


def test_data_that_is_missing_is_named(tmp_path):
    done = run(f"--workdir={tmp_path / 'run'}", "--data_dir=nowhere")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("tools.baselines.ram: no MNIST in --data_dir")
    assert "Received: nowhere" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_run_from_its_flags_and_again(tmp_path):
    workdir = tmp_path / "run"
    small = ["--dataset=cluttered_digits", "--batch_size=4", "--glimpses=3", "--test_images=20"]
    done = run(*small, f"--workdir={workdir}", "--train_steps=2", "--validation_images=10")
    assert done.returncode == 0, done.stderr
    assert "step 2/2" in done.stderr
    assert "(20 images;" in done.stdout
    result = json.loads((workdir / "result.json").read_text())
    assert set(result["error"]["ram"]) == set(result["multiplications"]["ram"]) == {"1", "2", "3"}
    again = run(f"--flagfile={workdir / 'flags.txt'}")
    assert again.stdout == done.stdout
    other = run(f"--flagfile={workdir / 'flags.txt'}", "--scales=2")
    assert other.returncode == 2
    assert "was begun with other flags: --scales=4. Received: --scales=2" in other.stderr.splitlines()[-1]
