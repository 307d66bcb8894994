import numpy as np
import pytest

from edge.network.result import Look, Result


def test_a_results_time_is_that_of_all_stages():
    result = Result("7", 1.0, 0, np.zeros(2), (0,), stages_us={"input": 250.0, "coarse": 1000.0})
    assert result.milliseconds == pytest.approx(1.25)
    assert Result("7", 1.0, 0, np.zeros(2), (0,)).milliseconds == 0


def test_the_first_cells_of_a_look_are_the_most_salient():
    saliency = np.zeros((2, 3))
    look = Look(saliency, np.array([[1, 2], [0, 0], [0, 1]]), np.arange(6).reshape(3, 2))
    first = look.first(2)
    assert first.saliency is saliency
    assert first.cells.tolist() == [[1, 2], [0, 0]]
    assert first.fine_features.tolist() == [[0, 1], [2, 3]]
