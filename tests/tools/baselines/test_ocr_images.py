import json
import zipfile

import pytest
from PIL import Image

from edge.errors import UserError
from tools.baselines.ocr_images import find_images

ENTRIES = [
    {"file": "1.png", "label": [2, 1, 0], "split": "train"},
    {"file": "2.png", "label": "210", "split": "test"},
    {"file": "10.png", "label": 210, "split": "test"},
    {"file": "11.png", "label": []},
]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "photographs"
    folder.mkdir()
    for entry in ENTRIES:
        Image.new("RGB", (4, 3)).save(folder / entry["file"])
    (folder / "annotations.json").write_text(json.dumps(ENTRIES))
    return folder


def found(images, empty, **options):
    made = find_images(str(images), empty, **options)
    return {path.name: made.labels.get(path) for path in made.paths}


def test_labels_of_all_forms_are_digits(folder, tmp_path):
    expected = {"1.png": "210", "2.png": "210", "10.png": "210", "11.png": ""}
    assert found(folder, tmp_path) == expected


def test_the_first_of_a_split(folder, tmp_path):
    assert found(folder, tmp_path, split="test") == {"2.png": "210", "10.png": "210"}
    assert found(folder, tmp_path, split="test", limit=1) == {"2.png": "210"}
    assert list(found(folder, tmp_path, limit=2)) == ["1.png", "2.png"]


@pytest.mark.parametrize("inside", ["", "photographs/"])
def test_a_zip_file_of_a_folder_is_the_folder(folder, tmp_path, inside):
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, inside + path.name)
    empty = tmp_path / "empty"
    assert found(tmp_path / "images.zip", empty) == found(folder, tmp_path)
    assert found(tmp_path / "images.zip", empty, split="train") == {"1.png": "210"}


def test_without_labels_images_are_read_all_the_same(folder, tmp_path):
    (folder / "annotations.json").unlink()
    assert set(found(folder, tmp_path).values()) == {None}
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        archive.write(folder / "1.png", "a/b/1.png")
    assert found(tmp_path / "images.zip", tmp_path / "empty") == {"1.png": None}


def test_wrong_input_is_told(folder, tmp_path):
    with pytest.raises(UserError, match="no image of --split=validation; name a split"):
        found(folder, tmp_path, split="validation")
    (folder / "2.png").write_bytes(b"no image")
    with pytest.raises(UserError, match="2.png cannot be read as an image"):
        found(folder, tmp_path)
    (folder / "annotations.json").write_text('{"1.png": 7}')
    with pytest.raises(UserError, match="annotations.json tells no splits"):
        found(folder, tmp_path, split="test")
    (folder / "annotations.json").unlink()
    with pytest.raises(UserError, match="--split needs annotations.json beside the images"):
        found(folder, tmp_path, split="test")
    with pytest.raises(UserError, match="no such file"):
        found(tmp_path / "none", tmp_path)
