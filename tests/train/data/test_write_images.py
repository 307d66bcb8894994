import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from train.data import digits
from train.data.cluttered import SPLIT_SEEDS, fixed_split
from train.data.rendering import cache, sets
from train.data.write_images import check_out, semi_real_pictures, write_images, write_photographs, write_shapes
from train.errors import UserError

ROOT = Path(__file__).parents[3]


def test_the_first_test_images_are_written_without_loss(tmp_path):
    (tmp_path / "00007_1.png").write_bytes(b"")  # of a larger set
    write_images(tmp_path, digits.load_sklearn(), 3)
    split = fixed_split(*digits.load_sklearn().test, 10000, SPLIT_SEEDS["test"])
    paths = sorted(tmp_path.iterdir())
    assert [path.name for path in paths] == [f"{i:05d}_{label}.png" for i, label in enumerate(split.labels[:3, 0])]
    for path, image in zip(paths, split.images):
        np.testing.assert_array_equal(np.asarray(Image.open(path)), image[..., 0])


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """A function: whether the number is painted -> two photographs of the test split."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "FOLDER", tmp_path_factory.mktemp("cache"))
        yield lambda painted: sets.load_photographs("test", 2, sizes=sets.ANY_SIZES, painted=painted)


def test_photographs_have_their_numbers_and_boxes_beside_them(tmp_path, photographs):
    (tmp_path / "00007.png").write_bytes(b"")
    pictures = photographs(True)
    write_photographs(tmp_path, pictures, "validation")
    write_photographs(tmp_path, pictures, "test")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000.png", "00001.png", "annotations.json"]
    entries = json.loads((tmp_path / "annotations.json").read_text())
    for entry, image, label, box in zip(entries, pictures.images, pictures.numbers, pictures.boxes):
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / entry["file"])), image)
        assert image.shape in sets.ANY_SIZES
        assert entry["label"] == label
        assert len(label) > 0
        assert entry["split"] == "test"
        np.testing.assert_allclose(entry["box"], box, atol=0.051)


def test_empty_photographs_are_the_same_without_their_numbers(tmp_path, photographs):
    pictures, painted = photographs(False), photographs(True)
    write_photographs(tmp_path, pictures, "test")
    entries = json.loads((tmp_path / "annotations.json").read_text())
    assert [(entry["label"], "box" in entry) for entry in entries] == [([], False)] * 2
    for entry, image in zip(entries, painted.images):
        empty = np.asarray(Image.open(tmp_path / entry["file"]))
        assert empty.shape == image.shape
        assert (empty != image).any()


def test_real_numbers_are_written_in_rendered_photographs(tmp_path, placed_numbers):
    pictures = semi_real_pictures(str(placed_numbers), "train", 3)
    write_photographs(tmp_path / "out", pictures, "train")
    entries = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert [(entry["label"], entry["style"]) for entry in entries] == [([i], "semi_real") for i in range(3)]
    for i, (entry, image) in enumerate(zip(entries, pictures.images)):
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out" / entry["file"])), image)
        # The digit's box of the image, from where that lay in the photograph of 120 x 60 pixels, which is enlarged.
        scale = image.shape[0] / 60
        np.testing.assert_allclose(entry["box"], scale * np.array([36 + i, 21, 48 + i, 39]), atol=0.11)
    with pytest.raises(UserError, match="needs images of --split=validation with frame_size, .* Received: none in"):
        semi_real_pictures(str(placed_numbers), "validation", 3)


def test_a_set_of_shapes_takes_the_place_of_another(tmp_path):
    write_shapes(tmp_path / "out", 12)
    write_shapes(tmp_path / "out", 4)
    assert len(list((tmp_path / "out").rglob("*.png"))) == 4


@pytest.mark.parametrize(("name", "content"), [("mine.png", b""), ("annotations.json", b'[{"file": "a.png"}]')])
def test_images_of_others_are_neither_removed_nor_mixed_with(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=f"--out must hold no images of others. Received: .*, with {name}"):
        write_images(tmp_path, digits.load_sklearn(), 1)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == content


def test_what_can_take_no_images_is_told_before_they_are_made(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="--out must be a folder that may be written to"):
        check_out(tmp_path / "file")
    with pytest.raises(UserError, match="--out must be another folder than --data_dir"):
        check_out(tmp_path, str(tmp_path))
    os.mkfifo(tmp_path / "pipe.zip")
    with pytest.raises(UserError, match="which is a device or a pipe"):
        check_out(tmp_path / "pipe.zip")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "--out is missing"),
        (["--out=x", "--count=0"], "--count=0"),
        (["--out=x", "--data_dir=none"], "no MNIST"),
        (["--out=x", "--kind=photographs", "--data_dir=y"], "rendered from nothing"),
        (["--out=x", "--split=train"], "of the test split"),
        (["--out=x", "--kind=semi_real"], "give a folder or zip with annotations.json"),
        (["--out=x", "--kind=none"], "--kind"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(tmp_path, flags, words):
    command = [sys.executable, "-m", "train.data.write_images", *flags]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert words in done.stderr
