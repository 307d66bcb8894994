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
    """Reads images of any size with one model, by every way that has a row; compiled once.

    Args:
        model: a `DynamicCapacityNetwork`.
        num_patches: the numbers of patches to answer from; where an image has fewer cells, all of them.
        scale: of the images.
        selectors: names of `dcn_tf.selectors.SELECTORS` to compare with.
        trained: 'dcn' (everything), or the one of 'coarse' and 'fine' that was trained.
        replicas: batches of images that are read side by side.
        whole: whether the coarse and the fine model read whole images too.
        shared: what the images are shared out to. Every process has the rows of all of them.
    """

    def __init__(
        self,
        model: DynamicCapacityNetwork,
        num_patches,
        scale: float = 1.0,
        selectors=(),
        trained: str = "dcn",
        replicas: int = 1,
        whole: bool = True,
        shared: Distribution = ALONE,
    ):
        self.model = model
        self.num_patches = tuple(sorted(num_patches)) if trained == "dcn" else ()
        self.scale = scale
        self.selectors = tuple(selectors)
        self.stacks = stacks(trained) if whole else ()
        self.shared = shared
        self.replicas = max(replicas, len(shared.devices))
        architecture = model.architecture
        self._kept = deque(maxlen=KEPT)
        self._compiled = tf.function(
            self._probabilities,
            input_signature=[
                tf.TensorSpec([None, None, None, architecture.channels], tf.uint8),
                tf.TensorSpec([None, len(architecture.top.heads)], tf.int32),
                tf.TensorSpec([None, 4], tf.float32),
                tf.TensorSpec([2], tf.int32),
            ],
        )

    def __call__(self, split: Split) -> dict[str, np.ndarray]:
        """Returns row -> probabilities [n, sum(heads)] of all images, and of networks with boxes 'box/8' -> [n, 4].

        What was read of the last splits is kept: several evaluators may ask.
        """
        rows = next((rows for kept, rows in self._kept if kept is split), None)
        if rows is None:
            rows = self._read(split)
            self._kept.append((split, rows))
        return rows

    def _read(self, split: Split) -> dict[str, np.ndarray]:
        read, progress = {}, Progress("evaluating", len(split), "images")
        batches, counts = self.shared.share(lambda: split.batches(PIXELS))
        for indices, rows in self._batches(split, batches):
            for name, probabilities in rows.items():
                if name not in read:
                    read[name] = np.zeros((len(split), probabilities.shape[1]), np.float32)
                read[name][indices] = probabilities if counts else 0
            progress.advance(len(indices))
        return {name: self.shared.sum(rows) for name, rows in read.items()}

    def _batches(self, split: Split, batches):
        """Yields (indices, row -> probabilities) of batches, in order; `replicas` of them are read at a time."""
        boxes = np.zeros((len(split), 4), np.float32) if split.boxes is None else split.boxes.astype(np.float32)

        def read(batch, device):
            indices, images = batch
            tensors = map(tf.constant, (images, split.labels[indices].astype(np.int32), boxes[indices]))
            with tf.device(device):
                return indices, self._compiled(*tensors, tf.constant([0, int(indices[0])]))

        with ThreadPoolExecutor(self.replicas) as pool:
            while some := list(itertools.islice(batches, self.replicas)):
                yield from pool.map(read, some, itertools.cycle(self.shared.devices))

    def _probabilities(self, images, labels, boxes, seed) -> dict:
        """Returns row -> probabilities [batch, sum(heads)]. All rows that need the coarse map share one glance."""
        images, start = scaled(to_float(images), self.scale), tf.zeros(2, tf.int32)
        if not self.model.architecture.has_pyramid:  # else each level is padded
            images, start = padded(images, self.model.architecture)
        boxes = boxes * self.scale + tf.cast(tf.tile(start[::-1], [2]), tf.float32)
        rows, glance = {}, {}
        if self.num_patches:
            glance = self.model.glance(images)
        for stack in self.stacks:
            features = glance.get(f"{stack}_features")
            if features is None:
                features = self.model.whole_model(stack).features(images)
            rows |= self._whole_rows(stack, features)
        if glance:
            for selector in (SELECTOR, *self.selectors):
                size = tf.shape(images)[1:3]
                scores = cell_scores(selector, self.model, glance, size, labels, boxes, seed)
                rows |= self._selected_rows(images, glance, scores, "dcn" if selector == SELECTOR else selector)
        return {name: row if name.startswith("box/") else self._softmax(row) for name, row in rows.items()}

    def _whole_rows(self, stack: str, features) -> dict:
        """Returns row -> logits of the coarse or the fine model, from its map of the whole image [batch, h, w, D]."""
        whole = self.model.whole_model(stack)
        names = whole_rows(self.model.architecture, stack)
        if self.model.architecture.task == SEQUENCE:
            weightings = ("average", "inverse_entropy") if len(names) > 1 else (None,)
            return {name: whole.top(features, weighting=weighting) for name, weighting in zip(names, weightings)}
        return {names[0]: whole.top(features, coarse_pass=whole.coarse_pass)}

    def _selected_rows(self, images, glance, scores, name: str) -> dict:
        """Returns row -> logits from the best-scored cells for each number of patches; the fewer are among the more."""
        most = tf.minimum(self.num_patches[-1], tf.size(scores[0]))
        look = self.model.look_closely(glance.get("levels", images), self.model.select(glance, most, scores))
        vectors, cells, boxes = look["fine_features"], look["cells"], look.get("boxes")
        rows = {}
        for k in self.num_patches:
            first = None if boxes is None or name != "dcn" else boxes[:, :k]
            answer = self.model.answer(glance["coarse_features"], vectors[:, :k], cells[:, :k], boxes=first)
            rows[f"{name}/{k}"] = answer["logits"]
            if "box" in answer:
                rows[f"box/{k}"] = answer["box"]
        return rows

    def _softmax(self, logits):
        parts = tf.split(logits, self.model.architecture.top.heads, axis=-1)
        return tf.concat([tf.nn.softmax(part) for part in parts], axis=-1)
