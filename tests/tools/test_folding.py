import numpy as np
import pytest
import tiny_bundles

from tools.folding import folded_weights


@pytest.mark.parametrize("statistics", ["shared", "separate"])
def test_a_kernel_is_scaled_and_a_bias_shifted_as_normalisation_does(statistics):
    network = tiny_bundles.make_network(tiny_bundles.classifier_architecture(statistics))
    kernel, bias = folded_weights(network)["coarse_top/conv"]
    vector = np.random.default_rng(0).normal(0, 3, (3, 3, 8)).astype(np.float32)  # one window
    expected = network.coarse_top.activation_map(vector[None], coarse_pass=True).numpy().ravel()
    np.testing.assert_allclose(np.maximum(np.einsum("hwd,hwdf->f", vector, kernel) + bias, 0), expected, atol=1e-4)
    assert (expected > 0).sum() > 3


def test_the_passes_of_one_top_differ_in_their_statistics_alone(classifier):
    weights = folded_weights(classifier)
    ratio = weights["coarse_top/conv"][0] / weights["fine_top/conv"][0]  # [3, 3, 8, 16]
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:1, :1, :1], ratio.shape), rtol=1e-4)
    assert np.ptp(ratio) > 0.1
    assert list(weights) == [
        *("coarse/0", "coarse/1", "coarse_top/conv", "coarse_top/logits"),
        *("fine/0", "fine/2", "fine_top/conv", "fine_top/logits"),
    ]
