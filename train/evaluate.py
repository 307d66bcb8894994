"""What a trained model makes of a split: every model's predictions at every scale, their errors, and their cost."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from dcn_tf.cost import dcn_cost, whole_multiplications
from dcn_tf.geometry import padded_size, scaled_size
from dcn_tf.losses import decode
from dcn_tf.model import DynamicCapacityNetwork
from dcn_tf.saliency import select_cells
from dcn_tf.scales import padded, scaled
from dcn_tf.selectors import cell_scores
from train.data.dataset import Split
from train.data.pipeline import to_float
from train.progress import log

PIXELS = 1_000_000  # of images that go through the network at once
PROGRESS_SECONDS = 20
SELECTOR = "entropy_gradient"  # the method's own; its rows are called 'dcn'


@dataclass(frozen=True)
class Evaluation:
    """Errors and costs of every model on one split.

    Attributes:
        images: number of images.
        scales: the scales; predictions of the first one, two, ... are averaged.
        error: for each number of scales, name -> error in percent: the share of images of which any head is wrong.
            Names are 'coarse', 'fine', 'dcn/8' (8 patches at each scale); for sequences 'soft_attention' and
            'fine_inverse_entropy' (cells weigh by the inverse of their entropy) as well.
        multiplications: the same of the mean over the images.
        selectors: 'random/8' -> error, at the first scale: the same network, looking elsewhere.
    """

    images: int
    scales: tuple[float, ...]
    error: list[dict[str, float]]
    multiplications: list[dict[str, int]]
    selectors: dict[str, float]

    def to_dict(self) -> dict:
        """Returns what `result.json` holds of it."""
        described = {
            "error": nest(self.error[0]),
            "multiplications": nest(self.multiplications[0]),
            "test_images": self.images,
        }
        if len(self.scales) > 1:
            described["scales"] = [
                {"scales": list(self.scales[: i + 1]), "error": nest(error), "multiplications": nest(count)}
                for i, (error, count) in enumerate(zip(self.error, self.multiplications))
            ]
        if self.selectors:
            described["selectors"] = nest(self.selectors)
        return described


class Evaluator:
    """Evaluates one model on splits of images of any size; compiled once.

    Args:
        model: a `DynamicCapacityNetwork`.
        num_patches: the numbers of patches to answer from; where an image has fewer cells, all of them.
        scales: of the images, the first one alone being the one that `error` is reported at.
        selectors: names of `dcn_tf.selectors.SELECTORS` to compare with.
        trained: 'dcn' (everything), or the one of 'coarse' and 'fine' that was trained.
        replicas: batches of images that are read side by side.
    """

    def __init__(
        self,
        model: DynamicCapacityNetwork,
        num_patches,
        scales=(1.0,),
        selectors=(),
        trained: str = "dcn",
        replicas: int = 1,
    ):
        self.model = model
        self.num_patches = tuple(sorted(num_patches)) if trained == "dcn" else ()
        self.scales = tuple(scales)
        self.trained = trained
        self.replicas = replicas
        self.readers = [self._reader(scale, selectors if i == 0 else ()) for i, scale in enumerate(self.scales)]

    def __call__(self, split: Split) -> Evaluation:
        """Returns the errors and costs on a split."""
        possible = self._possible(split)
        errors, selectors, sums = [], {}, {}
        for reader in self.readers:
            for name, probabilities in self._read(reader, split).items():
                sums[name] = sums.get(name, 0) + probabilities
            found = {name: self._error(total, split.labels) for name, total in sums.items() if possible(name)}
            errors.append({name: error for name, error in found.items() if not _of_selector(name)})
            selectors |= {name: error for name, error in found.items() if _of_selector(name)}
            sums = {name: total for name, total in sums.items() if not _of_selector(name)}
        counts = [self._multiplications(errors[0], split, self.scales[: i + 1]) for i in range(len(self.scales))]
        return Evaluation(len(split), self.scales, errors, counts, selectors)

    def _reader(self, scale: float, selectors):
        """Returns a compiled (images, labels, boxes, seed) -> {row name: probabilities [batch, sum(heads)]}."""
        architecture = self.model.architecture

        @tf.function(
            input_signature=[
                tf.TensorSpec([None, None, None, architecture.channels], tf.uint8),
                tf.TensorSpec([None, len(architecture.top.heads)], tf.int32),
                tf.TensorSpec([None, 4], tf.float32),
                tf.TensorSpec([2], tf.int32),
            ]
        )
        def read(images, labels, boxes, seed):
            images, start = padded(scaled(to_float(images), scale), architecture)
            boxes = boxes * scale + tf.cast(tf.tile(start[::-1], [2]), tf.float32)
            rows = {}
            for name in ("coarse", "fine"):
                if self.trained in ("dcn", name):
                    rows |= self._whole_rows(name, images)
            if self.num_patches:
                glance = self.model.glance(images)
                for selector in (SELECTOR, *selectors):
                    size = tf.shape(images)[1:3]
                    scores = cell_scores(selector, self.model, glance, size, labels, boxes, seed)
                    rows |= self._rows_at(images, glance, scores, "dcn" if selector == SELECTOR else selector)
            return {name: self._probabilities(logits) for name, logits in rows.items()}

        return read

    def _whole_rows(self, name: str, images) -> dict:
        """Returns the logits of the coarse or the fine model over whole images."""
        whole = self.model.whole_model(name)(images)
        rows = {name: whole["logits"]}
        if self.model.architecture.task == "sequence":
            soft = "soft_attention" if name == "coarse" else "fine_inverse_entropy"
            top = getattr(self.model, f"{name}_top")
            rows[soft] = top(whole["features"], weighting="inverse_entropy")
        return rows

    def _rows_at(self, images, glance, scores, selector: str) -> dict:
        """Returns the logits from the best-scored cells, for every number of patches: the fewer are among the more."""
        most = tf.minimum(self.num_patches[-1], tf.size(scores[0]))
        look = self.model.look_closely(images, select_cells(scores, most))
        return {
            f"{selector}/{k}": self.model.answer(
                glance["coarse_features"], look["fine_features"][:, :k], look["cells"][:, :k]
            )["logits"]
            for k in self.num_patches
        }

    def _probabilities(self, logits):
        parts = tf.split(logits, self.model.architecture.top.heads, axis=-1)
        return tf.concat([tf.nn.softmax(part) for part in parts], axis=-1)

    def _read(self, reader, split: Split) -> dict[str, np.ndarray]:
        """Returns row name -> probabilities [n, sum(heads)] of all images."""
        read, done, begun, told = {}, 0, time.monotonic(), time.monotonic()
        for indices, rows in self._read_batches(reader, split):
            for name, probabilities in rows.items():
                if name not in read:
                    read[name] = np.empty((len(split), probabilities.shape[1]), np.float32)
                read[name][indices] = probabilities
            done += len(indices)
            if time.monotonic() - told > PROGRESS_SECONDS:
                told = time.monotonic()
                left = time.strftime("%H:%M:%S", time.gmtime((told - begun) * (len(split) - done) / done))
                log.info("evaluating: %d/%d images  %s to go", done, len(split), left)
        return read

    def _read_batches(self, reader, split: Split):
        """Yields (indices, what the reader returns) of every batch, in order; `replicas` of them are read at a time."""
        boxes = np.zeros((len(split), 4), np.float32) if split.boxes is None else split.boxes.astype(np.float32)

        def read(batch):
            indices, images = batch
            tensors = map(tf.constant, (images, split.labels[indices].astype(np.int32), boxes[indices]))
            return indices, reader(*tensors, tf.constant([0, int(indices[0])]))

        batches = split.batches(PIXELS)
        with ThreadPoolExecutor(self.replicas) as pool:
            while some := list(itertools.islice(batches, self.replicas)):
                yield from pool.map(read, some)

    def _error(self, probabilities: np.ndarray, labels: np.ndarray) -> float:
        wrong = decode(tf.constant(probabilities), self.model.architecture.top.heads).numpy() != labels
        return round(100.0 * float(wrong.any(axis=1).mean()), 4)

    def _possible(self, split: Split):
        """Returns a function: row name -> whether a split has the cells, and the boxes, that the row is about."""
        largest = padded_size(self.model.architecture, scaled_size(split.sizes().max(axis=0), self.scales[0]))
        cells = self.model.num_cells(largest)

        def possible(name):
            selector, _, num_patches = name.partition("/")
            return int(num_patches or 1) <= cells and (selector != "oracle" or split.boxes is not None)

        return possible

    def _multiplications(self, names, split: Split, scales) -> dict[str, int]:
        """Returns name -> multiplications of the mean image, all scales together."""
        sizes, images = np.unique(split.sizes(), axis=0, return_counts=True)
        architecture = self.model.architecture
        totals = dict.fromkeys(names, 0)
        for size, count in zip(sizes.tolist(), images.tolist()):
            for scale in scales:
                at = padded_size(architecture, scaled_size(size, scale))
                for name in names:
                    totals[name] += count * multiplications(self.model, name, at)
        return {name: round(total / len(split)) for name, total in totals.items()}


def multiplications(model: DynamicCapacityNetwork, name: str, image_size) -> int:
    """Returns the multiplications of one image of `image_size` (height, width) for the model of a row's name."""
    if name.startswith("dcn/"):
        num_patches = min(int(name.partition("/")[2]), model.num_cells(image_size))
        return dcn_cost(model.architecture, num_patches, image_size).total
    stack = "coarse" if name in ("coarse", "soft_attention") else "fine"
    return whole_multiplications(model.architecture, stack, image_size)


