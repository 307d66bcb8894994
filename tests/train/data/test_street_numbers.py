import numpy as np
import pytest

from dcn_tf.labels import NOTHING
from train.data import street_numbers
from train.data.registry import load_dataset
from train.data.rendering import cache, sets
from train.data.rendering.sets import load_crops, load_photographs, load_scenes
from train.data.rendering.styles import weighted
from train.data.street_numbers import SCENE_LENGTHS, symbol_ends, whole_boxes
from train.data.windows import SCENE
from train.errors import UserError


@pytest.fixture
def few(monkeypatch, tmp_path):
    monkeypatch.setattr(cache, "FOLDER", tmp_path / "cache")


def load(config, **values):
    config = config(dataset="street_numbers", preset="svhn", **values)
    return load_dataset(config, config.architecture)


def test_training_and_validation_are_crops_and_the_test_is_photographs_and_tight_crops(few, config):
    dataset = load(config, validation_images=6, test_images=9, looseness=2.0)
    assert dataset.name == "street_numbers"
    assert "rendered at run time, not photographed: 20 train crops in 69 families" in dataset.detail
    assert dataset.validation.images.shape == (6, 64, 128, 1)
    assert dataset.label_names == tuple("0123456789")
    assert [image.shape[2] for image in dataset.test.images] == [1] * 9
    assert {image.shape[:2] for image in dataset.test.images} <= set(sets.PHOTOGRAPH_SIZES)
    assert list(dataset.more_tests) == ["crops"]
    assert dataset.more_tests["crops"].images.shape == (9, 64, 128, 1)
    for split in (dataset.validation, dataset.test, dataset.more_tests["crops"]):
        assert split.labels.shape == (len(split), 6)
        assert split.boxes.shape == (len(split), 4)
    loose, tight = load_crops("validation", 6, (64, 128), 2.0), load_crops("test", 9, (64, 128))
    np.testing.assert_array_equal(dataset.validation.images[..., 0], loose.images)
    np.testing.assert_array_equal(dataset.more_tests["crops"].images[..., 0], tight.images)


def test_labels_are_length_digits_and_none(few, config):
    dataset = load(config, test_images=30)
    numbers = load_photographs("test", 30).numbers
    assert len(set(map(len, numbers))) > 2
    for (length, *symbols), number in zip(dataset.test.labels, numbers):
        assert length == len(number) - 1
        assert symbols == number + [10] * (5 - len(number))


def test_batches_are_windows_of_training_crops_and_depend_on_the_step_alone(few, config):
    config = config(dataset="street_numbers", preset="svhn", training="modular", batch_size=4)
    dataset = load_dataset(config, config.architecture)
    images, labels, boxes = dataset.train_batch(3)
    assert not boxes.any()
    assert images.shape == (4, 54, 110, 1)
    assert labels.shape == (4, 6)
    np.testing.assert_array_equal(images, dataset.train_batch(3)[0])
    assert not np.array_equal(images, dataset.train_batch(4)[0])


@pytest.mark.parametrize("preset", ["cluttered_mnist", "tiny_sequence"])
def test_a_preset_for_something_else_is_refused(few, config, preset):
    config = config(dataset="street_numbers", preset=preset)
    with pytest.raises(UserError, match=rf"up to 5 digits\. Received: --preset={preset}; use --preset=svhn"):
        load_dataset(config, config.architecture)


def test_some_training_images_have_nothing_to_read(few, config):
    config = config(dataset="street_numbers", preset="svhn", training="modular", background_share=0.5, batch_size=40)
    dataset = load_dataset(config, config.architecture)
    _, labels, _ = dataset.train_batch(0)  # all of them: 20 with a number and 20 without
    assert (labels == NOTHING).all(axis=1).sum() == 20
    assert (labels >= 0).all(axis=1).sum() == 20
    assert (dataset.validation.labels >= 0).all()
    assert (dataset.test.labels >= 0).all()


