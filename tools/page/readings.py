"""Answers of a trained network to the test images that its workdir keeps: how right they are, and how sure."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from dcn_tf.pyramid import boxes_in_image
from edge.bundle.tasks import TASKS
from tools.export.agreement import in_batches
from tools.export.describe import task_entry
from tools.workdir import Samples, Training

CLASSES_SHOWN = 20
BINS = 10


@dataclass(frozen=True)
class Readings:
    """What was read in N images.

    Attributes:
        model: 'dcn', 'coarse' or 'fine'.
        num_patches: that were looked at; None but for a DCN.
        categories: [N, heads] integer.
        probability: [N], of what was read.
        saliency: [N, h, w]; None for a fine model, and where the cells are of several levels.
        boxes: [N, k, 4], (left, top, right, bottom) of the patches in pixels of the image, most salient first; None but
            for a DCN.
    """

    samples: Samples
    model: str
    num_patches: int | None
    categories: np.ndarray
    probability: np.ndarray
    answers: list[str]
    truths: list[str]
    saliency: np.ndarray | None
    boxes: np.ndarray | None

    @property
    def right(self) -> np.ndarray:
        """[N] bool: whether all of an image was read right."""
        return (self.categories == self.samples.labels).all(axis=1)

    @property
    def error(self) -> float:
        """Percent of images that were not read right."""
        return 100 * float(1 - self.right.mean())

    def surest(self, right: bool, count: int) -> np.ndarray:
        """Returns the indices of `count` images read right or wrong, the highest probability first."""
        found = np.flatnonzero(self.right == right)
        return found[np.argsort(-self.probability[found], kind="stable")][:count]

    def spread(self, right: bool, count: int) -> np.ndarray:
        """Returns the same, taken evenly from the most to the least probable of all."""
        found = self.surest(right, len(self.right))
        return found[np.unique(np.linspace(0, len(found) - 1, count).round().astype(int))] if len(found) else found


def read(training: Training, samples: Samples, num_patches: int) -> Readings:
    """Returns what the trained model of a workdir reads in samples; `num_patches` where that is a DCN."""
    network, model = training.model, training.result["config"]["model"]
    heads = network.architecture.top.heads

    names = ["boxes"] if model == "dcn" else []
    names += ["saliency"] if model != "fine" and not network.architecture.has_pyramid else []

    def outputs(images):
        if model == "dcn":
            found = network.all_stages(images, num_patches=num_patches)
            return found | {"boxes": _patch_boxes(network, found)}
        return (network.glance(images) if "saliency" in names else {}) | network.whole_model(model)(images)

    def log_probabilities(images):
        found = outputs(images)
        parts = tf.split(found["logits"], heads, axis=-1)
        return tf.concat([tf.nn.log_softmax(part) for part in parts], axis=-1), *(found[name] for name in names)

    values, *looks = in_batches(log_probabilities, samples.images)
    looks = dict(zip(names, looks))
    entry = task_entry(network, samples.label_names)
    task = TASKS[entry["task"]].from_content(entry)
    answers, probability, categories = zip(*map(task.read, values))
    truths = [task.text(label) for label in samples.labels]
    return Readings(
        *(samples, model, num_patches if model == "dcn" else None, np.array(categories), np.array(probability)),
        *(list(answers), truths, looks.get("saliency"), looks.get("boxes")),
    )


def _patch_boxes(network, found):
    """Returns where the patches lie in an image: float32 [batch, k, 4], (left, top, right, bottom) in pixels."""
    grid, cells = network.patch_grid, found["cells"]
    if "levels" in found:
        whole = tf.tile(tf.constant([[[0.0, 0.0, 1.0, 1.0]]]), [*tf.unstack(tf.shape(cells)[:2]), 1])
        return boxes_in_image(whole, found["levels"], cells, grid)
    first = tf.cast(cells * grid.stride + grid.origin, tf.float32)[..., ::-1]
    return tf.concat([first, first + grid.size[::-1]], axis=-1)


def confusion(truth: np.ndarray, answer: np.ndarray, size: int) -> np.ndarray:
    """Returns [size, size]: how often each category (row) was read as each (column)."""
    counts = np.zeros((size, size), int)
    np.add.at(counts, (truth, answer), 1)
    return counts


def most_confused(counts: np.ndarray, limit: int = CLASSES_SHOWN) -> np.ndarray:
    """Returns the categories to show, in their order: all, or the `limit` with most errors."""
    errors = counts.sum(axis=0) + counts.sum(axis=1) - 2 * counts.diagonal()
    return np.sort(np.argsort(-errors, kind="stable")[:limit])


def reliability(probability: np.ndarray, right: np.ndarray) -> list[tuple[float, float, int]]:
    """Returns (mean probability, share that is right, number) of the images in each of `BINS` bins of probability.

    The bins are equally wide; those without an image are left out.
    """
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    members = [bins == number for number in range(BINS)]
    return [(float(probability[m].mean()), float(right[m].mean()), int(m.sum())) for m in members if m.any()]


def expected_calibration_error(bins: list[tuple[float, float, int]]) -> float:
    """Returns the mean distance of probability and accuracy over the images."""
    return sum(count * abs(confidence - accuracy) for confidence, accuracy, count in bins) / sum(b[2] for b in bins)
