"""Quantization-aware training: a network is tuned with the rounding of int8 in it, to answer as it does in float.

The float network is the teacher and no label is needed: what the rounded network says is pulled to what the network
says of the same images and the same cells, the rounded network's own. With the coarse output goes the saliency, which
is its gradient; with the vectors go all the layers below.
"""

import time

import numpy as np
import tensorflow as tf

from tools.clone import Clone, tf_keras

BATCH = 32
REPORT_SECONDS = 10
TERMS = {"answer": 1.0, "coarse_answer": 1.0, "vectors": 1.0}


def losses(student: dict, teacher: dict, heads) -> dict:
    """Returns how far a rounded network's outputs are from the network's own, term -> scalar.

    `answer` and `coarse_answer`: the cross-entropy of the teacher's probabilities, in nats per image. `vectors`: the squared
    distance of coarse and fine vectors, relative to the teacher's mean square.

    Args:
        student, teacher: outputs of a `Clone` and of its network for the same cells.
        heads: number of categories of each softmax.
    """
    return {
        "answer": cross_entropy(teacher["logits"], student["logits"], heads),
        "coarse_answer": cross_entropy(teacher["coarse_logits"], student["coarse_logits"], heads),
        "vectors": relative_distance(teacher["coarse_features"], student["coarse_features"])
        + relative_distance(teacher["fine_features"], student["fine_features"]),
    }


def cross_entropy(expected, logits, heads):
    """Returns the mean over the batch of the heads' summed cross-entropies: [batch, sum(heads)] twice -> scalar."""
    pairs = zip(tf.split(expected, heads, axis=-1), tf.split(logits, heads, axis=-1))
    return tf.reduce_mean(tf.add_n([tf.nn.softmax_cross_entropy_with_logits(tf.nn.softmax(e), l) for e, l in pairs]))


def relative_distance(expected, found):
    """Returns the mean squared distance of two tensors, relative to the mean square of the first."""
    return tf.reduce_mean(tf.square(found - expected)) / (tf.reduce_mean(tf.square(expected)) + 1e-9)


def tune(network, clone: Clone, images, num_patches: int, steps: int, learning_rate: float, seed: int, terms=TERMS, opt="adam", batch_size=BATCH, report=None):
    """Tunes the weights of a rounded clone."""
    schedule = tf_keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    optimizer = tf_keras.optimizers.Adam(schedule)
    variables = clone.variables
    optimizer.build(variables)
    heads = network.architecture.top.heads

    @tf.function(autograph=False)
    def step(batch):
        with tf.GradientTape() as tape:
            student = clone(batch, num_patches=num_patches)
            teacher = network(batch, num_patches=num_patches, cells=student["cells"])
            values = losses(student, teacher, heads)
            loss = tf.add_n([terms[name] * value for name, value in values.items()])
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return values

    rng = np.random.default_rng(seed)
    begun = reported = time.monotonic()
    order = np.concatenate([rng.permutation(len(images)) for _ in range(-(-steps * batch_size // len(images)))])
    for done in range(steps):
        chosen = order[done * batch_size : (done + 1) * batch_size]
        values = step(tf.constant(images[chosen], tf.float32) / 255)
        if report and (done + 1) % report == 0:
            print(done + 1, {n: round(float(v), 5) for n, v in values.items()}, f"{time.monotonic() - begun:.0f} s", flush=True)
