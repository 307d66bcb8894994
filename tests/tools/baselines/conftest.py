import dataclasses

import numpy as np
import pytest
import tiny_bundles

from dcn_tf.presets import PRESETS
from train.config import Config


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Returns a configuration of a run of seconds; `config(model="fine")` replaces values."""
    monkeypatch.setitem(PRESETS, "tiny_sequence", tiny_bundles.sequence_architecture)
    base = Config(
        workdir=str(tmp_path / "run"),
        dataset="cluttered_digits",
        preset="cluttered_mnist",
        train_steps=6,
        batch_size=8,
        train_images=20,
        validation_images=20,
        test_images=30,
        eval_num_patches=(1, 3),
    )
    return lambda **values: dataclasses.replace(base, **values)


@pytest.fixture
def tiny_run(tmp_path):
    """Returns a function: kind of configuration of a model of glimpses, values -> configuration of a run of seconds."""
    base = {
        "workdir": str(tmp_path / "run"),
        "dataset": "cluttered_digits",
        "train_steps": 3,
        "batch_size": 4,
        "validation_images": 10,
        "test_images": 20,
        "log_every": 1,
        "checkpoint_every": 1,
    }
    return lambda kind, **values: kind(**(base | values))
