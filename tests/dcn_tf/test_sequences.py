import numpy as np
import pytest
import tensorflow as tf
from numpy_reference import softmax

from dcn_tf.architecture import SequenceTopSpec
from dcn_tf.sequences import NO_VOTE, VOTERS, is_part, log_odds, log_presence, reading_log_probability, votes

SPEC = SequenceTopSpec(4, 3, min_length=0)
HEADS = SPEC.heads  # lengths 0 to 4; four positions of three symbols and 'none'


def logits_of(reading, sureness):
    """Returns the logits of a cell that reads `reading`, every head with logit `sureness` for it and 0 for the rest."""
    logits = [np.zeros(n) for n in HEADS]
    logits[0][len(reading)] = sureness
    for position, symbol in enumerate(reading):
        logits[1 + position][symbol] = sureness
    return np.concatenate(logits)


def read(logits):
    """Returns the reading of one cell and its probability, in plain Python."""
    parts = [softmax(part) for part in np.split(logits, np.cumsum(HEADS)[:-1])]
    length = int(parts[0].argmax())
    symbols = [int(part[:-1].argmax()) for part in parts[1 : 1 + length]]
    return tuple(symbols), round(float(parts[0][length] * np.prod([part[s] for part, s in zip(parts[1:], symbols)])), 9)


def holds(whole, part):
    """Whether a longer reading holds another."""
    if not part or len(part) >= len(whole):
        return False
    return any(whole[start : start + len(part)] == part for start in range(len(whole) - len(part) + 1))


def plain_votes(cell_logits):
    """Returns (the winning reading, each cell's log-weight or None), in plain Python."""
    readings = [read(logits) for logits in cell_logits]
    surest = sorted(range(len(readings)), key=lambda i: (not readings[i][0], -readings[i][1], i))[:VOTERS]
    voters = [readings[i] for i in sorted(surest)]
    own = [sum(p for other, p in voters if other == reading and reading) for reading, _ in voters]
    parts = [sum(p for other, p in voters if holds(reading, other)) for reading, _ in voters]
    totals = [o + min(o, p) for o, p in zip(own, parts)]
    winner = voters[int(np.argmax(totals))][0]
    return winner, [np.log(p) if reading == winner else None for reading, p in readings]


def assert_votes(cell_logits):
    winner, expected = plain_votes(cell_logits)
    result = votes(tf.constant(cell_logits[None], tf.float32), HEADS)[0].numpy()
    np.testing.assert_array_equal(result > NO_VOTE / 2, [weight is not None for weight in expected])
    for weight, value in zip(expected, result):
        assert weight is None or value == pytest.approx(weight, rel=1e-4, abs=1e-5)
    return winner


def test_votes_against_plain_python_over_random_readings(rng):
    winners = set()
    for _ in range(60):
        cells = rng.normal(0, 1.5, (rng.integers(1, 12), sum(HEADS)))
        winners.add(assert_votes(cells))
    assert len(winners) > 20


def test_votes_against_plain_python_over_related_readings(rng):
    """Parts, wholes and nothing of one number, as windows that cut it give them."""
    lengths = set()
    for _ in range(60):
        number = rng.integers(3, size=4).tolist()
        cells = []
        for _ in range(rng.integers(1, 6)):
            start, end = sorted(rng.integers(0, 5, 2))
            cells.append(logits_of(number[start:end], rng.uniform(1, 5)) + rng.normal(0, 0.01, sum(HEADS)))
        lengths.add(len(assert_votes(np.array(cells))))
    assert lengths == {0, 1, 2, 3, 4}


def test_more_cells_than_voters(rng):
    assert_votes(rng.normal(0, 2, (3 * VOTERS, sum(HEADS))))
    nothing = [logits_of((), 9.0)] * 2 * VOTERS
    assert assert_votes(np.array([*nothing, logits_of((1, 2), 3.0)])) == (1, 2)  # the surest of nothing have no seat


def test_a_cell_beyond_the_voters_that_agrees_still_has_weight():
    cells = [logits_of((1,), 4.0)] * VOTERS + [logits_of((1,), 2.0), logits_of((2,), 2.0)]
    result = votes(tf.constant([cells], tf.float32), HEADS)[0].numpy()
    assert result[VOTERS] == pytest.approx(np.log(read(cells[VOTERS])[1]), rel=1e-4)
    assert result[VOTERS + 1] == NO_VOTE


