"""Readings of labelled images by a bundle for images of any size: with every number of patches, and threshold."""

import functools
from dataclasses import dataclass

import numpy as np

from dcn_tf.thresholds import reading_threshold
from edge.bundle import Bundle
from edge.comparison.labels import find_labels
from edge.comparison.variants import COARSE, DCN, WHOLE
from edge.comparison.work import mean_multiplications
from edge.errors import UserError
from edge.network.pyramid_runner import PyramidRunner
from edge.network.result import Answer
from edge.sight.images import expand, load_image
from tools.export.policies import Outcomes
from tools.progress import Progress

MOST_LEAD = 32.0  # as many votes as there may be patches


@dataclass(frozen=True)
class Readings:
    """Readings of n images with 0 to K patches each, whatever their probability. With 0 it is the coarse one.

    Attributes:
        labels: [n] text, '' where there is nothing to read.
        predictions: [n, K + 1] text; with more patches than an image has cells as with all of them.
        probability: [n, K + 1], of the prediction.
        entropy: [n], of the coarse output.
        leads: [n, K], of the reading with 1 to K patches, see `edge.network.votes.lead`; infinite where an image has no
            further cell.
        cost: [n, K + 1], multiplications.
        exit_cost: [n], of an image whose coarse answer stands.
        whole_cost: [n], of the fine model over all levels.
    """

    labels: np.ndarray
    predictions: np.ndarray
    probability: np.ndarray
    entropy: np.ndarray
    leads: np.ndarray
    cost: np.ndarray
    exit_cost: np.ndarray
    whole_cost: np.ndarray

    @property
    def nothing(self) -> np.ndarray:
        """Which images hold nothing to read, [n]."""
        return self.labels == ""

    def told(self, threshold: float) -> np.ndarray:
        """Returns the predictions, empty where their probability is below a threshold: [n, K + 1]."""
        return np.where(self.probability < threshold, "", self.predictions)


def labelled(folders) -> tuple[list, dict]:
    """Returns all images of folders, and path -> label; UserError where an image has no label, or none has a number."""
    paths, labels = [], {}
    for folder in folders:
        of_folder = list(expand([folder]))
        found, _ = find_labels(of_folder)
        missing = [path for path in of_folder if path not in found]
        if missing:
            raise UserError(f"{missing[0]} has no label; name it in annotations.json beside it")
        paths, labels = paths + of_folder, labels | found
    if not any(labels.values()):
        raise UserError(f"--images must have numbers too, received {len(paths)} images of nothing; add a folder")
    return paths, labels


def read(bundle: Bundle, paths, labels: dict) -> Readings:
    """Returns what a bundle reads in images, by the device's own stages. labels: path -> text."""
    runner = PyramidRunner(bundle)
    most, count = runner.check_num_patches(None), len(paths)
    predictions, probability = np.empty((count, most + 1), object), np.empty((count, most + 1))
    entropy, leads = np.empty(count), np.full((count, most), np.inf)
    cost, exit_cost, whole_cost = np.empty((count, most + 1), int), *np.empty((2, count), int)
    cost_of = functools.cache(functools.partial(_cost, bundle))
    progress = Progress("reading", count, "images")
    for i, path in enumerate(paths):
        image = load_image(path, bundle.manifest.input)
        glance = runner.glance(image)
        look = runner.look_closely(glance, most)
        looks = [look.first(k) for k in range(1, len(look.cells) + 1)]
        answers = [Answer(glance.log_probabilities), *(runner.answer(glance, one) for one in looks)]
        told = [bundle.manifest.task.read(answer.log_probabilities)[:2] for answer in answers]
        told += told[-1:] * (most + 1 - len(told))
        predictions[i], probability[i] = zip(*told)
        leads[i, : len(looks) - 1] = [runner.lead(one) for one in looks[:-1]]
        entropy[i] = glance.entropy
        size = image.shape[:2]
        cost[i] = [cost_of(DCN if k else COARSE, min(k, len(looks)), True, size) for k in range(most + 1)]
        exit_cost[i] = cost_of(COARSE, 0, False, size)
        whole_cost[i] = cost_of(WHOLE, 0, False, size) if "whole_fine" in bundle.manifest.models else 0
        progress.tell(i + 1)
    texts = np.array([labels[path] for path in paths], object)
    return Readings(texts, predictions, probability, entropy, leads, cost, exit_cost, whole_cost)


def _cost(bundle, models, num_patches, has_saliency, size) -> int:
    found = mean_multiplications(bundle, {(models, num_patches, has_saliency, size): 1.0})
    if found is None:
        raise UserError("multiplications cannot be counted without TensorFlow or tflite; pip install '.[train,quant]'")
    return found


def choose_threshold(readings: Readings, percent: float, known: float | None) -> tuple[float, str]:
    """Returns the reading threshold with all patches, and in words what it does.

    Args:
        readings: of images, some of which hold nothing to read; where none does, the threshold stays what it was.
    """
    nothing, last = readings.nothing, readings.predictions[:, -1]
    if not nothing.any():
        return known or 0.0, "as it was: no image holds nothing to read"
    probability = readings.probability[:, -1]
    right = (last == readings.labels) & ~nothing
    threshold = reading_threshold(np.where(last == "", 0.0, probability)[nothing], percent / 100, probability[right])
    before, after = (
        100 * np.mean(told[nothing, -1] != "") for told in (readings.predictions, readings.told(threshold))
    )
    kept = 100 * np.mean(probability[right] >= threshold)
    return threshold, (
        f"of {nothing.sum():,} images with nothing {after:.1f} % are read, without it {before:.1f} %, "
        f"and {kept:.1f} % of the right readings stay"
    )


def outcomes(readings: Readings, threshold: float) -> Outcomes:
    """Returns readings as policies are judged on, with a reading threshold.

    What ends adaptive patches is the greatest lead so far. Its negative falls with every patch as a saliency does, so
    that a patch is looked at where it is at least a level; see `lead_at`.
    """
    reached = np.maximum.accumulate(readings.leads, axis=1)[:, :-1]
    falling = np.concatenate([np.full((len(reached), 1), np.inf), -reached], axis=1)
    wrong = readings.told(threshold) != readings.labels[:, None]
    return Outcomes(readings.entropy, falling, wrong, readings.cost, readings.exit_cost)


def lead_at(level: float) -> float:
    """Returns the manifest's `vote_lead` for a level of `outcomes`: the least lead that ends where the level does."""
    return float(np.clip(np.nextafter(-level, np.inf), 0.0, MOST_LEAD))
