"""A training step of DRAW's classifier, and its run."""

import tensorflow as tf

from dcn_tf.precision import layers_computing_in
from tools.baselines import glimpse_runs
from tools.baselines.draw_config import DrawConfig
from tools.baselines.draw_model import DrawClassifier, DrawSpec, multiplications
from tools.baselines.glimpse_loss import answer_loss, entropies
from train.steps import clipped


def train_and_evaluate(config: DrawConfig, restart: bool = False) -> dict:
    """Does what `glimpse_runs.train_and_evaluate` says."""
    return glimpse_runs.train_and_evaluate(
        "draw", config, make_model, make_train_step, lambda model, k: multiplications(model.spec, k), restart
    )


def make_model(config: DrawConfig) -> DrawClassifier:
    """Returns the model of a configuration."""
    return DrawClassifier(DrawSpec(glimpses=config.glimpses, glimpse_size=config.glimpse_size))


def make_train_step(model: DrawClassifier, optimizer, config: DrawConfig, teacher=None):
    """Returns (images, labels [batch, 1], boxes) -> {"loss", "gradient_norm", "error"}, which updates the model.

    The loss is `answer_loss`, as RAM has it here: so there is an answer after each glimpse. The paper's is that after
    the last. teacher: a `train.teacher.Teacher`, or None.
    """
    variables = model.trainable_variables
    optimizer.build(variables)

    @tf.function
    def train_step(images, labels, boxes=None):
        labels = labels[:, 0]
        taught = teacher and teacher.logits(images, boxes)
        with tf.GradientTape() as tape, layers_computing_in(model.inner_layers, config.compute_dtype):
            logits = model(images)["logits"]
            loss = answer_loss(logits, entropies(logits, labels), taught, config)
        gradients, norm = clipped(tape.gradient(loss, variables), config.clip_norm)
        optimizer.apply_gradients(zip(gradients, variables))
        wrong = tf.argmax(logits[:, -1], axis=-1, output_type=labels.dtype) != labels
        return {"loss": loss, "gradient_norm": norm, "error": 100 * tf.reduce_mean(tf.cast(wrong, tf.float32))}

    return train_step
