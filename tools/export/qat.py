"""Quantization-aware training: tunes a network with the rounding of int8 in it, to answer as it does in float.

The float network is the teacher, so no label is needed. The rounded network chooses cells; both look at these cells,
and the rounded outputs are pulled to the float ones. The coarse output is pulled too: the saliency is its gradient.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from dcn_tf.architecture import MaxPool
from dcn_tf.geometry import output_size
from edge.errors import UserError
from tools.export.clone import Clone
from tools.export.layers import in_turn, tf_keras
from tools.export.tops import top_of
from tools.progress import Progress

BATCH = 16


@dataclass(frozen=True)
class Tuning:
    """How a network is tuned, in steps of 16 images, by Adam with a cosine; UserError for a value out of its range."""

    steps: int = 400
    learning_rate: float = 3e-5
    seed: int = 0

    def __post_init__(self):
        if self.steps < 1:
            raise UserError(f"--qat_steps must be at least 1, received {self.steps}; use more")
        if not 0 <= self.learning_rate <= 1:
            raise UserError(f"--qat_learning_rate must be from 0 to 1, received {self.learning_rate}; 3e-5 is usual")


def measured_ranges(clone: Clone, inputs: dict) -> dict:
    """Returns the (least, greatest) output of every layer of a float clone; every range holds 0.

    Coarse and fine vectors meet in a classifier's refined map, so both get the range of that map: the device then
    copies a vector from one model to the next as it is. The range of its top's convolution covers only what the ReLU of
    either pass lets through.

    Args:
        inputs: model name -> real inputs, see `tools.export.calibration.calibration_inputs`.
    """
    chains = [
        ("coarse", [*clone.coarse.layers, *clone.coarse_top.layers]),
        ("fine", [*clone.fine.layers, clone.fine.average]),
        *(("top", chain) for chain in clone.fine_top.chains),
        ("whole_fine", clone.whole_fine),
    ]
    ranges = layer_ranges([(layers, inputs[model]) for model, layers in chains])
    for names in _meeting(clone.architecture):
        common = min(ranges[n][0] for n in names), max(ranges[n][1] for n in names)
        ranges |= dict.fromkeys(names, common)
    return clone.coarse_top.narrowed(ranges)


def layer_ranges(chains) -> dict:
    """Returns the (least, greatest) output of every layer; `chains` are pairs of layers in turn and inputs [N, ...]."""
    ranges = {}

    def see(name, values):
        least, greatest = ranges.get(name, (0.0, 0.0))
        found = float(tf.reduce_min(values)), float(tf.reduce_max(values))
        ranges[name] = (min(least, found[0]), max(greatest, found[1]))

    for layers, inputs in chains:
        for start in range(0, len(inputs), 64):
            in_turn(layers, inputs[start : start + 64], see)
    return {name: bounds if bounds[0] < bounds[1] else (0.0, 1.0) for name, bounds in ranges.items()}


def _meeting(architecture) -> list[tuple]:
    """Returns groups of layers whose outputs must have one range."""
    coarse, fine = _last("coarse", architecture.coarse), _last("fine", architecture.fine)
    vector = ("fine/vector",)
    if output_size(architecture.fine, architecture.patch_size) == (1, 1):  # the only value is its own mean
        vector += (fine,)
    return top_of(architecture).meeting(coarse, vector)


def _last(stack, layers):
    return [f"{stack}/{i}" for i, layer in enumerate(layers) if not isinstance(layer, MaxPool)][-1]


def tune(network, clone: Clone, images, num_patches: int, tuning: Tuning) -> dict[str, float]:
    """Tunes the weights of a rounded clone, and returns the mean losses of the last steps, see `losses`.

    Args:
        images: [N, H, W, C] uint8.
    """
    schedule = tf_keras.optimizers.schedules.CosineDecay(tuning.learning_rate, tuning.steps)
    optimizer = tf_keras.optimizers.Adam(schedule)
    optimizer.build(clone.variables)

    @tf.function(autograph=False)
    def step(batch):
        with tf.GradientTape() as tape:
            student = clone(batch, num_patches=num_patches)
            teacher = network(batch, num_patches=num_patches, cells=student["cells"])
            terms = losses(student, teacher, network.architecture.top.heads)
            loss = tf.add_n(list(terms.values()))
        optimizer.apply_gradients(zip(tape.gradient(loss, clone.variables), clone.variables))
        return terms

    progress = Progress("tuning", tuning.steps, "steps")
    history = []
    for done, chosen in enumerate(_batches(len(images), tuning), start=1):
        terms = step(tf.constant(images[chosen], tf.float32) / 255)
        history.append({name: float(value) for name, value in terms.items()})
        progress.tell(done, ", " + format_losses(history[-1]))
    return {name: float(np.mean([terms[name] for terms in history[-50:]])) for name in history[-1]}


def _batches(count: int, tuning: Tuning):
    """Yields the indices of every step's images: shuffled anew for every pass over them."""
    rng = np.random.default_rng(tuning.seed)
    passes = -(-tuning.steps * BATCH // count)
    order = np.concatenate([rng.permutation(count) for _ in range(passes)])
    for step in range(tuning.steps):
        yield order[step * BATCH : (step + 1) * BATCH]


def losses(student: dict, teacher: dict, heads) -> dict:
    """Returns how far a rounded network is from the float one, term -> scalar.

    `answer` and `coarse_answer`: Kullback-Leibler divergence from the float network's output, in nats per image, summed
    over heads. `vectors`: squared distance of the coarse and of the fine vectors, each relative to the float network's
    mean square.

    Args:
        student, teacher: outputs of both for the same cells.
    """
    return {
        "answer": _divergence(teacher["logits"], student["logits"], heads),
        "coarse_answer": _divergence(teacher["coarse_logits"], student["coarse_logits"], heads),
        "vectors": tf.add_n([_distance(teacher[n], student[n]) for n in ("coarse_features", "fine_features")]),
    }


def _divergence(expected, found, heads):
    parts = []
    for of_teacher, of_student in zip(tf.split(expected, heads, axis=-1), tf.split(found, heads, axis=-1)):
        wanted = tf.nn.log_softmax(of_teacher)
        parts.append(tf.reduce_sum(tf.exp(wanted) * (wanted - tf.nn.log_softmax(of_student)), axis=-1))
    return tf.reduce_mean(tf.add_n(parts))


def _distance(expected, found):
    return tf.reduce_mean(tf.square(found - expected)) / (tf.reduce_mean(tf.square(expected)) + 1e-9)


def format_losses(terms: dict) -> str:
    """Returns the losses in a few words."""
    return ", ".join(f"{name} {value:.5f}" for name, value in terms.items())
