import dataclasses

import keras
import numpy as np
import pytest

from dcn_tf.model import DynamicCapacityNetwork
from train import optimizers
from train.checkpoints import Checkpoints
from train.errors import UserError
from train.initial_weights import take_weights
from train.loop import train_and_evaluate


def network(config, seed, **values):
    keras.utils.set_random_seed(seed)
    architecture = config(preset="tiny_sequence").architecture
    model = DynamicCapacityNetwork(dataclasses.replace(architecture, **values))
    model.build()
    for weight in model.weights:  # statistics too
        weight.assign(weight + np.random.default_rng(seed).uniform(0, 1, weight.shape).astype(np.float32))
    return model


def values(model):
    return [weight.numpy() for weight in model.weights]


def random_states(model):
    weights = {id(weight) for weight in model.weights}
    return [variable.numpy() for variable in model.variables if id(variable) not in weights]


def assert_equal(ours, others):
    for one, other in zip(ours, others, strict=True):
        np.testing.assert_array_equal(one, other)


def checkpointed(workdir, model, config, step=3):
    optimizer = optimizers.make_optimizer(config())
    optimizer.build(model.trainable_variables)
    Checkpoints(workdir, model, optimizer).save(step, 0.0)


def test_from_a_file(config, tmp_path):
    source, model = network(config, 1), network(config, 2)
    source.save(tmp_path / "weights.keras")
    assert any(np.any(one != other) for one, other in zip(values(source), values(model)))
    take_weights(model, str(tmp_path / "weights.keras"))
    assert_equal(values(model), values(source))


def test_from_a_workdir_with_a_checkpoint_only(config, tmp_path):
    source, model = network(config, 1), network(config, 2)
    checkpointed(tmp_path, network(config, 3), config, step=3)
    checkpointed(tmp_path, source, config, step=7)  # the newest
    own = random_states(model)
    assert own  # of dropout
    take_weights(model, str(tmp_path))
    assert_equal(values(model), values(source))
    assert_equal(random_states(model), own)  # the run's own seed stays


def test_a_finished_run_is_taken_as_it_ended(config, tmp_path):
    source, model = network(config, 1), network(config, 2)
    checkpointed(tmp_path, network(config, 3), config)
    source.save(tmp_path / "model.keras")
    take_weights(model, str(tmp_path))
    assert_equal(values(model), values(source))


def test_the_mean_of_several(config, tmp_path):
    sources, model = [network(config, seed) for seed in (1, 2, 3)], network(config, 4)
    sources[0].save(tmp_path / "one.keras")
    sources[1].save(tmp_path / "model.keras")  # of a workdir
    (tmp_path / "begun").mkdir()
    checkpointed(tmp_path / "begun", sources[2], config)
    own = random_states(model)
    take_weights(model, f"{tmp_path}/one.keras, {tmp_path},{tmp_path}/begun")
    for mine, *theirs in zip(values(model), *map(values, sources), strict=True):
        np.testing.assert_allclose(mine, sum(theirs) / 3, rtol=1e-6)
    assert_equal(random_states(model), own)


def test_a_name_with_a_comma_is_one_file(config, tmp_path):
    source, model = network(config, 1), network(config, 2)
    source.save(tmp_path / "1,2.keras")
    take_weights(model, str(tmp_path / "1,2.keras"))
    assert_equal(values(model), values(source))


def test_of_several_one_that_does_not_fit_is_named(config, tmp_path):
    network(config, 1).save(tmp_path / "one.keras")
    top = dataclasses.replace(config(preset="tiny_sequence").architecture.top, box=True)
    network(config, 1, top=top).save(tmp_path / "other.keras")
    refused(network(config, 2), f"{tmp_path}/one.keras,{tmp_path}/other.keras", r"Received: \d+ in .*other.keras")
    refused(network(config, 2), f"{tmp_path}/one.keras,{tmp_path}/none", "a workdir or a .keras file. .*/none, which")