def _of_selector(name: str) -> bool:
    return "/" in name and not name.startswith("dcn/")


def nest(errors: dict) -> dict:
    """Returns figures as `result.json` has them: 'dcn/8' becomes ['dcn']['8']."""
    nested = {}
    for name, value in errors.items():
        *outer, last = name.split("/")
        target = nested
        for key in outer:
            target = target.setdefault(key, {})
        target[last] = value
    return nested


def format_table(evaluation: Evaluation) -> str:
    """Returns the table that a run prints: a row for each model, error and cost at each number of scales."""
    scales = [f"scale {evaluation.scales[0]:g}", *(f"and {scale:g}" for scale in evaluation.scales[1:])]
    lines = [" " * 24 + "".join(f"{scale:>22}" for scale in scales)]
    lines.append(f"{'model':<24}" + f"{'error, %':>11}{'M mult.':>11}" * len(scales))
    for name in evaluation.error[0]:
        label = name.replace("dcn/", "dcn, patches: ").replace("_", " ")
        columns = zip(evaluation.error, evaluation.multiplications)
        lines.append(f"{label:<24}" + "".join(f"{e[name]:>11.2f}{m[name] / 1e6:>11.2f}" for e, m in columns))
    lines.append(f"({evaluation.images} images; M mult.: million multiplications of the mean image)")
    if evaluation.selectors:
        lines += ["", *_selector_lines(evaluation)]
    return "\n".join(lines)


def _selector_lines(evaluation: Evaluation) -> list[str]:
    rows = {SELECTOR: nest(evaluation.error[0])["dcn"]} | nest(evaluation.selectors)
    lines = ["error, % by selector and number of patches, at the first scale", f"{'':<24}"]
    lines[-1] += "".join(f"{k:>8}" for k in rows[SELECTOR])
    for name, errors in rows.items():
        lines.append(f"{name.replace('_', ' '):<24}" + "".join(f"{error:>8.2f}" for error in errors.values()))
    return lines


def sample_outputs(model: DynamicCapacityNetwork, images: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the model's named outputs for uint8 images, as arrays: for pictures."""
    return {name: value.numpy() for name, value in model(to_float(tf.constant(images))).items()}
