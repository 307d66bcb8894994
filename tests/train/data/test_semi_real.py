import dataclasses
import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcn_tf.presets import preset
from train.data.folder import annotations
from train.data.rendering.real_patches import photograph_of_entry
from train.data.semi_real import has_place, semi_real_split
from train.errors import UserError

REAL = Path(os.environ.get("DCN_DATA_DIR", "missing")) / "svhn_numbers.zip"
PLACE = {"frame_size": [160, 90], "frame_origin": [50, 30], "scale": 0.8}
BOXES = [{"left": 4, "top": 1, "width": 12, "height": 20}, {"left": 18, "top": 1, "width": 12, "height": 20}]


def patch(i):
    return np.random.default_rng(i).integers(100, 130, (24, 36)).astype(np.uint8)


def read(name):
    buffer = io.BytesIO()
    Image.fromarray(patch(int(name.split(".")[0]))).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


def entry(i, **values):
    return {"file": f"{i}.png", "label": [1, i % 10], "split": "test", "boxes": BOXES} | PLACE | values


def test_entries_become_photographs_with_labels_and_boxes():
    entries = [entry(i) for i in range(4)]
    split = semi_real_split(read, entries, preset("svhn"), workers=1)
    assert [image.shape for image in split.images] == [(90, 160, 1)] * 4
    assert split.labels.tolist() == [[1, 1, i, 10, 10, 10] for i in range(4)]
    assert split.labels.dtype == np.int32
    np.testing.assert_allclose(split.boxes, [[55, 31.25, 87.5, 56.25]] * 4, atol=1)
    image, box = photograph_of_entry(patch(2), entries[2], preset("svhn").train_size)
    np.testing.assert_array_equal(split.images[2][..., 0], image)
    np.testing.assert_array_equal(split.boxes[2], box)


def test_workers_make_the_same():
    entries = [entry(i) for i in range(45)]
    one, two = (semi_real_split(read, entries, preset("svhn"), workers=workers) for workers in (1, 2))
    assert [image.tobytes() for image in one.images] == [image.tobytes() for image in two.images]
    np.testing.assert_array_equal(one.boxes, two.boxes)


def test_entries_without_a_place_give_none():
    split = semi_real_split(read, [{"file": "1.png", "label": [1]}], preset("svhn"))
    assert (len(split), split.labels.shape, split.boxes.shape) == (0, (0, 6), (0, 4))
    mixed = semi_real_split(read, [{"file": "1.png", "label": [1]}, entry(3)], preset("svhn"))
    assert mixed.labels.tolist() == [[1, 1, 3, 10, 10, 10]]
    assert has_place(entry(1))
    assert not has_place({key: value for key, value in entry(1).items() if key != "scale"})


@pytest.mark.parametrize(
    "values",
    [
        {"frame_size": [160]},
        {"frame_size": ["a", "b"]},
        {"frame_size": [0, 90]},
        {"frame_size": [100000, 90]},
        {"frame_size": None},
        {"frame_origin": [float("nan"), 3]},
        {"scale": 0},
        {"scale": [1]},
        {"scale": 100},
        {"boxes": []},
        {"boxes": 3},
        {"boxes": [{"left": 3}]},
        {"boxes": [{"left": 4, "top": 1, "width": 0, "height": 20}]},
        {"boxes": [{"left": 400, "top": 1, "width": 5, "height": 20}]},
    ],
)
def test_a_wrong_place_is_refused(values):
    with pytest.raises(UserError, match=r"the place of 5\.png must be frame_size.* Received: .*; mend these"):
        semi_real_split(read, [entry(5, **values)], preset("svhn"))


def test_an_image_that_cannot_be_read_is_named():
    with pytest.raises(UserError, match=r"the image 5\.png can't be read"):
        semi_real_split(lambda name: b"no image", [entry(5)], preset("svhn"))


def test_colour_is_refused():
    with pytest.raises(UserError, match=r"Received: an architecture for 3 channels; use --preset=svhn"):
        semi_real_split(read, [entry(1)], dataclasses.replace(preset("svhn"), channels=3))


@pytest.mark.skipif(not REAL.exists(), reason="DCN_DATA_DIR names no folder with svhn_numbers.zip")
def test_the_real_house_numbers():
    reader, entries = annotations(REAL)
    entries = [entry for entry in entries if entry["split"] == "test"][:60]
    split = semi_real_split(reader, entries, preset("svhn"), workers=1)
    assert len(split) == 60
    rows, columns = preset("svhn").train_size
    for image, (left, top, right, bottom), item in zip(split.images, split.boxes, entries):
        width, height = item["frame_size"]
        factor = max(1, rows / height, columns / width)
        np.testing.assert_allclose(image.shape[:2], (height * factor, width * factor), atol=1)
        assert 0 <= left < right <= image.shape[1]
        assert 0 <= top < bottom <= image.shape[0]
