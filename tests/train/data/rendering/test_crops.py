import numpy as np
import pytest

from train.data.rendering import crops
from train.data.rendering.crops import EMPTY, load_crops, render_crops
from train.data.rendering.scenes import render_crop

SIZE = (24, 48)


def test_a_crop_depends_on_its_index_and_on_nothing_else():
    images, labels = render_crops("validation", 30, SIZE, workers=1)
    fewer, _ = render_crops("validation", 7, SIZE, workers=1)
    np.testing.assert_array_equal(images[:7], fewer)
    alone = render_crop(np.random.default_rng([crops.SPLIT_SEEDS["validation"], 29]), SIZE, "validation")
    np.testing.assert_array_equal(images[29], alone.image)
    assert labels[29][labels[29] != EMPTY].tolist() == list(alone.label)


def test_the_number_of_workers_changes_nothing(monkeypatch):
    monkeypatch.setattr(crops, "CHUNK", 5)
    one, two = (render_crops("test", 18, SIZE, workers=workers) for workers in (1, 2))
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])


def test_splits_share_no_image():
    parts = [render_crops(split, 60, SIZE, workers=1)[0] for split in ("train", "validation", "test")]
    everything = [image.tobytes() for images in parts for image in images]
    assert len(set(everything)) == 180


@pytest.fixture
def renderings(monkeypatch):
    """Returns a list that grows by one with every call of the renderer."""
    calls = []
    render = crops.render_crops
    monkeypatch.setattr(crops, "render_crops", lambda *arguments: calls.append(arguments) or render(*arguments))
    return calls


def test_crops_are_rendered_once_and_again_for_another_size_or_count(tmp_path, renderings):
    first = load_crops("train", 8, SIZE, folder=tmp_path)
    again = load_crops("train", 8, SIZE, folder=tmp_path)
    assert len(renderings) == 1
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    load_crops("train", 9, SIZE, folder=tmp_path)
    load_crops("train", 8, (16, 32), folder=tmp_path)
    assert len(renderings) == 3
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: _flipped(data)])
def test_a_damaged_file_is_made_again(tmp_path, renderings, damage):
    images, _ = load_crops("train", 8, SIZE, folder=tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    again, _ = load_crops("train", 8, SIZE, folder=tmp_path)
    np.testing.assert_array_equal(images, again)
    load_crops("train", 8, SIZE, folder=tmp_path)
    assert len(renderings) == 2


def _flipped(data: bytes) -> bytes:
    middle = len(data) // 3
    return data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :]


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    images, labels = load_crops("train", 4, SIZE, folder=tmp_path / "file")
    assert (len(images), len(labels)) == (4, 4)
