from dataclasses import replace

import numpy as np
import pytest

from edge.bundle.tasks import TASKS, Classification, Sequence
from edge.network.softmaxes import log_softmax

CLASSES = Classification(("a", "b", "c"), (2, 2), ((0, 0), (0, 0)))
SEQUENCE = Sequence(tuple("0123456789"), 3, (0, 1, 2, 3), "average", "inverse_entropy", 1e-3)


def test_decoding_is_that_of_the_library(case):
    task, logits = case.float32.manifest.task, case.references["random_logits"]
    found = [task.read(log_softmax(row, task.heads))[2] for row in logits]
    np.testing.assert_array_equal(found, case.references["random_categories"])


def test_a_sequences_probability_is_that_of_its_length_and_symbols():
    probabilities = np.full(3 + 3 * 11, 1e-6)
    probabilities[1] = 0.9  # two symbols
    probabilities[3 + 4], probabilities[3 + 10] = 0.3, 0.6  # 'none' is likelier than 4, but the length says two
    probabilities[14 + 2] = 0.5
    probabilities[25 + 7] = 0.8  # beyond the length
    prediction, probability, categories = SEQUENCE.read(np.log(probabilities))
    assert (prediction, categories) == ("42", (1, 4, 2, 10))
    np.testing.assert_allclose(probability, 0.9 * 0.3 * 0.5)


def test_nothing_to_read_is_an_empty_reading_with_the_probability_of_its_length():
    task = replace(SEQUENCE, min_length=0)
    probabilities = np.full(4 + 3 * 11, 0.1)
    probabilities[:4] = [0.7, 0.1, 0.1, 0.1]
    assert (task.heads, str(task)) == ((4, 11, 11, 11), "sequence of 0 to 3")
    assert task.read(np.log(probabilities)) == ("", pytest.approx(0.7), (0, 10, 10, 10))
    assert task.text((2, 4, 0, 10)) == "40"


def test_names_longer_than_a_character_are_kept_apart():
    task = replace(SEQUENCE, labels=tuple(f"s{i}" for i in range(10)))
    probabilities = np.full(3 + 3 * 11, 1e-6)
    probabilities[[1, 3 + 4, 14 + 2]] = 1
    assert task.read(np.log(probabilities))[0] == "s4 s2"


def test_a_class_is_read_with_its_probability():
    assert CLASSES.read(np.log([0.2, 0.7, 0.1])) == ("b", pytest.approx(0.7), (1,))
    assert (CLASSES.text([2]), CLASSES.heads, str(CLASSES)) == ("c", (3,), "classification")


def test_a_sequence_has_a_softmax_of_lengths_and_one_for_each_position():
    assert (SEQUENCE.heads, str(SEQUENCE)) == ((3, 11, 11, 11), "sequence of 1 to 3")
    assert SEQUENCE.text((1, 4, 2, 10)) == "42"


def test_a_task_is_what_the_manifest_says(case):
    content = case.float32.manifest.content
    task = TASKS[content["task"]].from_content(content)
    assert task == case.float32.manifest.task
    assert (list(task.heads), list(task.saliency_heads)) == (content["heads"], content["saliency_heads"])
    assert all(holds for holds, _ in task.rules(content))
