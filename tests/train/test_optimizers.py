import dataclasses

import keras
import numpy as np
import pytest

from dcn_tf.model import DynamicCapacityNetwork
from train import optimizers
from train.history import Sitting


def built(config):
    model = DynamicCapacityNetwork(config.architecture)
    model.build()
    return model


def test_schedules_begin_and_end_where_they_should(config):
    def rate(step, **values):
        return float(
            optimizers.make_optimizer(config(train_steps=100, learning_rate=0.5, **values))._learning_rate(step)
        )

    assert rate(0, schedule="cosine") == pytest.approx(0.5)
    assert rate(50, schedule="cosine") == pytest.approx(0.25)
    assert rate(100, schedule="cosine") == pytest.approx(0.0, abs=1e-6)
    assert rate(10, schedule="cosine", warmup_steps=20) == pytest.approx(0.25)
    assert rate(20, schedule="cosine", warmup_steps=20) == pytest.approx(0.5)
    assert rate(100, schedule="cosine", warmup_steps=20) == pytest.approx(0.0, abs=1e-6)
    assert rate(100, schedule="exponential", decay_rate=0.1) == pytest.approx(0.05)


@pytest.mark.parametrize("schedule", ["cosine", "exponential", "constant"])
def test_a_phase_of_a_finished_run_has_the_schedule_of_a_run_of_its_own(config, schedule):
    whole = config(train_steps=40, schedule=schedule, warmup_steps=0, learning_rate=0.5)
    longer = dataclasses.replace(whole, train_steps=100, warmup_steps=10)
    own, later = Sitting(0, 40), Sitting(60, 100, phase=60)
    for step in (0, 7, 39):
        expected = optimizers.learning_rate_at(whole, own, step)
        assert optimizers.learning_rate_at(longer, later, 60 + step) == pytest.approx(expected)
    rate = optimizers.make_optimizer(longer, phase=60)._learning_rate
    if schedule != "constant":
        assert float(rate(60)) == pytest.approx(0.5)
    optimizers.make_optimizer(config(train_steps=50, schedule=schedule), phase=60)  # only to be evaluated


def test_constant_schedule_and_decay_of_kernels_only(config):
    config = config(schedule="constant", optimizer="adamw", weight_decay=0.5)
    optimizer = optimizers.make_optimizer(config)
    model = built(config)
    optimizer.build(model.trainable_variables)
    assert float(optimizer.learning_rate) == pytest.approx(config.learning_rate)
    for variable in model.trainable_variables:
        assert optimizer._use_weight_decay(variable) == (variable.name == "kernel"), variable.path


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "muon", "sgd"])
def test_no_decay_is_a_choice_of_every_optimizer(config, optimizer):
    assert optimizers.make_optimizer(config(optimizer=optimizer, weight_decay=0.0)).weight_decay is None
    assert optimizers.make_optimizer(config(optimizer=optimizer, weight_decay=0.1)).weight_decay == pytest.approx(0.1)


@pytest.mark.parametrize("shape", [(3, 5, 4, 16), (40, 16), (8, 30)])
def test_muon_makes_a_kernel_s_update_orthogonal(config, shape):
    config = config(optimizer="muon", schedule="constant", learning_rate=0.5, weight_decay=0.0)
    optimizer = optimizers.make_optimizer(config)
    variable = keras.Variable(np.zeros(shape, np.float32), name="kernel")
    optimizer.build([variable])
    rows, columns = int(np.prod(shape[:-1])), shape[-1]
    gradient = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    optimizer.apply([gradient])
    left, _, right = np.linalg.svd(gradient.reshape(rows, columns), full_matrices=False)
    step = -variable.numpy().reshape(rows, columns) / (0.5 * 0.2 * max(rows, columns) ** 0.5)
    values = np.linalg.svd(step, compute_uv=False)
    assert values.min() > 0.6  # five iterations of Newton and Schulz come as near to 1 as this
    assert values.max() < 1.3
    assert np.sum(step * (left @ right)) > 0.9 * min(rows, columns) * values.mean()


@pytest.mark.parametrize("shape", [(300, 40), (40, 300), (64, 64)])
@pytest.mark.parametrize("kind", ["random", "of rank 3", "badly conditioned"])
def test_muon_by_the_gram_matrix_is_keras_muon(shape, kind):
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=shape)
    if kind == "of rank 3":
        matrix = rng.normal(size=(shape[0], 3)) @ rng.normal(size=(3, shape[1]))
    if kind == "badly conditioned":
        left, values, right = np.linalg.svd(matrix, full_matrices=False)
        matrix = left * 10.0 ** -np.linspace(0, 6, len(values)) @ right
    matrix = keras.ops.convert_to_tensor(matrix, "float32")
    found = optimizers.Muon().zeropower_via_newtonschulz5(matrix, 5)
    expected = keras.optimizers.Muon().zeropower_via_newtonschulz5(matrix, 5)
    assert np.linalg.norm(found - expected) < 1e-3 * np.linalg.norm(expected)


def test_muon_leaves_what_is_no_hidden_kernel_to_adamw(config):
    config = config(optimizer="muon", schedule="constant", weight_decay=0.5)
    optimizer = optimizers.make_optimizer(config)
    model = built(config)
    optimizer.build(model.trainable_variables)
    for variable in model.trainable_variables:
        hidden = variable.name == "kernel" and "logits" not in variable.path
        assert optimizer._should_use_adamw(variable) != hidden, variable.path
        assert optimizer._use_weight_decay(variable) == (variable.name == "kernel"), variable.path


def test_muon_s_first_step_of_a_bias_is_adam_s(config):
    config = config(optimizer="muon", schedule="constant", learning_rate=0.25, weight_decay=0.0)
    optimizer = optimizers.make_optimizer(config)
    bias = keras.Variable(np.zeros(3, np.float32), name="bias")
    optimizer.build([bias])
    optimizer.apply([np.array([2.0, -1e-2, 5.0], np.float32)])
    np.testing.assert_allclose(bias.numpy(), [-0.25, 0.25, -0.25], rtol=1e-3)
