"""The optimizers by name, and their schedule."""

import dataclasses

import keras
from keras import ops

from train.config import Config

OUTPUT_LAYERS = ("logits", "box")  # in the paths of their variables: kernels of outputs, which Muon leaves to AdamW


class Later(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that begins at a step of the run: that of a run which was finished, and is trained further.

    Args:
        schedule: of steps from 0 on.
        first_step: the step of the run at which it begins.
    """

    def __init__(self, schedule, first_step: int):
        super().__init__()
        self.schedule, self.first_step = schedule, first_step

    def __call__(self, step):
        return self.schedule(step - self.first_step)

    def get_config(self):
        schedule = keras.optimizers.schedules.serialize(self.schedule)
        return {"schedule": schedule, "first_step": self.first_step}


def make_schedule(config: Config, phase: int = 0):
    """Returns the learning rate: a number, or a function of the step.

    Args:
        config: of the run.
        phase: the step at which the schedule begins. Above 0 it begins at its peak, without warm-up.
    """
    warmup_steps = 0 if phase else config.warmup_steps
    steps = max(1, config.train_steps - phase)  # at least one, also where nothing is left to be trained
    warmup = {"warmup_target": config.learning_rate, "warmup_steps": warmup_steps} if warmup_steps else {}
    initial_rate = 0.0 if warmup else config.learning_rate
    schedules = keras.optimizers.schedules
    if config.schedule == "cosine":
        schedule = schedules.CosineDecay(initial_rate, steps - warmup_steps, **warmup)
    elif config.schedule == "exponential":  # falls by decay_rate over the run
        schedule = schedules.ExponentialDecay(config.learning_rate, steps, config.decay_rate)
    else:
        return config.learning_rate
    return Later(schedule, phase) if phase else schedule


def learning_rate_at(config: Config, sitting, step: int) -> float:
    """Returns the learning rate of a step in a sitting of the run."""
    schedule = make_schedule(dataclasses.replace(config, train_steps=sitting.train_steps), sitting.phase)
    return float(schedule(step) if callable(schedule) else schedule)


class Muon(keras.optimizers.Muon):
    """Keras' Muon, which orthogonalises the update of each matrix, for kernels of convolutions too.

    A kernel of shape [height, width, inputs, filters] is a matrix of height x width x inputs rows. Keras gives such
    kernels to AdamW. Here AdamW has biases, normalisation parameters and the kernels of outputs (Jordan et al. 2024;
    the scale of the update, which lets both share a learning rate, is that of Liu et al. 2025, arXiv 2502.16982).
    A tall matrix is orthogonalised by way of its small Gram matrix, with a third of the multiplications.
    """

    def __init__(self, *args, exclude_layers=OUTPUT_LAYERS, **kwargs):
        super().__init__(*args, exclude_layers=list(exclude_layers), **kwargs)

    def _should_use_adamw(self, variable):
        return len(variable.shape) < 2 or any(name in variable.path for name in self.exclude_layers)

    def zeropower_via_newtonschulz5(self, x, steps: int):
        """Returns a matrix with its singular values brought near 1, as Keras' method of this name does.

        Each step of Newton and Schulz multiplies X from the right by a polynomial in its Gram matrix X'X. So they need
        the small matrices alone: the Gram matrix, and the product of the polynomials, by which X is multiplied once.
        """
        is_wide = x.shape[0] < x.shape[1]
        x = ops.transpose(x) if is_wide else x
        x = x / (ops.norm(x) + 1e-7)
        gram, identity = ops.transpose(x) @ x, ops.eye(x.shape[1], dtype=x.dtype)
        product = identity
        for _ in range(steps):
            polynomial = self.muon_a * identity + self.muon_b * gram + self.muon_c * gram @ gram
            product = product @ polynomial
            gram = polynomial @ gram @ polynomial
        x = x @ product
        return ops.transpose(x) if is_wide else x

    def _muon_update_step(self, gradient, variable, lr, m):
        self.assign_add(m, ops.add(gradient, m * (self.momentum - 1)))
        update = ops.add(gradient, self.momentum * m) if self.nesterov else m
        matrix = ops.reshape(update, (-1, update.shape[-1]))
        matrix = self.lr_adjust(lr * self.zeropower_via_newtonschulz5(matrix, self.ns_steps))
        self.assign_sub(variable, ops.reshape(matrix, variable.shape))


def make_optimizer(config: Config, phase: int = 0) -> keras.optimizers.Optimizer:
    """Returns the optimizer with its schedule. Biases and normalisation parameters are not decayed.

    Args:
        config: of the run.
        phase: see `make_schedule`.
    """
    schedule = make_schedule(config, phase)
    decay = config.weight_decay or None
    if config.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(schedule, momentum=config.momentum, nesterov=True, weight_decay=decay)
    elif config.optimizer == "muon":
        optimizer = Muon(schedule, weight_decay=decay, adam_weight_decay=decay)
    else:
        kind = keras.optimizers.AdamW if decay and config.optimizer == "adamw" else keras.optimizers.Adam
        optimizer = kind(schedule, weight_decay=decay)
    if decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer
