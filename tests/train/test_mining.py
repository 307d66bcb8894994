import numpy as np
import pytest

from dcn_tf.architecture import SequenceTopSpec
from dcn_tf.labels import nothing_labels
from dcn_tf.model import DynamicCapacityNetwork
from train.data.negatives import load_negatives, write_negatives
from train.data.windows import SCENE, draw_windows
from train.errors import UserError
from train.mining import _one_of_each_place, mine

TOP = SequenceTopSpec(3, 10, "presence", "votes", min_length=0, box=True)


def test_the_surest_reading_of_each_place_is_kept():
    boxes = np.array([[0, 0, 20, 10], [1, 0, 21, 10], [40, 5, 60, 15], [70, 5, 90, 15], [95, 0, 130, 20]], np.float32)
    kept = _one_of_each_place(np.array([0.5, 0.9, 0.3, 0.1, 0.8]), boxes, 0.2, (30, 100))
    np.testing.assert_array_equal(kept, [[1, 0, 21, 10], [95, 0, 100, 20], [40, 5, 60, 15]])


def test_mined_pictures_show_what_was_read(config):
    model = DynamicCapacityNetwork(config(preset="tiny_pyramid").architecture)
    model.build()
    rng = np.random.default_rng(0)
    photographs = [rng.integers(0, 256, (*size, 1)).astype(np.uint8) for size in [(40, 60), (40, 60), (33, 50)]]
    images, boxes = mine(model, photographs, least=0.0)
    assert images.shape == (len(boxes), *SCENE, 1)
    if len(boxes):
        assert (boxes[:, :2] >= 0).all()
        assert (boxes[:, 2] <= SCENE[1]).all()
    none, _ = mine(model, photographs, least=1.0)
    assert len(none) == 0


@pytest.mark.parametrize("name", ["some.npz", "some", "some.v2"])
def test_negatives_come_back_as_pictures_of_nothing(tmp_path, name):
    path = tmp_path / name
    images = np.random.default_rng(0).integers(0, 256, (3, *SCENE, 1)).astype(np.uint8)
    boxes = np.array([[10, 10, 90, 60]] * 3, np.float32)
    write_negatives(path, images, boxes)
    assert list(tmp_path.iterdir()) == [path]
    split = load_negatives(str(path), TOP)
    np.testing.assert_array_equal(split.images, images)
    np.testing.assert_array_equal(split.boxes, boxes)
    assert split.labels.tolist() == [nothing_labels(TOP)] * 3
    assert load_negatives(str(path), TOP, repeats=2).images[:, 0, 0, 0].tolist() == [
        pixel for pixel in images[:, 0, 0, 0].tolist() for _ in range(2)
    ]
    windows, found = draw_windows(images, boxes, split.labels[:, 0], (54, 110), np.random.default_rng(0), augment=False)
    assert windows.std() > 10
    assert not found.any()


@pytest.mark.parametrize(
    "arrays", [{"images": np.zeros((2, 3, 4, 1), np.uint8), "boxes": np.zeros((2, 4))}, {"a": 1}, None]
)
def test_other_files_are_no_negatives(tmp_path, arrays):
    path = tmp_path / "other.npz"
    if arrays is not None:
        np.savez(path, **arrays)
    with pytest.raises(UserError, match="--negatives must be a file of train.mine_negatives") as caught:
        load_negatives(str(path), TOP)
    assert "\n" not in str(caught.value)
