"""A training step of the Recurrent Attention Model, and its run."""

import tensorflow as tf

from dcn_tf.precision import layers_computing_in
from tools.baselines import glimpse_runs
from tools.baselines.glimpse_loss import answer_loss, entropies
from tools.baselines.ram_config import RamConfig
from tools.baselines.ram_loss import losses
from tools.baselines.ram_model import RamSpec, RecurrentAttentionModel, multiplications
from train.steps import clipped


def train_and_evaluate(config: RamConfig, restart: bool = False) -> dict:
    """Does what `glimpse_runs.train_and_evaluate` says."""
    averaged = config.test_trajectories > 1
    return glimpse_runs.train_and_evaluate(
        "ram",
        config,
        make_model,
        make_train_step,
        lambda model, k: multiplications(model.spec, k, config.test_trajectories),
        restart,
        make_averaged_answers(config) if averaged else glimpse_runs.answers_of,
    )


def make_model(config: RamConfig) -> RecurrentAttentionModel:
    """Returns the model of a configuration."""
    return RecurrentAttentionModel(
        RamSpec(glimpses=config.glimpses, glimpse_size=config.glimpse_size, scales=config.scales, cell=config.cell)
    )


def make_averaged_answers(config: RamConfig):
    """Returns (model, images, start) -> the mean probabilities of --test_trajectories answers to each image.

    Each trajectory has other noise, of the deviation at training's end. Public re-implementations are tested so
    (github.com/hehefan/Recurrent-Attention-Model). The noise depends on the seed and on where a batch begins alone.
    """
    count = config.test_trajectories

    @tf.function(reduce_retracing=True)
    def averaged(model, images, start):
        choices = (count * tf.shape(images)[0], config.glimpses - 1, 2)
        noise = tf.random.stateless_normal(choices, seed=tf.stack([config.seed, start]))
        probabilities = tf.nn.softmax(model(images, config.last_deviation * noise)["logits"])
        return tf.reduce_mean(tf.reshape(probabilities, [-1, count, *probabilities.shape[1:]]), axis=1)

    return averaged


def make_train_step(model: RecurrentAttentionModel, optimizer, config: RamConfig, teacher=None):
    """Returns (images, labels [batch, 1], boxes) -> {"loss", "gradient_norm", "error", ...}, which updates the model.

    The noise depends on nothing but the seed and the step, so that a resumed run goes on as an uninterrupted one.
    teacher: a `train.teacher.Teacher`, or None.
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
        taught = teacher and tf.repeat(teacher.logits(images, boxes), config.trajectories, axis=0)
        with tf.GradientTape() as tape, layers_computing_in(model.inner_layers, config.compute_dtype):
            outputs = model(images, noise)
            nats = entropies(outputs["logits"], labels)
            rewards = tf.exp(-nats)  # the probability of the right class: what a drawn answer gains on average
            terms = losses(outputs, rewards, noise, deviation, config.reward_decay)
            terms["classification"] = answer_loss(outputs["logits"], nats, taught, config)
            loss = terms["classification"] + config.location_weight * terms["location"] + terms["baseline"]
        gradients, norm = clipped(tape.gradient(loss, variables), config.clip_norm)
        optimizer.apply_gradients(zip(gradients, variables))
        wrong = tf.argmax(outputs["logits"][:, -1], axis=-1, output_type=labels.dtype) != labels
        return {
            "loss": loss,
            "gradient_norm": norm,
            "error": 100 * tf.reduce_mean(tf.cast(wrong, tf.float32)),
            **{f"loss/{name}": value for name, value in terms.items()},
        }

    return train_step


def deviation_at(step, config: RamConfig):
    """Returns the standard deviation of a step's locations: it falls from the first to the last by equal factors."""
    done = tf.cast(step, tf.float32) / config.train_steps
    return config.first_deviation * (config.last_deviation / config.first_deviation) ** done
