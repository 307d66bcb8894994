"""A run of the Recurrent Attention Model: data, model, resume, loop, evaluation, result."""

import functools
import json

import keras
import numpy as np
import tensorflow as tf

from dcn_tf.presets import preset
from tools.baselines.ram_config import RamConfig
from tools.baselines.ram_loss import losses
from tools.baselines.ram_model import RamSpec, RecurrentAttentionModel, multiplications
from tools.table import table
from train import files
from train import workdir as workdirs
from train.checkpoints import Checkpoints
from train.data.dataset import Split
from train.data.pipeline import to_float
from train.data.registry import load_dataset
from train.loop import described
from train.progress import log
from train.steps import learning_rate_at, make_optimizer
from train.training import train

EVALUATION_BATCH = 500


def train_and_evaluate(config: RamConfig, restart: bool = False) -> dict:
    """Trains, evaluates on the test split, writes the workdir's files, and returns what `result.json` holds.

    On a workdir that was begun it resumes; on a finished one it only evaluates.

    Args:
        restart: whether it begins again, and keeps aside what was trained before.
    """
    with workdirs.held(config, restart) as held:
        return _run(config, held)


def _run(config: RamConfig, held: workdirs.Workdir) -> dict:
    """Does what `train_and_evaluate` says, in a workdir that no other process writes to."""
    workdir = held.path
    dataset = load_dataset(config.for_training(), preset("cluttered_mnist"))
    log.info("data: %s: %s", dataset.name, dataset.detail)

    keras.utils.set_random_seed(config.seed)
    model = RecurrentAttentionModel(
        RamSpec(glimpses=config.glimpses, glimpse_size=config.glimpse_size, scales=config.scales)
    )
    model.build()
    optimizer = make_optimizer(config.for_training(), held.phase)
    train_step = make_train_step(model, optimizer, config)

    checkpoints = Checkpoints(workdir, model, optimizer)
    first_step = checkpoints.restore(held.newest)
    held.begin(config, functools.partial(learning_rate_at, config.for_training()))

    def look(step):
        return {f"ram/{k}": error for k, error in evaluate(model, dataset.validation).items()}

    if first_step < config.train_steps:
        train(config, dataset, train_step, checkpoints, tf.summary.create_file_writer(str(workdir)), look)

    measured = {
        "validation_error": {"ram": evaluate(model, dataset.validation)},
        "error": {"ram": evaluate(model, dataset.test)},
        "multiplications": {"ram": {str(k): multiplications(model.spec, k) for k in range(1, config.glimpses + 1)}},
        "test_images": len(dataset.test),
    }
    result = described(config, dataset, checkpoints, measured)
    files.write_text(workdir / "result.json", json.dumps(result, indent=1) + "\n")
    print(format_table(result))
    return result


def make_train_step(model: RecurrentAttentionModel, optimizer, config: RamConfig):
    """Returns (images, labels [batch, 1]) -> {"loss", "gradient_norm", "error", ...}, which updates the model.

    The noise depends on nothing but the seed and the step, so that a resumed run goes on as an uninterrupted one.
    """
    variables = model.trainable_variables
    optimizer.build(variables)
    choices = (config.batch_size * config.trajectories, config.glimpses - 1, 2)

    @tf.function
    def train_step(images, labels, boxes=None):
        step = optimizer.iterations.value
        deviation = deviation_at(step, config)
        noise = deviation * tf.random.stateless_normal(choices, seed=tf.stack([config.seed, tf.cast(step, tf.int32)]))
        labels = tf.repeat(labels[:, 0], config.trajectories)
        with tf.GradientTape() as tape:
            outputs = model(images, noise)
            terms = losses(outputs, labels, noise, deviation, config.reward_decay)
            loss = terms["classification"] + config.location_weight * terms["location"] + terms["baseline"]
        gradients = tape.gradient(loss, variables)
        optimizer.apply_gradients(zip(gradients, variables))
        wrong = tf.argmax(outputs["logits"][:, -1], axis=-1, output_type=labels.dtype) != labels
        return {
            "loss": loss,
            "gradient_norm": tf.linalg.global_norm(gradients),
            "error": 100 * tf.reduce_mean(tf.cast(wrong, tf.float32)),
            **{f"loss/{name}": value for name, value in terms.items()},
        }

    return train_step


def deviation_at(step, config: RamConfig):
    """Returns the standard deviation of a step's locations: it falls from the first to the last by equal factors."""
    done = tf.cast(step, tf.float32) / config.train_steps
    return config.first_deviation * (config.last_deviation / config.first_deviation) ** done


def evaluate(model: RecurrentAttentionModel, split: Split) -> dict[str, float]:
    """Returns the error in percent after each number of glimpses, along the one trajectory of the policy's means."""
    wrong = np.zeros(model.spec.glimpses)
    for start in range(0, len(split), EVALUATION_BATCH):
        logits = _answers(model, tf.constant(split.images[start : start + EVALUATION_BATCH]))
        labels = split.labels[start : start + EVALUATION_BATCH]
        wrong += (np.argmax(logits, axis=-1) != labels).sum(axis=0)
    return {str(k): round(100.0 * count / len(split), 4) for k, count in enumerate(wrong.tolist(), 1)}


@tf.function(reduce_retracing=True)
def _answers(model, images):
    return model(to_float(images))["logits"]


def format_table(result: dict) -> str:
    """Returns the table that a run prints."""
    costs = result["multiplications"]["ram"]
    rows = [(k, f"{error:.2f}", f"{costs[k] / 1e6:.2f}") for k, error in result["error"]["ram"].items()]
    return (
        f"\n{result['dataset']}, test ({result['steps']} steps)\n\n{table(('glimpses', 'error, %', 'M mult.'), rows)}\n"
        f"({result['test_images']} images; M mult.: million multiplications of one image)"
    )
