"""Trains on two logical devices, and on one in two parts: python -m two_devices prints losses and errors as JSON."""

import dataclasses
import json
import tempfile
from pathlib import Path

import tensorflow as tf
from tiny_training import tiny_classifier

from dcn_tf.presets import PRESETS
from train.config import Config
from train.loop import train_and_evaluate


def run(config: Config, **changes) -> dict:
    """Returns the losses and errors of a run."""
    with tempfile.TemporaryDirectory() as folder:
        result = train_and_evaluate(dataclasses.replace(config, workdir=folder, **changes))
        lines = Path(folder, "curves.csv").read_text().splitlines()[1:]
    losses = [float(value) for _, name, value in (line.split(",") for line in lines) if name == "train/loss"]
    return {"losses": losses, "error": result["error"]}


if __name__ == "__main__":
    PRESETS["tiny_classifier"] = tiny_classifier
    (processor,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    base = Config(
        "", "cluttered_digits", preset="tiny_classifier", batch_size=8, train_steps=6, log_every=1, hint_weight=0.05
    )
    base = dataclasses.replace(base, validation_images=20, test_images=150, eval_num_patches=(1, 3))
    print(json.dumps({"two": run(base, distribute="mirrored"), "one": run(base, replicas=2)}))
