import numpy as np

from train.data import dataset
from train.data.dataset import Split, epoch_indices


def test_images_of_one_size_go_together_and_none_is_lost():
    sizes = [(4, 6), (2, 3), (4, 6), (4, 6), (2, 3)]
    images = [np.full((*size, 1), i, np.uint8) for i, size in enumerate(sizes)]
    split = Split(images, np.zeros((5, 1), np.int32))
    assert not split.of_one_size
    batches = [(indices.tolist(), batch.shape) for indices, batch in split.batches(pixels=2 * 4 * 6)]
    assert batches == [([1, 4], (2, 2, 3, 1)), ([0, 2], (2, 4, 6, 1)), ([3], (1, 4, 6, 1))]
    for indices, batch in split.batches(pixels=1):  # at least one image at a time
        assert batch.shape[0] == 1
        assert batch[0, 0, 0, 0] == indices[0]


def test_the_head_of_a_split_keeps_what_belongs_together():
    split = Split(np.zeros((5, 4, 6, 1), np.uint8), np.arange(5)[:, None], np.arange(20).reshape(5, 4))
    head = split.head(2)
    assert head.of_one_size
    assert len(head) == 2
    np.testing.assert_array_equal(head.labels, [[0], [1]])
    np.testing.assert_array_equal(head.boxes, [[0, 1, 2, 3], [4, 5, 6, 7]])
    assert Split(split.images, split.labels).head(1).boxes is None


def test_every_epoch_shows_every_image_once_in_another_order():
    batches = [epoch_indices(10, 4, seed=0, step=step) for step in range(5)]
    seen = np.concatenate(batches)
    np.testing.assert_array_equal(np.sort(seen[:10]), np.arange(10))
    np.testing.assert_array_equal(np.sort(seen[10:]), np.arange(10))
    assert not np.array_equal(seen[:10], seen[10:])


def test_the_order_of_an_epoch_is_made_once():
    """Batches are what they were when every one made its epochs' permutations anew."""
    dataset._order.cache_clear()
    for step in range(40):
        positions = np.arange(step * 7, step * 7 + 7)
        orders = [np.random.default_rng([3, 1, epoch]).permutation(50) for epoch in positions // 50]
        expected = [order[position % 50] for order, position in zip(orders, positions)]
        assert epoch_indices(50, 7, seed=3, step=step).tolist() == expected
    assert dataset._order.cache_info().misses == 6
    small = epoch_indices(3, 8, seed=0, step=1)  # a batch over several epochs
    assert sorted(small[1:4]) == sorted(small[4:7]) == [0, 1, 2]
    first = epoch_indices(50, 7, seed=3, step=0)
    first[:] = 0  # a batch is its caller's own
    assert epoch_indices(50, 7, seed=3, step=0).any()
