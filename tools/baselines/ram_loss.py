"""Losses of the Recurrent Attention Model's policy: REINFORCE for the locations, and its baseline."""

import tensorflow as tf


def returns(rewards, decay: float):
    """Returns what follows each choice of a location: the mean of later rewards, the nearer ones weighing more.

    Args:
        rewards: [n, glimpses], after each glimpse.
        decay: weight of each reward in parts of the one before; 1 weighs all alike.

    Returns:
        [n, glimpses - 1], in the rewards' unit; the first glimpse was not chosen.
    """
    total, weight, found = tf.zeros_like(rewards[:, 0]), 0.0, []
    for reward in reversed(tf.unstack(rewards, axis=1)[1:]):
        total, weight = reward + decay * total, 1.0 + decay * weight
        found.append(total / weight)
    return tf.stack(found[::-1], axis=1)


def losses(outputs, rewards, noise, deviation, decay: float):
    """Returns the terms of the hybrid loss that teach where to look (paper, section 3.1), name -> scalar.

    'location' has the gradient of REINFORCE: that of the log density of each choice, times how much more it led to than
    the baseline expected. 'baseline' is the squared error of what was expected.

    Args:
        rewards: [n, glimpses], after each glimpse.
        noise: [n, glimpses - 1, 2], drawn from a normal distribution.
        deviation: its standard deviation, in half sides of the image.
    """
    gained = tf.stop_gradient(returns(rewards, decay))
    advantages = gained - tf.stop_gradient(outputs["baselines"])
    chosen = tf.stop_gradient(outputs["means"] + noise)
    log_densities = -tf.reduce_sum(tf.square(chosen - outputs["means"]), axis=-1) / (2 * deviation**2)
    return {
        "location": -tf.reduce_mean(tf.reduce_sum(advantages * log_densities, axis=1)),
        "baseline": tf.reduce_mean(tf.square(gained - outputs["baselines"])),
    }
