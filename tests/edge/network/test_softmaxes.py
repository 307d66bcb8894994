import numpy as np

from edge.network.softmaxes import entropies, log_softmax


def test_entropies_of_known_distributions():
    logits = np.array([0, 0, 0, 0, 1000, 0, np.log(3), 0], np.float32)  # uniform of 4, certain of 2, (3/4, 1/4)
    found = entropies(log_softmax(logits, (4, 2, 2)), (4, 2, 2))
    three_to_one = np.log(4) - 0.75 * np.log(3)
    np.testing.assert_allclose(found, [np.log(4), 0, three_to_one], rtol=1e-6)
