import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tools.baselines.glimpse_runs import errors, wrong_answers
from tools.baselines.ram_config import RamConfig
from tools.baselines.ram_model import RamSpec, RecurrentAttentionModel
from tools.baselines.ram_training import deviation_at, make_averaged_answers, make_model, train_and_evaluate
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


def test_answers_of_several_trajectories_are_averaged(config, rng):
    config = config(test_trajectories=3, last_deviation=0.3)
    model = make_model(config)
    model.build()
    images = tf.constant(rng.random((2, 100, 100, 1)), tf.float32)
    seen = []

    def follow(images, noise):
        seen.append(noise)
        return {"logits": tf.reshape(tf.range(36.0), [6, 3, 2]) ** 0.5}  # trajectories of an image next to each other

    answers = make_averaged_answers(config).python_function
    found = answers(follow, images, tf.constant(0))
    each = tf.nn.softmax(follow(images, None)["logits"]).numpy()
    np.testing.assert_allclose(found, [each[:3].mean(axis=0), each[3:].mean(axis=0)], rtol=1e-6)
    answers(follow, images, tf.constant(2))
    answers(follow, images, tf.constant(0))
    first, _, second, again = seen
    assert first.shape == (6, 2, 2)
    assert 0.1 < np.std(first) < 0.6
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - second).max() > 0.1
    assert make_averaged_answers(config)(model, images, tf.constant(0)).shape == (2, 3, 10)


def test_a_finished_run_is_evaluated_again_with_more_trajectories(config):
    alone = train_and_evaluate(config())
    together = train_and_evaluate(config(test_trajectories=4))
    assert together["steps"] == alone["steps"]
    costs = [result["multiplications"]["ram"]["3"] for result in (alone, together)]
    assert 3.8 < costs[1] / costs[0] <= 4  # the coarser scales are made once
    assert together["config"]["test_trajectories"] == 4


def test_the_deviation_falls_from_the_first_to_the_last(config):
    config = config(train_steps=4, first_deviation=0.4, last_deviation=0.1)
    np.testing.assert_allclose([deviation_at(step, config) for step in (0, 2, 4)], [0.4, 0.2, 0.1], rtol=1e-6)
