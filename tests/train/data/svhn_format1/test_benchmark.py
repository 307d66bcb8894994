import subprocess
import sys
from pathlib import Path

import numpy as np

from train.data.svhn_format1.benchmark import random_annotation

ROOT = Path(__file__).parents[4]


def run(*arguments):
    command = [sys.executable, "-m", "train.data.svhn_format1.benchmark", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_it_writes_reads_and_says_how_long_that_took(tmp_path):
    path = tmp_path / "digitStruct.mat"
    for lines in (2, 1):  # the second time it finds the file
        done = run("--entries=30", f"--file={path}")
        assert done.returncode == 0, done.stderr
        *written, read = done.stdout.splitlines()
        assert len(written) == lines - 1
        assert all(line.startswith("written in ") for line in written)
        assert read.startswith("30 entries, ")
    done = run("--entries=31", f"--file={path}")
    assert done.returncode == 1
    assert done.stderr.endswith("what was read is not what was written\n")
    assert run("--entries=0").returncode == 2


def test_random_annotations_are_like_those_of_svhn():
    annotation = random_annotation(2000)
    shares = np.bincount(annotation.counts, minlength=6)[1:] / 2000
    np.testing.assert_allclose(shares, [0.042, 0.344, 0.525, 0.088, 0.001], atol=0.05)
    assert set(annotation.digits) == set(range(10))