def test_a_part_votes_for_the_whole():
    """A surer part against the whole: alone the part wins, but its votes count for the whole."""
    whole, part, other = logits_of((1, 2), 3.0), logits_of((1,), 3.2), logits_of((0,), 4.5)
    assert read(part)[1] > read(whole)[1]
    assert assert_votes(np.array([part, whole])) == (1, 2)
    assert assert_votes(np.array([other, whole])) == (0,)


def test_parts_give_at_most_as_many_votes_as_the_whole_has_of_its_own():
    """Three surer cells read a part: with all of their votes the unsure whole would win."""
    part, whole = logits_of((1,), 5.0), logits_of((1, 2, 0), 1.0)
    own, parts = read(whole)[1], 3 * read(part)[1]
    assert 2 * own < parts < own + parts
    assert assert_votes(np.array([part, part, part, whole])) == (1,)


def test_ties_go_to_the_first_cell():
    one, other = logits_of((1,), 3.0), logits_of((2,), 3.0)
    assert assert_votes(np.array([one, other])) == (1,)
    assert assert_votes(np.array([other, one])) == (2,)


def test_nothing_wins_only_where_no_cell_reads_anything():
    nothing = logits_of((), 9.0)
    assert assert_votes(np.array([nothing, nothing])) == ()
    assert assert_votes(np.array([nothing, nothing, logits_of((2, 2), 0.5)])) == (2, 2)


def test_what_is_a_part_of_what():
    readings = [(1, 2, 0, 1), (1,), (2, 0), (0, 1), (2, 1), (), (1, 2, 0), (1, 2, 0, 1)]
    padded = np.array([[len(r), *r, *[3] * (4 - len(r))] for r in readings], np.int32)
    expected = [[holds(whole, part) for whole in readings] for part in readings]
    np.testing.assert_array_equal(is_part(tf.constant(padded[None]))[0], expected)
    assert expected[3][0]  # the last two symbols are a part
    assert not expected[4][0]


def test_the_last_symbol_of_the_longest_number_is_a_part_of_it():
    result = is_part(tf.constant([[[1, 2, 3, 3, 3], [4, 0, 0, 0, 2]]]))
    np.testing.assert_array_equal(result[0], [[False, True], [False, False]])


def test_the_probability_of_a_reading_by_hand():
    logits = np.log([[0.1, 0.2, 0.6, 0.05, 0.05] + [0.7, 0.1, 0.1, 0.1] + [0.1, 0.1, 0.3, 0.5] + [0.25] * 8])
    readings, log_probability = reading_log_probability(tf.constant(logits, tf.float32), HEADS)
    np.testing.assert_array_equal(readings, [[2, 0, 2, 3, 3]])  # 'none' is not read where the length has a symbol
    np.testing.assert_allclose(log_probability, [np.log(0.6 * 0.7 * 0.3)], rtol=1e-5)


def test_the_probability_of_nothing_is_that_of_its_length_alone():
    logits = np.log([[0.9, 0.025, 0.025, 0.025, 0.025] + [0.25] * 16])
    readings, log_probability = reading_log_probability(tf.constant(logits, tf.float32), HEADS)
    np.testing.assert_array_equal(readings, [[0, 3, 3, 3, 3]])
    np.testing.assert_allclose(log_probability, [np.log(0.9)], rtol=1e-5)


def test_presence_is_the_probability_of_all_lengths_but_none():
    lengths = np.log([[0.3, 0.2, 0.5], [0.999, 0.0005, 0.0005]])
    np.testing.assert_allclose(np.exp(log_presence(tf.constant(lengths, tf.float32))), [0.7, 0.001], rtol=1e-4)
    np.testing.assert_allclose(np.exp(log_odds(tf.constant(lengths, tf.float32))), [0.7 / 0.3, 1 / 999], rtol=1e-4)


def test_no_gradient_flows_through_the_choice(rng):
    cells = tf.constant(rng.normal(0, 1, (2, 5, sum(HEADS))), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(cells)
        weights = votes(cells, HEADS)
    assert tape.gradient(weights, cells) is None
