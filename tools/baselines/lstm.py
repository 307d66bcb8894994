"""One step of an LSTM, the recurrent core of the attention models that are compared with, and what it costs."""

import tensorflow as tf

GATES = 4  # its new values counted
FORGET_BIAS = 1.0  # so that it keeps most of its memory when training begins


def lstm_step(found, memory):
    """Returns the next (output, memory), each [n, units] (Hochreiter and Schmidhuber 1997; forget gates: Gers 2000).

    Args:
        found: [n, 4 * units], what the weights make of the input and the last output: the input, forget and output
            gates and the new values, before their functions; computed in the memory's precision from here on.
        memory: [n, units].
    """
    write, keep, show, values = tf.split(tf.cast(found, memory.dtype), GATES, axis=-1)
    memory = tf.sigmoid(keep + FORGET_BIAS) * memory + tf.sigmoid(write) * tf.tanh(values)
    return tf.sigmoid(show) * tf.tanh(memory), memory


def lstm_multiplications(inputs: int, units: int) -> int:
    """Returns the multiplications of one step: those of the weights, and what the three gates multiply."""
    return (inputs + units) * GATES * units + 3 * units
