import numpy as np
import pytest

from edge.network.votes import NO_VOTE, is_part, lead, log_votes, readings_of, vote

HEADS = (4, 11, 11, 11)  # up to three digits, or none


def logits_of(*readings, strength=6.0):
    """Returns logits of cells that read (digits, how much surer they are than others)."""
    logits = np.zeros((len(readings), sum(HEADS)))
    for row, (digits, extra) in zip(logits, readings):
        row[len(digits)] = strength + extra
        for position in range(3):
            symbol = int(digits[position]) if position < len(digits) else 10
            row[4 + 11 * position + symbol] = strength + extra
    return logits


def test_a_reading_has_the_probability_of_its_length_and_symbols():
    logits = np.log(np.full((1, sum(HEADS)), 1e-6))
    logits[0, :4] = np.log([0.1, 0.2, 0.6, 0.1])
    logits[0, 4 : 4 + 11] = np.log([0.01] * 4 + [0.3] + [0.01] * 5 + [0.61])  # 'none' is likelier than 4
    logits[0, 15 : 15 + 11] = np.log([0.02] * 7 + [0.8] + [0.02] * 3)
    readings, log_probabilities = readings_of(logits, HEADS)
    np.testing.assert_array_equal(readings, [[2, 4, 7, 10]])
    np.testing.assert_allclose(log_probabilities, [np.log(0.6 * (0.3 / 1.0) * 0.8)], rtol=1e-5)


def test_nothing_has_the_probability_of_its_length_alone():
    readings, log_probabilities = readings_of(logits_of(("", 0)), HEADS)
    np.testing.assert_array_equal(readings, [[0, 10, 10, 10]])
    np.testing.assert_allclose(log_probabilities, [-np.log(1 + 3 * np.exp(-6))], rtol=1e-5)


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        ((1, 2, 10, 10), (2, 1, 2, 10), True),
        ((2, 2, 3, 10), (3, 1, 2, 3), True),
        ((2, 1, 3, 10), (3, 1, 2, 3), False),  # not next to each other
        ((2, 1, 2, 10), (2, 1, 2, 10), False),  # not longer
        ((0, 10, 10, 10), (2, 1, 2, 10), False),
        ((1, 10, 10, 10), (2, 1, 2, 10), False),  # 'none' stands behind, and is no symbol of it
    ],
)
def test_a_part_stands_in_a_longer_reading(part, whole, expected):
    assert is_part(part, whole) is expected


def winners(*readings):
    return (log_votes(logits_of(*readings), HEADS) > NO_VOTE / 2).nonzero()[0].tolist()


def test_a_part_votes_for_the_whole():
    assert winners(("12", 0), ("2", 0.5), ("2", 0.5), ("12", 0)) == [0, 3]


def test_parts_count_no_more_than_the_wholes_own_votes():
    assert winners(("12", -5), ("2", 0.5), ("2", 0.5)) == [1, 2]


def test_nothing_wins_only_where_no_cell_reads_anything():
    assert winners(("", 3), ("", 3), ("7", -5)) == [2]
    assert winners(("", 3), ("", 1)) == [0, 1]


def test_where_a_number_is_known_to_be_there_nothing_is_no_answer():
    logits = logits_of(("", 3), ("", 0), ("", 0))
    logits[1, 2] = 5.9  # the second cell is nearly as sure of a length of 2
    logits[1, 4 + 3], logits[1, 15 + 7] = 4.0, 4.0
    assert vote(logits, HEADS)[0][:4].argmax() == 0
    pooled, weights = vote(logits, HEADS, always_read=True)
    assert (pooled[:4].argmax(), pooled[4:14].argmax(), pooled[15:25].argmax()) == (2, 3, 7)
    assert np.exp(pooled[0]) < 1e-6
    assert weights.argmax() == 1
    np.testing.assert_allclose(weights.sum(), 1, rtol=1e-6)


def test_where_a_cell_reads_something_it_stays():
    logits = logits_of(("", 3), ("12", 0))
    for one, other in zip(vote(logits, HEADS), vote(logits, HEADS, always_read=True)):
        np.testing.assert_array_equal(one, other)


def test_the_first_of_equals_wins():
    assert winners(("4", 0), ("5", 0)) == [0]


def test_the_surest_32_vote():
    many = [("3", 0.0)] * 20 + [("8", 0.1)] * 32
    assert winners(*many) == list(range(20, 52))


def test_the_winners_are_pooled_by_their_certainty():
    logits = logits_of(("12", 0), ("5", 0), ("12", 1))
    log_probabilities, weights = vote(logits, HEADS)
    _, certain = readings_of(logits, HEADS)
    shares = np.exp(certain[[0, 2]]) / np.exp(certain[[0, 2]]).sum()
    np.testing.assert_allclose(weights, [shares[0], 0, shares[1]], rtol=1e-5)
    lengths = np.exp(logits[:, :4]) / np.exp(logits[:, :4]).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(np.exp(log_probabilities[:4]), shares @ lengths[[0, 2]], rtol=1e-5)


def test_the_lead_is_over_the_strongest_that_is_no_part_of_the_winner():
    sure = float(np.exp(readings_of(logits_of(("12", 0)), HEADS)[1][0]))
    one = float(np.exp(readings_of(logits_of(("7", 0)), HEADS)[1][0]))
    assert lead(logits_of(("12", 0)), HEADS) == pytest.approx(sure)
    assert lead(logits_of(("12", 0), ("7", 0), ("12", 0)), HEADS) == pytest.approx(2 * sure - one)
    assert lead(logits_of(("12", 0), ("2", 0), ("1", 0)), HEADS) == pytest.approx(2 * sure)  # parts count once again
    assert lead(logits_of(("", 0), ("", 3)), HEADS) == 0
    assert lead(logits_of(("", 0), ("7", 0)), HEADS) == pytest.approx(one)
