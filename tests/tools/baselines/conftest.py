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
