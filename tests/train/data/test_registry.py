import logging

import pytest

from train.data import registry, street_numbers
from train.data.rendering import crops
from train.errors import DataUnavailableError, UserError


def test_an_unknown_name_lists_the_known_ones(config):
    with pytest.raises(UserError, match=r"--dataset must be one of cluttered_digits, .* Received: 'mnits'"):
        registry.load_dataset(config(dataset="mnits"), config().architecture)
    with pytest.raises(UserError, match=r"--fallback_dataset must be one of .* Received: 'nope'"):
        registry.load_dataset(config(fallback_dataset="nope"), config().architecture)


def test_a_fallback_is_announced_and_named_in_the_data_set(config, monkeypatch, tmp_path):
    monkeypatch.setattr(street_numbers, "load_crops", lambda *args: crops.load_crops(*args, folder=tmp_path))
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
    assert dataset.test.images.shape == (30, 64, 128, 1)
    assert dataset.test.labels.shape == (30, 6)


def test_nofallback_stops(config):
    config = config(dataset="svhn", fallback_dataset="street_numbers", fallback=False, preset="svhn")
    with pytest.raises(DataUnavailableError, match="can't be reached .* give --data_dir=FOLDER"):
        registry.load_dataset(config, config.architecture)
