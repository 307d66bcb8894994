"""Averaging of weights over the steps of a training: what evaluation, `model.keras` and every export use with --ema."""

import contextlib

import tensorflow as tf

SPAN = 10  # the average reaches back over a tenth of the steps at most, so that early weights are soon forgotten


class WeightAverage:
    """An exponential moving average of a model's weights (Polyak and Juditsky 1992), beside those that are trained.

    After step t, counted from 1, average <- (1 - share) * average + share * weights, where share is the greater of
    1 - decay and 10 / (9 + t). So the first step copies the weights, wherever the run began from. The moving statistics
    of batch normalisation are averaged too: they belong to the weights beside them.

    Args:
        model: a built model. Its variables that are no floating-point numbers, such as random states, are left alone.
        decay: share of the average that a step keeps, in (0, 1).

    Attributes:
        values: tf.Variables, the averages; the weights that are trained while `in_place` is open.
    """

    def __init__(self, model, decay: float):
        self.decay = decay
        self._variables = [variable.value for variable in model.variables if variable.value.dtype.is_floating]
        self.values = [tf.Variable(variable, trainable=False) for variable in self._variables]

    def follow(self, step):
        """Takes in the weights after step `step`, a scalar tensor counted from 1."""
        share = tf.maximum(1.0 - self.decay, SPAN / (SPAN - 1 + tf.cast(step, tf.float32)))
        for average, variable in zip(self.values, self._variables):
            part = tf.cast(share, variable.dtype)
            average.assign((1 - part) * average + part * variable)

    @contextlib.contextmanager
    def in_place(self):
        """Gives the model the averaged weights for a while; afterwards it has its own again, bit by bit."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def _exchange(self):
        for average, variable in zip(self.values, self._variables):
            held = tf.identity(variable)
            variable.assign(average)
            average.assign(held)


def average_of(model, decay: float) -> WeightAverage | None:
    """Returns the average of a built model's weights; None where the decay is 0, which averages nothing."""
    return WeightAverage(model, decay) if decay else None


def averaged(average: WeightAverage | None):
    """Returns a context in which the model has its averaged weights, where there are some."""
    return average.in_place() if average else contextlib.nullcontext()
