import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tools.baselines.glimpse_runs import errors, wrong_answers
from tools.baselines.ram_config import RamConfig
from tools.baselines.ram_model import RamSpec, RecurrentAttentionModel
from tools.baselines.ram_training import deviation_at, train_and_evaluate
from train import training
from train.data.dataset import Split


@pytest.fixture
def config(tmp_path):
    """Returns a configuration of a run of seconds; `config(train_steps=3)` replaces values."""
    base = RamConfig(
        workdir=str(tmp_path / "run"),
        dataset="cluttered_digits",
        train_steps=3,
        batch_size=4,
        glimpses=3,
        trajectories=2,
        validation_images=10,
        test_images=20,
        log_every=1,
        checkpoint_every=1,
    )
    return lambda **values: dataclasses.replace(base, **values)


def weights(workdir):
    reader = tf.train.load_checkpoint(str(Path(workdir) / "checkpoints"))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map() if name.startswith("model")}


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(config, tmp_path, monkeypatch):
    whole, halves = config(workdir=str(tmp_path / "whole")), config(workdir=str(tmp_path / "halves"))
    result = train_and_evaluate(whole)
    report = training._report

    def interrupted(step, *rest):
        report(step, *rest)
        if step == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(training, "_report", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_and_evaluate(halves)
    monkeypatch.setattr(training, "_report", report)
    assert not Path(halves.workdir, "result.json").exists()
    resumed = train_and_evaluate(halves)
    assert resumed["error"] == result["error"]
    ours, theirs = weights(whole.workdir), weights(halves.workdir)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        np.testing.assert_allclose(value, theirs[name], rtol=1e-5, atol=1e-7)


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