def refused(model, source, message):
    before = values(model)
    with pytest.raises(UserError, match=message) as caught:
        take_weights(model, str(source))
    assert "\n" not in str(caught.value)
    assert_equal(values(model), before)


@pytest.mark.parametrize("from_checkpoint", [False, True])
def test_another_architecture_is_refused_and_what_does_not_fit_is_named(config, tmp_path, from_checkpoint):
    top = dataclasses.replace(config(preset="tiny_sequence").architecture.top, max_length=4)
    source, model = network(config, 1, top=top), network(config, 2)  # 3 + 33 and 4 + 44 outputs
    if from_checkpoint:
        checkpointed(tmp_path, source, config)
    else:
        source.save(tmp_path / "model.keras")
    message = r"same architecture, tiny_sequence: .*coarse_top/cell_logits/kernel is \(4, 36\). Received: \(4, 48\) in "
    refused(model, tmp_path, message)


@pytest.mark.parametrize("from_checkpoint", [False, True])
def test_more_weights_than_the_network_has_are_refused(config, tmp_path, from_checkpoint):
    top = dataclasses.replace(config(preset="tiny_sequence").architecture.top, box=True)
    source, model = network(config, 1, top=top), network(config, 2)  # a kernel and a bias more, behind the others
    if from_checkpoint:
        checkpointed(tmp_path, source, config)
    else:
        source.save(tmp_path / "model.keras")
    count = len(model.variables)
    refused(model, tmp_path, rf"tiny_sequence: {count} arrays. Received: {count + 2} in ")


def test_fewer_weights_than_the_network_has_are_refused(config, tmp_path):
    top = dataclasses.replace(config(preset="tiny_sequence").architecture.top, box=True)
    source, model = network(config, 1), network(config, 2, top=top)
    source.save(tmp_path / "model.keras")
    refused(model, tmp_path, rf"{len(model.variables)} arrays. Received: {len(source.variables)} in ")
    (tmp_path / "model.keras").unlink()
    checkpointed(tmp_path, source, config)
    refused(model, tmp_path, rf"{len(model.variables)} arrays. Received: {len(source.variables)} in ")


def test_what_holds_no_weights_is_refused(config, tmp_path):
    model = network(config, 2)
    refused(model, tmp_path / "nowhere", "which is neither")
    refused(model, tmp_path, r"neither model.keras nor a checkpoint. Received: .*; give the workdir of a run")
    (tmp_path / "some.keras").write_bytes(b"nothing of the kind")
    refused(model, tmp_path / "some.keras", r"a model that train.main wrote. Received: .*some.keras")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "other.keras")
    refused(model, tmp_path / "other.keras", "must be a DynamicCapacityNetwork. Received: Sequential in ")


def test_a_damaged_checkpoint_is_refused(config, tmp_path):
    source, model = network(config, 1), network(config, 2)
    checkpointed(tmp_path, source, config)
    next((tmp_path / "checkpoints").glob("*.data*")).write_bytes(b"nothing")
    refused(model, tmp_path, "is whole .ckpt-3: the checksum of .* is wrong.; .* or name another run")


def test_a_run_begins_from_them_and_a_resumed_one_from_its_own(config, tmp_path):
    first = DynamicCapacityNetwork(config().architecture)
    first.build()
    (tmp_path / "first").mkdir()
    first.save(tmp_path / "first" / "model.keras")
    still = {"optimizer": "sgd", "learning_rate": 1e-30, "schedule": "constant", "weight_decay": 0.0, "train_steps": 1}
    second = config(workdir=str(tmp_path / "second"), init_from=str(tmp_path / "first"), seed=5, **still)
    train_and_evaluate(second)
    taken = keras.saving.load_model(f"{second.workdir}/model.keras")
    for one, other in zip(taken.trainable_variables, first.trainable_variables, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=0, atol=1e-20)
    (tmp_path / "first" / "model.keras").unlink()
    train_and_evaluate(second)  # which needs the first no more
