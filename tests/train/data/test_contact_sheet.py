import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from train.data.contact_sheet import KINDS, contact_sheet

ROOT = Path(__file__).parents[3]


def run(*flags):
    command = [sys.executable, "-m", "train.data.contact_sheet", *flags]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_command_writes_the_sheet_of_its_seed(tmp_path):
    out = tmp_path / "sheet.png"
    done = run(f"--out={out}", "--seed=3", "--split=test")
    assert (done.returncode, done.stderr) == (0, "")
    np.testing.assert_array_equal(np.asarray(Image.open(out)), contact_sheet("crops", 3, "test"))
    assert Image.open(out).size == (1280, 768)


def test_photographs_lie_side_by_side(monkeypatch):
    render, _, _ = KINDS["photographs"]
    monkeypatch.setitem(KINDS, "photographs", (render, (128, 160), (2, 3)))
    sheet = contact_sheet("photographs", 1, "train")
    assert sheet.shape == (256, 480)
    np.testing.assert_array_equal(
        sheet[128:, 160:320], render(np.random.default_rng([1, 4]), (128, 160), "train").image
    )


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "--out is missing"),
        (["--out=sheet.nothing"], "--out=sheet.nothing can't be written"),
        (["--out=a.png", "--kind=posters"], "--kind=posters"),
        (["--out=a.png", "--seed=-1"], "--seed=-1"),
        (["--out=a.png", "more"], "Received: 'more'"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(flags, words):
    done = run(*flags)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
