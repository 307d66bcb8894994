import logging

import numpy as np
import pytest

from train.data import registry
from train.data.dataset import Dataset, Split
from train.data.rendering import cache
from train.errors import DataUnavailableError, UserError


def test_an_unknown_name_lists_the_known_ones(config):
    with pytest.raises(UserError, match=r"--dataset must be one of cluttered_digits, .* Received: 'mnits'"):
        registry.load_dataset(config(dataset="mnits"), config().architecture)
    with pytest.raises(UserError, match=r"--fallback_dataset must be one of .* Received: 'nope'"):
        registry.load_dataset(config(fallback_dataset="nope"), config().architecture)


def test_a_fallback_is_announced_and_named_in_the_data_set(config, monkeypatch, tmp_path):
    monkeypatch.setattr(cache, "FOLDER", tmp_path)
    config = config(dataset="svhn", fallback_dataset="street_numbers", preset="svhn")
    messages = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    registry.log.addHandler(handler)
    dataset = registry.load_dataset(config, config.architecture)
    registry.log.removeHandler(handler)
    assert dataset.name == "street_numbers"
    assert "rendered at run time, not photographed" in dataset.detail
    assert any("Going on with --fallback_dataset=street_numbers, which is NOT svhn" in message for message in messages)
    assert len(dataset.test.images) == 30
    assert dataset.more_tests["crops"].images.shape == (30, 64, 128, 1)
    assert dataset.test.labels.shape == (30, 6)


def test_nofallback_stops(config):
    config = config(dataset="svhn", fallback_dataset="street_numbers", fallback=False, preset="svhn")
    with pytest.raises(DataUnavailableError, match="can't be reached .* give --data_dir=FOLDER"):
        registry.load_dataset(config, config.architecture)


def test_a_mixture_takes_its_share_of_every_batch_from_each(config, numbers_zip, monkeypatch, tmp_path):
    monkeypatch.setattr(cache, "FOLDER", tmp_path)
    values = {"preset": "svhn", "training": "modular", "batch_size": 10, "data_dir": str(numbers_zip)}
    mixed = config(dataset="folder,street_numbers", dataset_weights=(1.0, 3.0), **values)
    dataset = registry.load_dataset(mixed, mixed.architecture)
    alone = config(dataset="street_numbers", **values | {"batch_size": 7})
    street = registry.load_dataset(alone, alone.architecture)
    images, labels, boxes = dataset.train_batch(5)
    assert boxes.shape == (10, 4)
    assert images.shape == (10, 54, 110, 1)
    rendered = [0, 2, 3, 5, 6, 7, 9]  # the three real ones stand evenly among them
    np.testing.assert_array_equal(images[rendered], street.train_batch(5)[0])
    np.testing.assert_array_equal(labels[rendered], street.train_batch(5)[1])
    assert dataset.name == "folder,street_numbers"
    assert "3 of 10 from folder" in dataset.detail
    assert len(dataset.test) == 3 + 0 * len(street.test)  # the first one's
    assert len(dataset.more_tests["street_numbers"]) == len(street.test)
    np.testing.assert_array_equal(dataset.calibration.images[1], street.calibration.images[0])


def test_every_equal_part_of_a_batch_has_its_share_of_each_data_set():
    split = Split(np.zeros((1, 4, 4, 1), np.uint8), np.zeros((1, 1), np.int32))

    def of(value, size):
        return Dataset(str(value), "", ("0",), lambda step: (np.full((size, 1), value),) * 3, split, split, split)

    images, labels, _ = registry.mixture([of(1, 2), of(9, 6)], [2, 6]).train_batch(0)
    assert [sorted(part[:, 0]) for part in np.split(images, 2)] == [[1, 9, 9, 9]] * 2
    np.testing.assert_array_equal(images, labels)


def test_a_mixture_is_chosen_on_what_the_first_is_chosen_on():
    split = Split(np.zeros((1, 4, 4, 1), np.uint8), np.zeros((1, 1), np.int32))
    first, second = (
        Dataset(name, "", ("0",), lambda step: (), split, split, split, more_validation={f"of {name}": split})
        for name in ("one", "two")
    )
    assert registry.mixture([first, second], [1, 1]).more_validation == {"of one": split}


@pytest.mark.parametrize(
    ("batch_size", "weights", "sizes"),
    [(8, (1, 1), [4, 4]), (10, (1, 3), [3, 7]), (4, (1, 1000), [1, 3]), (3, (1, 1, 1), [1, 1, 1]), (64, (5,), [64])],
)
def test_shares_of_a_batch(batch_size, weights, sizes):
    assert registry.batch_sizes(batch_size, weights) == sizes


def test_grey_and_colour_are_not_mixed():
    def part(name, channels):
        split = Split(np.zeros((2, 4, 4, channels), np.uint8), np.zeros((2, 1), np.int32))
        return Dataset(name, "", ("a", "b"), None, split, split, split)

    with pytest.raises(UserError, match="one with 3, other with 1; give --set=channels=1"):
        registry.mixture([part("one", 3), part("other", 1)], [1, 1])


def test_what_cannot_be_mixed_is_refused(config, numbers_zip):
    with pytest.raises(UserError, match=r"at least 2, one for each --dataset. Received: 1"):
        registry.batch_sizes(1, (1, 1))
    with pytest.raises(UserError, match="must name a data set once. Received: folder,folder"):
        registry.load_dataset(config(dataset="folder,folder"), config().architecture)
    with pytest.raises(UserError, match=r"Received: 'nope'"):
        registry.load_dataset(config(dataset="folder,nope"), config().architecture)
    with pytest.raises(UserError, match=r"--dataset_weights must be 2 numbers .* Received: \(1.0,\)"):
        config(dataset="folder,svhn", dataset_weights=(1.0,))


def test_other_peoples_numbers_are_tested_on_as_well(config, numbers_zip, monkeypatch, tmp_path):
    monkeypatch.setattr(cache, "FOLDER", tmp_path)
    both = config(dataset="street_numbers", preset="svhn", eval_data_dir=str(numbers_zip))
    test = registry.load_dataset(both, both.architecture).more_tests["numbers crops"]
    assert test.images.shape == (3, 64, 128, 1)
    assert test.labels[0].tolist() == [1, *test.labels[0, 1:3].tolist(), 10, 10, 10]
    with pytest.raises(UserError, match="--eval_data_dir is for numbers"):
        registry.load_dataset(config(eval_data_dir=str(numbers_zip)), config().architecture)
