import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tools.baselines import draw_training, ram_training
from tools.baselines.draw_config import DrawConfig
from tools.baselines.ram_config import RamConfig
from train import training
from train.errors import UserError
from train.optimizers import make_optimizer

MODELS = {
    "ram": (ram_training, RamConfig, {"glimpses": 3}),
    "draw": (draw_training, DrawConfig, {"glimpses": 2, "glimpse_size": 4}),
}


def weights(workdir):
    reader = tf.train.load_checkpoint(str(Path(workdir) / "checkpoints"))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map() if name.startswith("model")}


@pytest.mark.parametrize("name", MODELS)
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(name, tiny_run, tmp_path, monkeypatch):
    module, kind, values = MODELS[name]
    whole, halves = (tiny_run(kind, workdir=str(tmp_path / part), **values) for part in ("whole", "halves"))
    result = module.train_and_evaluate(whole)
    report = training._report

    def interrupted(step, *rest):
        report(step, *rest)
        if step == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(training, "_report", interrupted)
    with pytest.raises(KeyboardInterrupt):
        module.train_and_evaluate(halves)
    monkeypatch.setattr(training, "_report", report)
    assert not Path(halves.workdir, "result.json").exists()
    assert module.train_and_evaluate(halves)["error"] == result["error"]
    ours, theirs = weights(whole.workdir), weights(halves.workdir)
    assert ours.keys() == theirs.keys()
    for variable, value in ours.items():
        np.testing.assert_allclose(value, theirs[variable], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", MODELS)
def test_a_run_begins_from_the_weights_of_another(name, tiny_run, tmp_path):
    module, kind, values = MODELS[name]
    first, second = (tiny_run(kind, workdir=str(tmp_path / part), **values) for part in ("first", "second"))
    module.train_and_evaluate(first)
    resting = dataclasses.replace(second, seed=1, learning_rate=1e-12, init_from=first.workdir)
    module.train_and_evaluate(resting)
    ours, theirs = weights(first.workdir), weights(resting.workdir)
    for variable, value in ours.items():
        np.testing.assert_allclose(value, theirs[variable], atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_weights_to_begin_from_are_refused_before_anything_is_written(name, tiny_run, tmp_path):
    module, kind, values = MODELS[name]
    (tmp_path / "empty").mkdir()
    config = tiny_run(kind, workdir=str(tmp_path / "run"), init_from=str(tmp_path / "empty"), **values)
    with pytest.raises(UserError, match="--init_from found neither"):
        module.train_and_evaluate(config)
    assert not Path(config.workdir).exists()


def test_weights_of_another_architecture_are_refused(tiny_run, tmp_path):
    ram, draw = (tiny_run(MODELS[name][1], workdir=str(tmp_path / name), **MODELS[name][2]) for name in MODELS)
    ram_training.train_and_evaluate(ram)
    with pytest.raises(UserError, match="same architecture, draw_classifier"):
        draw_training.train_and_evaluate(dataclasses.replace(draw, init_from=ram.workdir))


@pytest.mark.parametrize("name", MODELS)
def test_bfloat16_has_the_loss_of_float32_to_its_precision(name, tiny_run, rng):
    module, kind, values = MODELS[name]
    images = tf.constant(rng.random((4, 100, 100, 1)), tf.float32)
    batch = images, tf.constant([[1], [2], [3], [4]]), tf.constant(rng.random((4, 4)), tf.float32)
    losses = []
    for dtype in ("float32", "bfloat16"):
        config = tiny_run(kind, compute_dtype=dtype, **values)
        tf.keras.utils.set_random_seed(0)
        model = module.make_model(config)
        model.build()
        step = module.make_train_step(model, make_optimizer(config.for_training()), config)
        losses.append(float(step(*batch)["loss"]))
        assert all(variable.dtype == "float32" for variable in model.variables)
        assert model(images)["logits"].dtype == tf.float32
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.03)


@pytest.mark.parametrize("name", MODELS)
def test_a_teacher_sees_the_boxes_and_adds_to_the_loss(name, tiny_run, rng):
    module, kind, values = MODELS[name]
    config = tiny_run(kind, **values)
    images = tf.constant(rng.random((4, 100, 100, 1)), tf.float32)
    batch = images, tf.constant([[1], [2], [3], [4]]), tf.constant(rng.random((4, 4)), tf.float32)
    seen = []

    class Teacher:
        def logits(self, images, boxes):
            seen.append(boxes)
            return 9.0 * tf.one_hot([5, 6, 7, 8], 10)

    losses = []
    for teacher in (None, Teacher()):
        tf.keras.utils.set_random_seed(0)
        model = module.make_model(config)
        model.build()
        step = module.make_train_step(model, make_optimizer(config.for_training()), config, teacher)
        losses.append(float(step(*batch)["loss"]))
    assert seen[0].shape == (4, 4)
    assert losses[1] > losses[0] + 1  # it is sure of other classes than the labels
