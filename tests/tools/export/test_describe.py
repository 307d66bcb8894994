import pytest

from dcn_tf.architecture import Architecture, ClassifierTopSpec, Conv
from dcn_tf.model import DynamicCapacityNetwork
from dcn_tf.presets import cluttered_mnist
from edge.errors import UserError
from tools.export.describe import describe, training


def test_the_papers_network():
    network = DynamicCapacityNetwork(cluttered_mnist())
    network.build()
    found = describe(network, list("0123456789"), 8, "stretch")
    assert found["input"]["size"] == [100, 100]
    assert found["cells"] == {"map": [23, 23], "stride": [4, 4], "offset": [0, 0], "field": [11, 11]}
    assert found["patch"] == {"size": [14, 14], "origin": [-1, -1]}
    assert found["convolution"] == {"strides": [2, 2], "padding": [[0, 0], [0, 0]]}
    assert (found["refined"], found["pooling"], found["heads"]) == ("swap", None, [10])


def test_sequences(sequence):
    found = describe(sequence, list("0123456789"), 3, "fit")
    assert found["heads"] == [3, 11, 11, 11]
    assert found["saliency_heads"] == [1, 2, 3]
    assert found["pooling"] == {"coarse": "average", "refined": "inverse_entropy", "floor": 1e-3, "power": 2.0}
    assert (found["max_length"], found["refined"], found["convolution"]) == (3, "pool", None)
    assert (found["input"]["colour"], found["input"]["resize"]) == ("RGB", "fit")


def test_images_of_two_channels_are_told():
    top = ClassifierTopSpec(Conv(4, 2), 3)
    network = DynamicCapacityNetwork(Architecture("two", (12, 12), 2, (Conv(4, 3),), (Conv(4, 3),), top, (3, 3), 1))
    network.build()
    with pytest.raises(UserError, match="received 2"):
        describe(network, ["a", "b", "c"], 1, "stretch")


def test_no_path_of_the_workstation_goes_along():
    result = {"seed": 3, "config": {"workdir": "/home/me", "data_dir": "/data", "batch_size": 8}, "error": {"dcn": 1}}
    found = training(result)
    assert found["config"] == {"batch_size": 8}
    assert (found["seed"], found["error"], found["steps"]) == (3, {"dcn": 1}, None)
