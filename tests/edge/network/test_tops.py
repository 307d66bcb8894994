"""The tops of both tasks, against the network's own outputs and a plain computation."""

import io

import numpy as np
import pytest

from edge.network import softmaxes
from edge.network.kernels import FASTEST, NUMPY
from edge.network.runner import TwoStageRunner
from edge.network.tops import PoolTop, SwapTop, top_of


def test_a_task_has_its_top(classifier_case, sequence_case):
    assert top_of(classifier_case.float32.manifest) is SwapTop
    assert top_of(sequence_case.float32.manifest) is PoolTop


def weights_of(bundle):
    return dict(np.load(io.BytesIO(bundle.files["saliency.npz"])))


def made(case, kernels=FASTEST):
    """Returns a float bundle's top, and the runner whose models it goes with."""
    runner = TwoStageRunner(case.float32)
    top = top_of(runner.manifest)(runner.manifest, weights_of(case.float32), runner.coarse, runner.top, kernels)
    return top, runner


@pytest.mark.parametrize("kernels", [FASTEST, NUMPY], ids=["fastest", "numpy"])
def test_a_classifiers_answer_is_that_of_all_windows_of_the_swapped_map(classifier_case, kernels):
    top, runner = made(classifier_case, kernels)
    weights, task = weights_of(classifier_case.float32), runner.manifest.task
    glance = runner.glance(classifier_case.images[0])
    rng = np.random.default_rng(0)
    cells = np.array([[0, 0], [2, 3], [4, 4]])
    fine_features = rng.normal(size=(3, glance.features.shape[-1])).astype(np.float32)

    refined = glance.features.copy()
    refined[cells[:, 0], cells[:, 1]] = fine_features
    padded = np.pad(refined, (*task.padding, (0, 0)))
    (high, wide), (down, across) = weights["kernel"].shape[:2], task.strides
    bias = bias_of(glance, weights, task)
    sums = [
        (padded[row : row + high, column : column + wide, :, None] * weights["kernel"]).sum((0, 1, 2)) + bias
        for row in range(0, padded.shape[0] - high + 1, down)
        for column in range(0, padded.shape[1] - wide + 1, across)
    ]
    pooled = np.maximum(np.max(sums, axis=0) * weights["scale"] + weights["shift"], 0)
    logits = pooled @ weights["dense"] + weights["bias"]

    windows, indices = top.assemble(glance, fine_features, cells)
    found = top.answer(glance, runner.top.invoke(windows), indices)
    np.testing.assert_allclose(found, softmaxes.log_softmax(logits, task.heads), atol=1e-4)


def bias_of(glance, weights, task):
    """Returns the bias of the top's convolution, which `saliency.npz` lacks: from the coarse pass's first window."""
    padded = np.pad(glance.features, (*task.padding, (0, 0)))
    high, wide = weights["kernel"].shape[:2]
    return glance.values[0] - (padded[:high, :wide, :, None] * weights["kernel"]).sum((0, 1, 2))


def test_an_answer_leaves_the_glance_as_it_was(classifier_case):
    top, runner = made(classifier_case)
    glance = runner.glance(classifier_case.images[0])
    before, wanted = glance.values.copy(), top.saliency(glance)
    cells = np.array([[1, 1]])
    windows, indices = top.assemble(glance, np.full((1, glance.features.shape[-1]), 9, np.float32), cells)
    top.answer(glance, runner.top.invoke(windows), indices)
    np.testing.assert_array_equal(glance.values, before)
    np.testing.assert_array_equal(top.saliency(glance), wanted)


def test_a_sequences_answer_pools_the_fine_vectors_alone(sequence_case):
    top, runner = made(sequence_case)
    task = runner.manifest.task
    glance = runner.glance(sequence_case.images[0])
    fine_features = sequence_case.expected["fine_features"][0]
    refined, nothing = top.assemble(glance, fine_features, None)
    assert refined is fine_features
    assert nothing is None
    raw = runner.top.invoke(refined)
    log_probabilities = softmaxes.log_softmax(raw["cell_logits"].astype(np.float64), task.heads)
    expected, start = [], 0
    for head, size in enumerate(task.heads):
        part = log_probabilities[:, start : start + size]
        inverse = 1 / (softmaxes.entropies(log_probabilities, task.heads)[:, head] + task.floor)
        shares = inverse / inverse.sum() if task.refined_weighting == "inverse_entropy" else 1 / len(part)
        expected.append(np.log((np.exp(part) * np.reshape(shares, (-1, 1))).sum(axis=0)))
        start += size
    np.testing.assert_allclose(top.answer(glance, raw), np.concatenate(expected), atol=1e-6)


def test_the_top_has_as_many_inputs_as_patches_can_change(classifier_case, sequence_case):
    manifest = classifier_case.float32.manifest
    assert SwapTop.most_inputs(manifest, 1) == 4  # a kernel of 3 x 3 with strides of 2: two windows along each axis
    assert SwapTop.most_inputs(manifest, 2) == 8
    assert SwapTop.most_inputs(manifest, 3) == 9  # all that the map has
    assert PoolTop.most_inputs(sequence_case.float32.manifest, 5) == 5


def test_the_saliency_is_counted_once_for_each_kernel_or_cell(classifier_case, sequence_case):
    manifest = classifier_case.float32.manifest
    assert SwapTop.saliency_multiplications(manifest, {}) == 3 * 3 * 8 * 16
    dense = np.zeros((8, 36))
    assert PoolTop.saliency_multiplications(sequence_case.float32.manifest, {"dense": dense}) == 2 * 4 * 8 * 36
