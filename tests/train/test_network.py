import json

import numpy as np
import pytest

from train.data.dataset import Dataset, Split
from train.errors import UserError
from train.network import built, network_for, write_network


def dataset(channels, classes):
    split = Split(np.zeros((2, 100, 100, channels), np.uint8), np.zeros((2, 1), np.int32))
    names = tuple(f"class {i}" for i in range(classes))
    return Dataset("some", "", names, None, split, split, split)


def test_channels_and_classes_follow_the_data(config):
    architecture = network_for(config(), dataset(3, 12))
    assert (architecture.channels, architecture.top.classes) == (3, 12)


def test_a_run_goes_on_with_the_network_that_it_was_begun_with(config, tmp_path):
    made = config(workdir=str(tmp_path))
    write_network(tmp_path, network_for(made, dataset(3, 12)))
    assert network_for(made, dataset(3, 12)).top.classes == 12
    with pytest.raises(UserError, match="was begun with another network: top.classes=12. Received: 13"):
        network_for(made, dataset(3, 13))
    other = config(workdir=str(tmp_path), set=("coarse.0.filters=4", "coarse.0.kernel=5"))
    with pytest.raises(UserError, match="another network: coarse.0.kernel.0=7. Received: 5"):
        network_for(other, dataset(3, 12))


def test_a_network_from_before_there_were_fields_has_what_they_were(config, tmp_path):
    def run(**changes):
        return config(workdir=str(tmp_path), preset="tiny_pyramid", training="modular", **changes)

    digits = dataset(1, 10)
    write_network(tmp_path, network_for(run(), digits))
    file = tmp_path / "architecture.json"
    begun = json.loads(file.read_text())
    del begun["patches_apart"]
    file.write_text(json.dumps(begun))
    assert network_for(run(), digits).patches_apart == 0
    with pytest.raises(UserError, match="another network: patches_apart=0.0. Received: 0.5"):
        network_for(run(patches_apart=0.5), digits)


def test_what_was_written_is_an_architecture_file(config, tmp_path):
    made = config(workdir=str(tmp_path))
    architecture = network_for(made, dataset(3, 12))
    write_network(tmp_path, architecture)
    again = config(architecture_file=str(tmp_path / "architecture.json"))
    assert again.network(1, 5) == architecture


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (("channels=1",), "takes images of 1 channels, and some has 3"),
        (("top.classes=5",), "has 5 classes, and some has 12; leave 'classes' out, or give --set=top.classes=12"),
    ],
)
def test_what_is_said_must_fit_the_data(config, changes, message):
    with pytest.raises(UserError, match=message):
        network_for(config(set=changes), dataset(3, 12))


def test_what_keras_does_not_know_is_told_in_one_line(config):
    architecture = network_for(config(set=("coarse.0.activation=rely",)), dataset(1, 10))
    with pytest.raises(UserError, match="can't be built: .*activation.*rely.*; change its description") as caught:
        built(architecture)
    assert "\n" not in str(caught.value)
