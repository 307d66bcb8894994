import json
from pathlib import Path

import pytest
from PIL import Image

from edge.bundle import load_bundle
from edge.errors import UserError, WorkError
from edge.serving import saved as saved_module
from edge.serving.saved import SavedFrames, parse_label

MODELS = Path(__file__).parents[3] / "models"
GREY = Image.new("L", (5, 4), 9)


@pytest.fixture(scope="module")
def manifests():
    return {name: load_bundle(MODELS / name).manifest for name in ("cluttered_mnist", "street_numbers")}


@pytest.mark.parametrize(
    ("bundle", "text", "label"),
    [
        ("street_numbers", " 0276 ", [0, 2, 7, 6]),
        ("street_numbers", "276x", None),
        ("street_numbers", "", None),
        ("street_numbers", "123456789", None),
        ("street_numbers", 276, None),
        ("cluttered_mnist", "7", [7]),
        ("cluttered_mnist", "10", None),
    ],
)
def test_a_label_is_one_that_the_bundle_could_read(manifests, bundle, text, label):
    if label is None:
        with pytest.raises(UserError, match="the right reading"):
            parse_label(text, manifests[bundle])
    else:
        assert parse_label(text, manifests[bundle]) == label


def test_frames_are_added_to_what_is_there(tmp_path):
    (tmp_path / "annotations.json").write_text('[{"file": "mine.png", "label": [1], "split": "test"}]')
    names = [SavedFrames(tmp_path).save(GREY, [2, number]) for number in range(3)]
    entries = json.loads((tmp_path / "annotations.json").read_text())
    assert entries[0] == {"file": "mine.png", "label": [1], "split": "test"}
    assert entries[1:] == [{"file": name, "label": [2, number]} for number, name in enumerate(names)]
    assert len(set(names)) == 3
    assert {path.name for path in tmp_path.iterdir()} == {"annotations.json", *names}


def test_a_full_disk_loses_nothing_that_was_confirmed(tmp_path, monkeypatch):
    frames = SavedFrames(tmp_path)
    first = frames.save(GREY, [1])

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SavedFrames, "_write", refuse)
    with pytest.raises(WorkError, match="No space left"):
        frames.save(GREY, [2])
    assert json.loads((tmp_path / "annotations.json").read_text()) == [{"file": first, "label": [1]}]
    assert {path.name for path in tmp_path.iterdir()} == {"annotations.json", first}


def test_a_folder_has_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr(saved_module, "MOST_FRAMES", 1)
    frames = SavedFrames(tmp_path)
    frames.save(GREY, [1])
    with pytest.raises(WorkError, match="has 1 frames already"):
        frames.save(GREY, [1])


@pytest.mark.parametrize("text", ["{}", "[", ""])
def test_damaged_annotations_are_told_and_left_alone(tmp_path, text):
    (tmp_path / "annotations.json").write_text(text)
    with pytest.raises(UserError, match="repair it, or move it away"):
        SavedFrames(tmp_path)
    assert (tmp_path / "annotations.json").read_text() == text
