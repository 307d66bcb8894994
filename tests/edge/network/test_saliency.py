import numpy as np

from edge.network.saliency import select_cells, small_product


def test_cells_are_selected_in_order_with_ties_to_the_lowest_index():
    saliency = np.array([[1, 3, 2], [3, 0, 2]], np.float32)
    assert select_cells(saliency, 5).tolist() == [[0, 1], [1, 0], [0, 2], [1, 2], [0, 0]]


def test_small_product_in_several_pieces():
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(30, 96)).astype(np.float32), rng.normal(size=(96, 384)).astype(np.float32)
    np.testing.assert_allclose(small_product(left, right), left @ right, rtol=1e-4, atol=1e-4)
    assert small_product(left[:0], right).shape == (0, 384)