def test_a_network_that_knows_nothing_to_read_sees_windows_of_scenes_and_photographs_of_any_size(
    few, config, monkeypatch
):
    monkeypatch.setattr(street_numbers, "VALIDATION_PHOTOGRAPHS", 5)
    values = {"validation_images": 30, "test_images": 6, "background_share": 0.25, "batch_size": 25, "augment": False}
    config = config(dataset="street_numbers", preset="numbers", training="modular", **values)
    dataset = load_dataset(config, config.architecture)
    assert "windows out of 20 scenes in " in dataset.detail
    assert "and 5 without their number, 30 validation windows" in dataset.detail
    nothing = [0, *[10] * 8]

    images, labels, boxes = dataset.train_batch(0)  # of all 25 scenes one window each
    assert images.shape == (25, 54, 110, 1)
    assert boxes.shape == (25, 4 + 8)
    known = boxes[:, 2] > 0
    assert 5 < known.sum() < 20
    assert (labels[known, 0] > 0).all()
    assert labels[~known].tolist() == [nothing] * (~known).sum()

    assert dataset.validation.images.shape == (30, 54, 110, 1)
    known = dataset.validation.boxes[:, 2] > 0
    assert dataset.validation.labels[~known].tolist() == [nothing] * (~known).sum()
    assert 0 < known.sum() < 30

    assert {image.shape[:2] for image in dataset.test.images} <= set(sets.ANY_SIZES)
    numbers = load_photographs("test", 6, sizes=sets.ANY_SIZES).numbers
    for (length, *symbols), number in zip(dataset.test.labels, numbers):
        assert length == len(number)
        assert symbols == number + [10] * (8 - len(number))
    (name,) = dataset.more_tests
    assert name == "without a number"
    assert dataset.more_tests[name].labels.tolist() == [nothing] * 6
    assert not dataset.more_tests[name].boxes.any()
    assert list(dataset.more_validation) == ["test", name]
    assert {len(split) for split in dataset.more_validation.values()} == {5}
    assert not dataset.more_validation[name].labels[:, 0].any()
    assert dataset.more_validation["test"].labels[:, 0].all()


def test_numbers_that_the_border_cuts_are_nowhere():
    digit_boxes = np.zeros((3, 5, 4), np.float32)
    digit_boxes[0, :2] = [[10, 5, 20, 25], [22, 5, 32, 25]]
    digit_boxes[1, :2] = [[-1, 5, 9, 25], [11, 5, 21, 25]]  # a tenth of a digit
    digit_boxes[2, :2] = [[80, 5, 90, 25], [92, 5, 102, 25]]  # a fifth
    boxes = np.array([[10, 5, 32, 25], [-1, 5, 21, 25], [80, 5, 102, 25]], np.float32)
    pictures = sets.PictureSet(np.zeros((3, 40, 100)), np.zeros((3, 5)), boxes, digit_boxes, np.array(["", "", ""]))
    np.testing.assert_array_equal(whole_boxes(pictures, (40, 100)), [boxes[0], boxes[1], [0, 0, 0, 0]])


def test_scenes_are_of_the_kinds_asked_for(few, config):
    counts = {"train_images": 12, "validation_images": 4, "test_images": 2}
    kinds = ("display:3", "drum")
    config = config(dataset="street_numbers", preset="numbers", training="modular", scene_kinds=kinds, **counts)
    load_dataset(config, config.architecture)
    lengths = tuple(share / sum(SCENE_LENGTHS) for share in SCENE_LENGTHS)
    lengths, styles = weighted(lengths, {"display": 3.0, "drum": 1.0})
    made = load_scenes("train", 12, SCENE, lengths=lengths, styles=styles)
    assert set(made.styles) <= {"display", "drum"}
    assert len(list(cache.FOLDER.glob("street_numbers_scenes_train_*"))) == 1  # they were on disk already


@pytest.mark.parametrize("kinds", [("house", "door"), ("house:0",), ("house:x",), ("display:1e9",), ("",)])
def test_wrong_kinds_of_scenes_are_named(few, config, kinds):
    with pytest.raises(UserError, match="--scene_kinds must be kinds of house, sign, .* Received: "):
        load(config, scene_kinds=kinds)


def test_digits_end_in_the_middle_of_the_gap_behind_them():
    boxes = np.zeros((2, 8, 4), np.float32)
    boxes[0, :3] = [(10, 5, 20, 30), (24, 5, 40, 30), (42, 10, 50, 30)]
    digits = np.full((2, 8), -1, np.int8)
    digits[0, :3] = 1, 2, 3
    pictures = sets.PictureSet(np.zeros((2, 40, 60)), digits, boxes.max(axis=1), boxes, np.array(["display"] * 2))
    np.testing.assert_allclose(symbol_ends(pictures), [[0.3, 0.775, *[1] * 6], [1] * 8], rtol=1e-6)


def test_scenes_tell_where_their_digits_end(few, config):
    made = config(dataset="street_numbers", preset="numbers", training="modular", train_images=12, validation_images=4)
    boxes = load_dataset(made, made.architecture).train_batch(0)[2]
    assert boxes.shape[1] == 4 + 8
    assert (np.diff(boxes[:, 4:], axis=1) >= 0).all()
    assert (boxes[:, -1] == 1).all()
