import keras
import numpy as np
import pytest
import tiny_bundles

from dcn_tf.model import DynamicCapacityNetwork
from dcn_tf.presets import preset
from edge.errors import UserError
from tools.baselines import paired_networks
from train.data.dataset import Split
from train.evaluation.intervals import Intervals
from train.evaluation.reader import Reader


def built(architecture, seed=0):
    keras.utils.set_random_seed(seed)
    network = DynamicCapacityNetwork(architecture)
    network.build()
    return network


def saved(network, path):
    network.save(path)
    return str(path)


def test_against_its_own_fine_model_the_figures_are_those_of_a_run(rng):
    network = built(preset("cluttered_mnist"))
    images = rng.integers(256, size=(12, 100, 100, 1), dtype=np.uint8)
    split = Split(images, rng.integers(10, size=(12, 1)).astype(np.int32), None, np.arange(12) // 2)
    rows = paired_networks.measure(network, network, (1, 3), split)
    assert list(rows) == ["coarse", "dcn/1", "dcn/3", "fine"]
    expected = dict(Intervals(Reader(network, (1, 3)), (1, 3))(split))
    for row in ("dcn/1", "dcn/3"):
        assert rows[row]["interval"] == expected[f"interval/{row}"]
        assert rows[row]["against_fine"] == expected[f"against_fine/{row}"]
    assert "against_fine" not in rows["fine"]
    line = paired_networks.report(rows).splitlines()[-1]
    assert line.split()[:2] == ["fine", f"{rows['fine']['error']:.2f}"]


def test_the_fine_model_is_that_of_the_other_network(rng):
    network, other = (built(preset("cluttered_mnist"), seed) for seed in (0, 1))
    images = rng.integers(256, size=(6, 100, 100, 1), dtype=np.uint8)
    split = Split(images, np.zeros((6, 1), np.int32))
    answers = Reader(other, (), trained="fine").fine(split)["fine"].argmax(axis=1)
    split = Split(images, answers[:, None].astype(np.int32))
    assert paired_networks.measure(network, other, (1,), split)["fine"]["error"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no.keras", "--fine=no.keras"], "DCN.keras must be a model that train.main wrote. Received: no.keras"),
        (["no.keras", "--fine=no.keras", "--num_patches=8,x"], "--num_patches must be whole numbers from 1 to 1000"),
    ],
)
def test_wrong_input_is_told(arguments, message):
    with pytest.raises(UserError, match=message):
        paired_networks.main(arguments)


def test_a_network_of_other_images_is_refused(tmp_path):
    path = saved(built(tiny_bundles.sequence_architecture()), tmp_path / "numbers.keras")
    with pytest.raises(UserError, match="a network must read a digit in images of 100 x 100, received .*numbers.keras"):
        paired_networks.main([path, f"--fine={path}"])
