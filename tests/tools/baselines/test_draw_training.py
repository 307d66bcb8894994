import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tools.baselines.draw_config import DrawConfig
from tools.baselines.draw_training import make_model, make_train_step, train_and_evaluate
from train.errors import UserError
from train.optimizers import make_optimizer


@pytest.fixture
def config(tiny_run):
    """Returns a configuration of a run of seconds; `config(train_steps=3)` replaces values."""
    return lambda **values: tiny_run(DrawConfig, **({"glimpses": 2, "glimpse_size": 4} | values))


def test_a_run_leaves_what_tables_are_made_of(config):
    run = config(train_steps=1)
    train_and_evaluate(run)
    kept = json.loads(Path(run.workdir, "result.json").read_text())
    assert set(kept["error"]["draw"]) == set(kept["multiplications"]["draw"]) == {"1", "2"}
    low, high = kept["interval"]["draw"]["2"]
    assert low <= kept["error"]["draw"]["2"] <= high
    assert kept["cpu_milliseconds"]["draw"] > 0


def test_it_learns_one_batch(config):
    config = config(learning_rate=1e-2, schedule="constant")
    model = make_model(config)
    model.build()
    step = make_train_step(model, make_optimizer(config.for_training()), config)
    images, labels = np.zeros((4, 100, 100, 1), np.float32), np.arange(4, dtype=np.int32)[:, None]
    for i, (row, column) in enumerate(np.ndindex(2, 2)):  # a quarter of each is lit
        images[i, 50 * row : 50 * row + 50, 50 * column : 50 * column + 50] = 1
    losses = [float(step(tf.constant(images), tf.constant(labels))["loss"]) for _ in range(60)]
    assert losses[0] == pytest.approx(np.log(10), abs=0.5)
    assert losses[-1] < 0.5


def test_muon_leaves_the_kernels_of_grids_and_answers_to_adamw(config):
    config = config(optimizer="muon")
    model, optimizer = make_model(config), make_optimizer(config.for_training())
    model.build()
    kernels = [variable for variable in model.trainable_variables if len(variable.shape) == 2]
    left = {variable.path.split("/")[-2] for variable in kernels if optimizer._should_use_adamw(variable)}
    assert len(kernels) == 4
    assert left == {"grid_logits", "logits"}


def test_wrong_flags(config):
    for name, value in (
        ("answers_from", 3),
        ("dataset", "svhn"),
        ("glimpses", 0),
        ("glimpse_size", 1),
        ("train_steps", 0),
    ):
        with pytest.raises(UserError, match=f"--{name} .*Received: "):
            config(**{name: value})
