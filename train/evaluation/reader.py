"""Predictions of every model for the images of a split, at one scale."""

import itertools
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from dcn_tf.architecture import SEQUENCE
from dcn_tf.model import DynamicCapacityNetwork
from dcn_tf.scales import padded, scaled
from dcn_tf.selectors import cell_scores
from train.data.dataset import Split
from train.data.pipeline import to_float
from train.distribution import ALONE, Distribution
from train.evaluation.rows import SELECTOR, stacks, whole_rows
from train.progress import Progress

PIXELS = 1_000_000  # of images that go through the network at once
KEPT = 2  # splits whose rows are kept: photographs with numbers and without


class Reader:
    """Reads images of any size with one model, by every way that has a row.

    One glance serves all rows that need the coarse map, and one look those of all selectors and numbers of patches:
    a cell that several of them choose is looked at once. Each way to read is compiled once, whatever the sizes.

    Args:
        model: a `DynamicCapacityNetwork`.
        num_patches: the numbers of patches to answer from; where an image has fewer cells, all of them.
        scale: of the images.
        trained: 'dcn' (everything), or the one of 'coarse' and 'fine' that was trained.
        replicas: batches of images that are read side by side.
        shared: what the images are shared out to. Every process has the rows of all of them.
    """

    def __init__(
        self,
        model: DynamicCapacityNetwork,
        num_patches,
        scale: float = 1.0,
        trained: str = "dcn",
        replicas: int = 1,
        shared: Distribution = ALONE,
    ):
        self.model = model
        self.num_patches = tuple(sorted(num_patches)) if trained == "dcn" else ()
        self.scale = scale
        self.stacks = stacks(trained)
        self.shared = shared
        self.replicas = max(replicas, len(shared.devices))
        self._kept, self._kept_fine = deque(maxlen=KEPT), deque(maxlen=KEPT)
        self._compiled = {}

    def __call__(self, split: Split, selectors=()) -> dict[str, np.ndarray]:
        """Returns row -> probabilities [n, sum(heads)] of all images, and of networks with boxes 'box/8' -> [n, 4].

        These are the rows of the coarse model, of the network itself and of the same network with other selectors.
        What was read of the last splits is kept: several evaluators may ask.

        Args:
            split: of the images. While the weights change it must be a new object each time.
            selectors: names of `dcn_tf.selectors.SELECTORS` to compare with.
        """
        for kept, known, rows in self._kept:
            if kept is split and known >= set(selectors):
                return rows
        rows = self._read(split, tuple(selectors)) if "coarse" in self.stacks else {}
        self._kept.append((split, set(selectors), rows))
        return rows

    def fine(self, split: Split, pixels: int | None = None) -> dict[str, np.ndarray]:
        """Returns row -> probabilities [n, sum(heads)] of the fine model over whole images, {} where it has no row.

        Args:
            split: of the images.
            pixels: the first images are read that have no more pixels together, at least one; all where None, none
                where 0. This takes many times as long as all other rows together.
        """
        for kept, known, rows in self._kept_fine:
            if kept is split and known == pixels:
                return rows
        rows = self._read(_first(split, pixels), None) if "fine" in self.stacks and pixels != 0 else {}
        self._kept_fine.append((split, pixels, rows))
        return rows

    def _read(self, split: Split, selectors: tuple[str, ...] | None) -> dict[str, np.ndarray]:
        """Returns the rows of some selectors, or where None, those of the fine model."""
        what = "evaluating" if selectors is not None else "evaluating the fine model"
        read, progress = {}, Progress(what, len(split), "images")
        batches, counts = self.shared.share(lambda: split.batches(PIXELS))
        for indices, rows in self._batches(split, selectors, batches):
            for name, probabilities in rows.items():
                if name not in read:
                    read[name] = np.zeros((len(split), probabilities.shape[1]), np.float32)
                read[name][indices] = probabilities if counts else 0
            progress.advance(len(indices))
        return {name: self.shared.sum(rows) for name, rows in read.items()}

    def _batches(self, split: Split, selectors, batches):
        """Yields (indices, row -> probabilities) of batches, in order; `replicas` of them are read at a time."""
        boxes = np.zeros((len(split), 4), np.float32) if split.boxes is None else split.boxes.astype(np.float32)
        function = self._function(selectors)

        def read(batch, device):
            indices, images = batch
            tensors = map(tf.constant, (images, split.labels[indices].astype(np.int32), boxes[indices]))
            with tf.device(device):
                return indices, function(*tensors, tf.constant([0, int(indices[0])]))

        with ThreadPoolExecutor(self.replicas) as pool:
            while some := list(itertools.islice(batches, self.replicas)):
                yield from pool.map(read, some, itertools.cycle(self.shared.devices))

    def _function(self, selectors):
        """Returns what reads a batch: (images, labels, boxes, seed) -> row -> probabilities; compiled once."""
        if selectors not in self._compiled:
            architecture = self.model.architecture

            def read(images, labels, boxes, seed):
                if selectors is None:
                    return self._fine_probabilities(images)
                return self._probabilities(images, labels, boxes, seed, selectors)

            # Sides that are not known keep it from being traced anew for every size of photographs.
            self._compiled[selectors] = tf.function(
                read,
                input_signature=[
                    tf.TensorSpec([None, None, None, architecture.channels], tf.uint8),
                    tf.TensorSpec([None, len(architecture.top.heads)], tf.int32),
                    tf.TensorSpec([None, 4], tf.float32),
                    tf.TensorSpec([2], tf.int32),
                ],
                autograph=False,
            )
        return self._compiled[selectors]

    def _pixels(self, images):
        """Returns images as the network takes them, and (row, column) of their first pixel, which padding moves."""
        images = scaled(to_float(images), self.scale)
        if self.model.architecture.has_pyramid:  # each level is padded
            return images, tf.zeros(2, tf.int32)
        return padded(images, self.model.architecture)

    def _fine_probabilities(self, images) -> dict:
        images, _ = self._pixels(images)
        rows = self._whole_rows("fine", self.model.whole_model("fine").features(images))
        return {name: self._softmax(row) for name, row in rows.items()}

    def _probabilities(self, images, labels, boxes, seed, selectors) -> dict:
        """Returns row -> probabilities [batch, sum(heads)]. All rows that need the coarse map share one glance."""
        images, start = self._pixels(images)
        boxes = boxes * self.scale + tf.cast(tf.tile(start[::-1], [2]), tf.float32)
        if not self.num_patches:
            rows = self._whole_rows("coarse", self.model.whole_model("coarse").features(images))
        else:
            glance = self.model.glance(images)
            rows = self._whole_rows("coarse", glance["coarse_features"])
            size = tf.shape(images)[1:3]
            scores = {
                name: cell_scores(name, self.model, glance, size, labels, boxes, seed)
                for name in (SELECTOR, *selectors)
            }
            rows |= self._selected_rows(images, glance, scores)
        return {name: row if name.startswith("box/") else self._softmax(row) for name, row in rows.items()}

    def _whole_rows(self, stack: str, features) -> dict:
        """Returns row -> logits of the coarse or the fine model, from its map of the whole image [batch, h, w, D]."""
        whole = self.model.whole_model(stack)
        names = whole_rows(self.model.architecture, stack)
        if self.model.architecture.task == SEQUENCE:
            weightings = ("average", "inverse_entropy") if len(names) > 1 else (None,)
            return {name: whole.top(features, weighting=weighting) for name, weighting in zip(names, weightings)}
        return {names[0]: whole.top(features, coarse_pass=whole.coarse_pass)}

    def _selected_rows(self, images, glance, scores) -> dict:
        """Returns row -> logits from the best-scored cells of every selector, for each number of patches.

        The fewer patches are among the more. Of these, fewer may be far enough apart (`Architecture.patches_apart`).
        """
        most = tf.minimum(self.num_patches[-1], tf.size(glance["saliency"][0]))
        cells = tf.concat([self.model.select(glance, most, score) for score in scores.values()], axis=1)
        look = self.model.look_closely(glance.get("levels", images), cells, repeated=len(scores) > 1)
        rows = {}
        for number, selector in enumerate(scores):
            name = "dcn" if selector == SELECTOR else selector
            for k in self.num_patches:
                count = tf.minimum(k, most)
                first = slice(number * most, number * most + count)
                boxes = look["boxes"][:, first] if "boxes" in look and name == "dcn" else None
                vectors, chosen = look["fine_features"][:, first], cells[:, first]
                if self.model.architecture.patches_apart:
                    chosen = self.model.select(glance, count, scores[selector])
                answer = self.model.answer(glance["coarse_features"], vectors, chosen, boxes=boxes)
                rows[f"{name}/{k}"] = answer["logits"]
                if "box" in answer:
                    rows[f"box/{k}"] = answer["box"]
        return rows

    def _softmax(self, logits):
        parts = tf.split(logits, self.model.architecture.top.heads, axis=-1)
        return tf.concat([tf.nn.softmax(part) for part in parts], axis=-1)


def _first(split: Split, pixels: int | None) -> Split:
    """Returns the first images of a split that have no more pixels together, at least one; all where None."""
    if pixels is None:
        return split
    return split.head(max(1, int((np.cumsum(split.sizes().prod(axis=1)) <= pixels).sum())))
