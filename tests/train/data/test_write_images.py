import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from train.data import digits
from train.data.cluttered import SPLIT_SEEDS, fixed_split
from train.data.write_images import write_images

ROOT = Path(__file__).parents[3]


def test_the_first_test_images_are_written_without_loss(tmp_path):
    (tmp_path / "old.png").write_bytes(b"")
    write_images(tmp_path, digits.load_sklearn(), 3)
    split = fixed_split(*digits.load_sklearn().test, 10000, SPLIT_SEEDS["test"])
    paths = sorted(tmp_path.iterdir())
    assert [path.name for path in paths] == [f"{i:05d}_{label}.png" for i, label in enumerate(split.labels[:3, 0])]
    for path, image in zip(paths, split.images):
        np.testing.assert_array_equal(np.asarray(Image.open(path)), image[..., 0])


@pytest.mark.parametrize(
    ("flags", "words"),
    [([], "--out is missing"), (["--out=x", "--images=0"], "--images=0"), (["--out=x", "--data_dir=none"], "no MNIST")],
)
def test_wrong_input_is_one_line_and_status_2(tmp_path, flags, words):
    command = [sys.executable, "-m", "train.data.write_images", *flags]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert words in done.stderr
