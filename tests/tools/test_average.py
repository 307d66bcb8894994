import keras
import numpy as np
import pytest

from dcn_tf.model import DynamicCapacityNetwork
from dcn_tf.presets import PRESETS
from edge.errors import UserError
from tools import average


@pytest.fixture(scope="module")
def trainings(tmp_path_factory):
    """Two files of weights of one network, and one of another."""
    folder, models = tmp_path_factory.mktemp("trainings"), {}
    for name, preset, seed in (("a", "cluttered_mnist_small", 0), ("b", "cluttered_mnist_small", 1)):
        keras.utils.set_random_seed(seed)
        models[name] = DynamicCapacityNetwork(PRESETS[preset]())
        models[name].build()
        models[name].save(folder / f"{name}.keras")
    other = DynamicCapacityNetwork(PRESETS["cluttered_mnist"]())
    other.build()
    other.save(folder / "other.keras")
    return folder, models


@pytest.mark.parametrize(("words", "shares"), [([], (0.5, 0.5)), (["--shares=0.25,0.75"], (0.25, 0.75))])
def test_every_weight_is_the_mean(trainings, words, shares, tmp_path, capsys):
    folder, models = trainings
    out = tmp_path / "mean.keras"
    average.main([str(folder / "a.keras"), str(folder / "b.keras"), f"--out={out}", *words])
    assert capsys.readouterr().out == f"written: {out}, the mean of 2 trainings\n"
    found = keras.saving.load_model(out, compile=False)
    for mean, one, other in zip(found.weights, models["a"].weights, models["b"].weights, strict=True):
        np.testing.assert_allclose(mean, shares[0] * one.numpy() + shares[1] * other.numpy(), atol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["mean.keras"]


@pytest.mark.parametrize(
    ("names", "words", "message"),
    [
        (["a"], [], "needs from 2 to 64 trainings, received 1"),
        (["a", "b"], ["--shares=1"], "--shares must be 2 numbers that sum to 1, received 1"),
        (["a", "b"], ["--shares=0.5,x"], "--shares must be 2 numbers that sum to 1, received 0.5,x"),
        (["a", "b"], ["--shares=2,-1"], "--shares must be 2 numbers"),
        (["a", "missing"], [], "a training must be a workdir or a .keras file. Received: .*missing.keras"),
        (["a", "other"], [], "a training must hold weights of the same architecture"),
    ],
)
def test_wrong_input_is_one_line_and_writes_nothing(trainings, names, words, message, tmp_path):
    folder, _ = trainings
    with pytest.raises(UserError, match=message):
        average.main([*(str(folder / f"{name}.keras") for name in names), f"--out={tmp_path / 'mean.keras'}", *words])
    assert not list(tmp_path.iterdir())


def test_the_file_is_a_keras_file(trainings, tmp_path):
    with pytest.raises(UserError, match="--out must end in .keras, received"):
        average.main([str(trainings[0] / "a.keras"), str(trainings[0] / "b.keras"), f"--out={tmp_path / 'mean'}"])
