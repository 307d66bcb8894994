import numpy as np
import pytest

from train.data.dataset import Split
from train.evaluation.errors import Errors
from train.evaluation.intervals import Intervals
from train.evaluation.reader import Reader


def test_rows_of_a_split_are_judged_by_what_was_read(network, split_of, predictions):
    model = network("tiny_classifier")
    split = split_of([(100, 100)] * 6, (10,))
    split = Split(np.stack(split.images), split.labels, None, np.array([0, 0, 1, 1, 2, 2]))
    reader = Reader(model, (1, 2, 3))
    error = dict(Errors([reader], (1, 3), selectors=("random",))(split))
    found = dict(Intervals(reader, (1, 3))(split))
    assert set(found) == {
        *(f"interval/{row}" for row in ("coarse", "fine", "dcn/1", "dcn/3")),
        *("against_fine/dcn/1", "against_fine/dcn/3"),
    }
    difference = error["error/dcn/3"] - error["error/fine"]
    assert found["against_fine/dcn/3"]["difference"] == pytest.approx(difference, abs=1e-3)
    fewer = dict(Intervals(reader, (3,), fine_pixels=4 * 100 * 100)(split))
    fine = dict(Errors([reader], (3,))(split.head(4)))
    difference = fine["error/dcn/3"] - fine["error/fine"]
    assert fewer["against_fine/dcn/3"]["difference"] == pytest.approx(difference, abs=1e-3)
    assert fewer["interval/dcn/3"] == found["interval/dcn/3"]
    low, high = found["interval/coarse"]
    assert low <= error["error/coarse"] <= high
