import contextlib
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from dcn_tf.model import DynamicCapacityNetwork
from train import averaging, loop, optimizers, steps
from train.checkpoint_files import newest_whole, reader
from train.checkpoints import Checkpoints
from train.initial_weights import take_weights

DECAY = 0.8  # beyond which 10 / (9 + t) is the greater share until step 41


class Run:
    """A tiny network with its optimizer, average, step and checkpoints."""

    def __init__(self, config, workdir, decay=DECAY):
        keras.utils.set_random_seed(0)
        self.model = DynamicCapacityNetwork(config.architecture)
        self.model.build()
        self.optimizer = optimizers.make_optimizer(config)
        self.average = averaging.average_of(self.model, decay)
        self.step = steps.TrainStep(self.model, self.optimizer, config, self.average)
        self.checkpoints = Checkpoints(workdir, self.model, self.optimizer, self.average)

    def train(self, first, last):
        for number in range(first, last):
            rng = np.random.default_rng(number)
            images = rng.random((4, 100, 100, 1)).astype(np.float32)
            labels = rng.integers(10, size=(4, 1)).astype(np.int32)
            self.step(*map(tf.constant, (images, labels, np.zeros((4, 4), np.float32))))
        return self

    def moved(self):
        """Gives the averages values of their own, without a step of training."""
        for value in self.average.values:
            value.assign_add(tf.ones_like(value))
        return self

    def weights(self):
        return [variable.numpy() for variable in self.model.variables]

    def averages(self):
        return [value.numpy() for value in self.average.values]


def assert_equal(ours, others):
    for one, other in zip(ours, others, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_average_of_weights_by_a_loop():
    variable = keras.Variable([0.0, 0.0])
    model = type("Model", (), {"variables": [variable, keras.Variable([3], dtype="int64")]})
    average, expected = averaging.WeightAverage(model, DECAY), np.array([7.0, 7.0])
    rng = np.random.default_rng(0)
    for step in range(1, 61):
        variable.assign(rng.normal(size=2))
        average.follow(tf.constant(step))
        share = max(1 - DECAY, 10 / (9 + step))
        expected = (1 - share) * expected + share * variable.numpy()
        if step == 1:  # copies
            np.testing.assert_array_equal(average.values[0], variable.numpy())
    np.testing.assert_allclose(average.values[0], expected, rtol=1e-5)
    assert len(average.values) == 1


def test_a_resumed_run_ends_with_the_same_weights_and_averages_bit_by_bit(config, tmp_path):
    whole = Run(config(), tmp_path).train(0, 3)
    whole.checkpoints.save(3, 0.0)
    with whole.average.in_place():  # as a look at validation images does
        assert any(np.any(one != other) for one, other in zip(whole.weights(), whole.averages()))
    whole.train(3, 5)
    resumed = Run(config(), tmp_path)
    assert resumed.checkpoints.restore(newest_whole(tmp_path / "checkpoints")) == 3
    resumed.train(3, 5)
    assert_equal(resumed.weights(), whole.weights())
    assert_equal(resumed.averages(), whole.averages())


def test_the_averages_are_in_place_for_a_while(config, tmp_path):
    run = Run(config(), tmp_path).moved()
    weights, averages = run.weights(), run.averages()
    with contextlib.suppress(KeyError), run.average.in_place():
        assert_equal(run.weights(), averages)
        assert_equal(run.averages(), weights)
        raise KeyError
    assert_equal(run.weights(), weights)
    assert_equal(run.averages(), averages)


def test_evaluation_and_the_model_that_is_kept_have_the_averaged_weights(config, monkeypatch):
    config, seen = config(ema=DECAY, train_steps=4), []
    picture = loop._picture

    def noted(model, dataset):
        seen.append(model.variables[0].numpy())
        return picture(model, dataset)

    monkeypatch.setattr(loop, "_picture", noted)
    assert loop.train_and_evaluate(config)["config"]["ema"] == DECAY
    found = keras.saving.load_model(Path(config.workdir, "model.keras"))
    with reader(newest_whole(Path(config.workdir, "checkpoints"))) as tensors:
        averages, weights = (
            [tensors.get_tensor(f"{name}/{i}/.ATTRIBUTES/VARIABLE_VALUE") for i in range(len(found.variables))]
            for name in ("average", "model")
        )
    assert_equal([variable.numpy() for variable in found.variables], averages)
    assert any(np.any(one != other) for one, other in zip(weights, averages))
    assert len(seen) == 3  # two looks, and the last picture
    np.testing.assert_array_equal(seen[1], averages[0])
    np.testing.assert_array_equal(seen[2], averages[0])


def test_a_run_may_begin_from_the_averages_of_a_checkpoint(config, tmp_path):
    run = Run(config(), tmp_path).moved()
    run.checkpoints.save(2, 0.0)
    other = Run(config(), tmp_path / "other")
    take_weights(other.model, str(tmp_path))
    assert_equal(other.weights(), run.averages())
