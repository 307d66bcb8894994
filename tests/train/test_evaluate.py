import numpy as np
import pytest
import tensorflow as tf

from dcn_tf.model import DynamicCapacityNetwork
from train import evaluate
from train.data.dataset import Split


def test_error_counts_images_of_which_any_head_is_wrong():
    labels = np.array([[0, 1], [0, 1], [0, 0], [1, 1]], np.int32)
    split = Split(np.zeros((4, 2, 2, 1), np.uint8), labels)
    heads = (2, 3)

    def predict(images):  # always length 1, symbol 1
        return tf.tile(tf.constant([[5.0, 0.0, 0.0, 3.0, 4.0]]), [tf.shape(images)[0], 1])

    assert evaluate.error_percent(predict, split, heads) == 50.0


def test_all_images_are_counted_in_batches_of_any_remainder(monkeypatch):
    monkeypatch.setattr(evaluate, "BATCH", 4)
    images = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1)
    split = Split(images, (np.arange(10) % 2).astype(np.int32)[:, None])
    is_large = lambda x: tf.stack([tf.fill([tf.shape(x)[0]], 7.0), 255 * x[:, 0, 0, 0] * 2], axis=1)  # noqa: E731
    expected = 100 * np.mean([(2 * i > 7) != (i % 2) for i in range(10)])
    assert evaluate.error_percent(is_large, split, (2,)) == pytest.approx(expected)


def test_sequences_are_also_pooled_by_inverse_entropy(config):
    model = DynamicCapacityNetwork(config(preset="tiny_sequence").architecture)
    model.build()
    split = Split(np.zeros((2, 16, 24, 1), np.uint8), np.zeros((2, 4), np.int32))
    names = [name for name, _ in evaluate.evaluate(model, split, (1, 9, 10))]
    assert names == ["coarse", "soft_attention", "fine", "fine_inverse_entropy", "dcn/1", "dcn/9"]
    counts = evaluate.multiplications(model, names)
    assert counts["coarse"] == counts["soft_attention"] == 3 * 3 * 12 * 16 * 4 + 9 * 4 * 36
    assert evaluate.nest({"coarse": 1.0, "dcn/1": 2.0, "dcn/9": 3.0}) == {"coarse": 1.0, "dcn": {"1": 2.0, "9": 3.0}}


def test_the_table_has_a_row_for_each_error():
    table = evaluate.format_table({"coarse": 2.5, "dcn/8": 1.25}, {"coarse": 6_358_000, "dcn/8": 22_980_000}, 70)
    lines = table.splitlines()
    assert lines[1].split() == ["coarse", "2.50", "6.36"]
    assert lines[2].split() == ["dcn,", "patches:", "8", "1.25", "22.98"]
    assert lines[3] == "(70 test images)"
