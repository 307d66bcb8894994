import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from train.data.contact_sheet import KINDS, LENGTHS_OF_SCENES, only, rendered_sheet, semi_real_sheet
from train.data.rendering.scenes import render_photograph
from train.data.rendering.training_scenes import render_scene
from train.errors import UserError

ROOT = Path(__file__).parents[3]


def run(*flags):
    command = [sys.executable, "-m", "train.data.contact_sheet", *flags]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_command_writes_the_sheet_of_its_seed(tmp_path):
    out = tmp_path / "sheet.png"
    done = run(f"--out={out}", "--seed=3", "--split=test")
    assert (done.returncode, done.stderr) == (0, "")
    np.testing.assert_array_equal(np.asarray(Image.open(out)), rendered_sheet("crops", 3, "test"))
    assert Image.open(out).size == (1280, 768)


def test_photographs_lie_side_by_side(monkeypatch):
    monkeypatch.setitem(KINDS, "photographs", ((128, 160), (2, 3)))
    sheet = rendered_sheet("photographs", 1, "train")
    assert sheet.shape == (256, 480)
    alone = render_photograph(np.random.default_rng([1, 4]), (128, 160), "train")
    np.testing.assert_array_equal(sheet[128:, 160:320], alone.image)


def test_scenes_of_one_kind_are_shown_apart(monkeypatch):
    monkeypatch.setitem(KINDS, "display", ((60, 120), (1, 2)))
    sheet = rendered_sheet("display", 1, "test")
    values = {"lengths": LENGTHS_OF_SCENES, "styles": only("display")}
    alone = render_scene(np.random.default_rng([1, 1]), (60, 120), "test", **values)
    np.testing.assert_array_equal(sheet[:, 120:], alone.image)
    assert alone.style == "display"


def test_loose_crops_are_others():
    tight, loose = (rendered_sheet("crops", 1, "train", looseness) for looseness in (1.0, 2.5))
    assert tight.shape == loose.shape
    assert not np.array_equal(tight, loose)


def test_real_numbers_stand_in_their_photographs(monkeypatch, placed_numbers):
    monkeypatch.setitem(KINDS, "semi_real", ((60, 110), (2, 2)))
    sheet = semi_real_sheet(str(placed_numbers), 0, "train")
    assert sheet.shape == (120, 220)
    assert len(np.unique(sheet[:60, :110])) > 10
    with pytest.raises(UserError, match=r"needs 4 images of --split=test with frame_size.* Received: 1 in"):
        semi_real_sheet(str(placed_numbers), 0, "test")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "--out is missing"),
        (["--out=sheet.nothing"], "--out=sheet.nothing can't be written"),
        (["--out=a.png", "--kind=posters"], "--kind=posters"),
        (["--out=a.png", "--seed=-1"], "--seed=-1"),
        (["--out=a.png", "--kind=semi_real"], "--kind=semi_real needs --data_dir"),
        (["--out=a.png", "more"], "Received: 'more'"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(flags, words):
    done = run(*flags)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
