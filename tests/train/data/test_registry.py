import logging

import pytest

from train.data import registry
from train.errors import DataUnavailableError, UserError


def test_an_unknown_name_lists_the_known_ones(config):
    with pytest.raises(UserError, match=r"--dataset must be one of cluttered_digits, .* Received: 'mnits'"):
        registry.load_dataset(config(dataset="mnits"), config().architecture)
    with pytest.raises(UserError, match=r"--fallback_dataset must be one of .* Received: 'nope'"):
        registry.load_dataset(config(fallback_dataset="nope"), config().architecture)


def test_a_fallback_is_announced_and_named_in_the_data_set(config):
    config = config(dataset="svhn", fallback_dataset="digit_strings", preset="svhn")
    messages = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    registry.log.addHandler(handler)
    dataset = registry.load_dataset(config, config.architecture)
    registry.log.removeHandler(handler)
    assert dataset.name == "digit_strings"
    assert "NOT house numbers" in dataset.detail
    assert any("Going on with --fallback_dataset=digit_strings, which is NOT svhn" in message for message in messages)
    assert dataset.test.images.shape == (1000, 64, 128, 1)
    assert dataset.test.labels.shape == (1000, 6)


def test_nofallback_stops(config):
    config = config(dataset="svhn", fallback_dataset="digit_strings", fallback=False, preset="svhn")
    with pytest.raises(DataUnavailableError, match="--dataset=folder"):
        registry.load_dataset(config, config.architecture)
