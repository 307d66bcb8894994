"""Mining: what a trained network takes for numbers where there are none."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from dcn_tf.model import DynamicCapacityNetwork
from dcn_tf.sequences import reading_log_probability
from train.data.dataset import Split
from train.data.pipeline import to_float
from train.data.svhn_format1.crops import cut
from train.data.windows import SCENE, scene_window
from train.evaluation.readings import overlap
from train.progress import Progress

SAME = 0.3  # intersection over union from which on two readings of a photograph count as one
PIXELS = 600_000  # of photographs that are read at once


def mine(model: DynamicCapacityNetwork, photographs, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns what the network reads in photographs without a number, the surest of each place.

    Args:
        model: a trained network with a box that can answer that there is nothing.
        photographs: uint8 arrays [H, W, 1].
        least: probability from which on a reading of a patch is taken.

    Returns:
        Pictures uint8 [n, *SCENE, 1] around what was read, and the boxes of it, float32 [n, 4].
    """
    images, boxes, rng = [], [], np.random.default_rng(0)
    for photograph, found in _readings(model, photographs, least):
        for box in found:
            window = scene_window(box, rng)
            images.append(cut(photograph[..., 0], window, SCENE)[..., None])
            boxes.append((box - window[:2] * 2) * (SCENE[1] / (window[2] - window[0])))
    return np.array(images, np.uint8).reshape(-1, *SCENE, 1), np.array(boxes, np.float32).reshape(-1, 4)


def _readings(model, photographs, least: float) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    """Yields each photograph and the boxes of what its patches read, surest first, each place once."""
    heads = model.architecture.top.heads

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, model.architecture.channels], tf.uint8)])
    def read(batch):
        glance = model.glance(to_float(batch))
        look = model.look_closely(glance["levels"], model.select(glance, model.architecture.num_patches))
        readings, log_probability = reading_log_probability(model.fine_top.cell_logits(look["fine_features"]), heads)
        return tf.where(readings[..., 0] > 0, tf.exp(log_probability), 0.0), look["boxes"]

    progress = Progress("mining", len(photographs), "photographs")
    labels = np.zeros((len(photographs), len(heads)), np.int32)
    for indices, batch in Split(photographs, labels).batches(PIXELS):
        for photograph, sure, boxes in zip(batch, *map(np.asarray, read(tf.constant(batch)))):
            yield photograph, _one_of_each_place(sure, boxes, least, photograph.shape)
        progress.advance(len(indices))


def _one_of_each_place(sure, boxes, least: float, shape) -> list[np.ndarray]:
    bounds = np.array([shape[1], shape[0]] * 2, np.float32)
    kept = []
    for i in np.argsort(-sure):
        box = np.clip(boxes[i], 0, bounds)
        whole = sure[i] >= least and (box[2:] - box[:2] >= 4).all()
        if whole and not any(overlap(box[None], other[None])[0] > SAME for other in kept):
            kept.append(box)
    return kept
