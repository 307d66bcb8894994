import json
from pathlib import Path

import numpy as np
import pytest

from tools.baselines.glimpse_runs import errors, wrong_answers
from tools.baselines.ram_config import RamConfig
from tools.baselines.ram_model import RamSpec, RecurrentAttentionModel
from tools.baselines.ram_training import deviation_at, train_and_evaluate
from train.data.dataset import Split


@pytest.fixture
def config(tiny_run):
    """Returns a configuration of a run of seconds; `config(train_steps=3)` replaces values."""
    return lambda **values: tiny_run(RamConfig, **({"glimpses": 3, "trajectories": 2} | values))


def test_a_run_leaves_what_tables_are_made_of(config):
    result = train_and_evaluate(config(train_steps=1))
    workdir = Path(config().workdir)
    assert json.loads((workdir / "result.json").read_text()) == json.loads(json.dumps(result))
    assert (result["steps"], result["seed"], result["test_images"]) == (1, 0, 20)
    assert result["config"]["batch_size"] == 4
    names = {line.split(",")[1] for line in (workdir / "curves.csv").read_text().splitlines()[1:]}
    assert {"train/loss/location", "train/error", "validation_error/ram/3"} <= names


def test_the_error_is_counted_after_every_glimpse(rng):
    model = RecurrentAttentionModel(RamSpec(glimpses=2))
    model.build()
    images = rng.integers(256, size=(7, 100, 100, 1), dtype=np.uint8)
    logits = model(images / np.float32(255))["logits"].numpy()
    labels = np.argmax(logits[:, 1], axis=-1).astype(np.int32)  # as answered after the second
    first = 100 * np.mean(np.argmax(logits[:, 0], axis=-1) != labels)
    wrong = wrong_answers(model, Split(images, labels[:, None]))
    assert errors(wrong) == {"1": pytest.approx(first, abs=1e-3), "2": 0.0}


def test_the_deviation_falls_from_the_first_to_the_last(config):
    config = config(train_steps=4, first_deviation=0.4, last_deviation=0.1)
    np.testing.assert_allclose([deviation_at(step, config) for step in (0, 2, 4)], [0.4, 0.2, 0.1], rtol=1e-6)
