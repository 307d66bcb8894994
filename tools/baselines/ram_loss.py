"""Losses of the Recurrent Attention Model: cross-entropy, REINFORCE for the locations, and its baseline."""

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


def losses(outputs, labels, noise, deviation, decay: float):
    """Returns the terms of the hybrid loss (paper, section 3.1), name -> scalar.

    'classification' is the cross-entropy after each glimpse, averaged. 'location' has the gradient of REINFORCE: that
    of the log density of each choice, times how much more it led to than the baseline expected. The reward after a
    glimpse is the probability of the right class, which is what an answer drawn from the classifier gains on average.
    'baseline' is the squared error of what was expected.

    Args:
        labels: int [n].
        noise: [n, glimpses - 1, 2], drawn from a normal distribution.
        deviation: its standard deviation, in half sides of the image.
    """
    entropies = tf.nn.sparse_softmax_cross_entropy_with_logits(
        tf.repeat(labels[:, None], outputs["logits"].shape[1], axis=1), outputs["logits"]
    )  # [n, glimpses]
    gained = tf.stop_gradient(returns(tf.exp(-entropies), decay))
    advantages = gained - tf.stop_gradient(outputs["baselines"])
    chosen = tf.stop_gradient(outputs["means"] + noise)
    log_densities = -tf.reduce_sum(tf.square(chosen - outputs["means"]), axis=-1) / (2 * deviation**2)
    return {
        "classification": tf.reduce_mean(entropies),
        "location": -tf.reduce_mean(tf.reduce_sum(advantages * log_densities, axis=1)),
        "baseline": tf.reduce_mean(tf.square(gained - outputs["baselines"])),
    }
