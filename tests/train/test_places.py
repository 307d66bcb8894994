import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from dcn_tf import presets
from dcn_tf.architecture import Conv, IntegrateAndFire, MaxPool
from dcn_tf.model import DynamicCapacityNetwork
from train import optimizers, steps
from train.aids import Aids
from train.data.arrays import even_ends
from train.errors import UserError
from train.places import PlaceReader, place_centres, place_reader_of, place_targets, row_of

ROW = (Conv(4, 3, padding="same"), MaxPool((12, 2), strides=(2, 2)), Conv(7, (1, 3), padding="same", activation=None))
NONE = 10


@pytest.fixture
def architecture(monkeypatch):
    """The tiny reader with a fine stack that counts along a row of 8 places: windows are 12 x 16."""
    tiny = presets.PRESETS["tiny_pyramid"]()
    made = dataclasses.replace(tiny, fine=(*ROW, IntegrateAndFire(3, 6, kernel=8, strides=2)))
    monkeypatch.setitem(presets.PRESETS, "tiny_row", lambda: made)
    return made


def test_the_shipped_reader_has_a_row_of_27_places_and_the_papers_network_none():
    numbers = presets.preset("numbers")
    assert row_of(numbers) == 11
    centres = place_centres(numbers.fine[:11], numbers.train_size)
    assert len(centres) == 27
    np.testing.assert_allclose(np.diff(centres) * 110, 4, rtol=1e-4)
    np.testing.assert_allclose(centres[0] * 110, 1.5)
    assert row_of(presets.preset("svhn_paper")) is None


def targets(digits, box, centres, ends=None):
    labels = np.full((1, 9), NONE, np.int32)
    labels[0, 0], labels[0, 1 : 1 + len(digits)] = len(digits), digits
    boxes = tf.constant([[*box, *(even_ends(labels)[0] if ends is None else ends)]], tf.float32)
    found = place_targets(tf.constant(labels), boxes, np.array(centres, np.float32), 10)
    return [values.numpy()[0].tolist() for values in found]


CENTRES = [0.02, 0.17, 0.3, 0.35, 0.5, 0.59, 0.7, 0.81, 0.95]


def test_a_place_shows_the_symbol_whose_middle_it_is_in():
    # Of a number from 0.2 to 0.8, 0.2 a digit.
    symbols, shown, beside, least, most = targets((7, 0, 9), (0.2, 0.1, 0.8, 0.9), CENTRES)
    assert symbols == [NONE, NONE, 7, 7, 0, NONE, 9, NONE, NONE]
    assert shown == [0, 0, 1, 1, 1, 0, 1, 0, 0]
    assert beside == [1, 0, 0, 0, 0, 0, 0, 0, 1]  # within 0.06 of the number nobody can tell
    assert least == [0, 0, 0, 0, 1, 1, 2, 3, 3]
    assert most == [0, 0, 1, 1, 2, 2, 3, 3, 3]


def test_symbols_of_several_widths_end_where_it_is_said():
    box, ends = (0.2, 0.1, 0.8, 0.9), (0.5, 0.75, 1, 1, 1, 1, 1, 1)  # at 0.5, at 0.65
    symbols, shown, _, least, most = targets((7, 0, 9), box, CENTRES, ends)
    assert symbols == [NONE, NONE, 7, 7, NONE, 0, 9, NONE, NONE]
    assert shown == [0, 0, 1, 1, 0, 1, 1, 0, 0]
    assert least == [0, 0, 0, 0, 1, 1, 2, 3, 3]
    assert most == [0, 0, 1, 1, 2, 2, 3, 3, 3]


def test_a_window_without_a_number_tells_nothing_of_its_places():
    symbols, *known = targets((), (0, 0, 0, 0), [0.1, 0.5, 0.9])
    assert symbols == [NONE] * 3
    assert known == [[0] * 3, [0] * 3, [-1] * 3, [-1] * 3]


def test_the_loss_is_the_mean_over_places_that_show_and_that_are_beside_and_of_the_counts(architecture):
    places = PlaceReader(architecture, seed=0)
    places.variables[0].assign(tf.zeros(places.variables[0].shape))
    places.variables[1].assign(tf.constant([0.0] * 10 + [2.0]))  # 'none' is likelier everywhere
    labels = tf.constant([[1, 4, 10, 10], [0, 10, 10, 10]], tf.int32)
    boxes = tf.constant([[0.25, 0.2, 0.75, 0.8, 1, 1, 1], [0, 0, 0, 0, 1, 1, 1]], tf.float32)
    row = np.ones((2, 1, 8, 7), np.float32)
    row[..., 0] = [-50, 50, -50, -50, 50, -50, -50, -50]  # nothing, or a whole symbol
    total = np.log(10 + np.exp(2.0))
    # One symbol too early at the second and the third place, and one too many from the fifth on.
    counted = np.array([0, 0.5, 1, 1, 1.5, 2, 2, 2])
    inside = (places.centres > 0.25) & (places.centres < 0.75)
    most = np.where(inside | (places.centres > 0.5), 1, 0)
    off = np.maximum(counted - most, 0).mean()
    value = places.loss(tf.constant(row), labels, boxes)
    np.testing.assert_allclose(value, total + (total - 2.0) + off, rtol=1e-5)


def test_it_trains_the_layers_up_to_the_row_and_is_the_same_network(config, architecture):
    model = DynamicCapacityNetwork(architecture)
    model.build()
    run = config(preset="tiny_row", training="modular", place_weight=2.0)
    places = place_reader_of(run, architecture)
    rng = np.random.default_rng(0)
    images = tf.constant(rng.random((4, *architecture.train_size, 1)), tf.float32)
    labels = tf.constant([[1, 4, 10, 10]] * 4, tf.int32)
    boxes = tf.constant([[0.2, 0.2, 0.8, 0.8, 1, 1, 1]] * 4)
    with tf.GradientTape() as tape:
        terms = steps.whole_losses(model, images, labels, boxes, ("fine",), run, places)
        value = terms["place"][1]
    assert terms["place"][0] == 2.0
    variables = model.fine.trainable_variables
    assert all(gradient is not None for gradient in tape.gradient(value, variables))
    whole = model.whole_model("fine")
    row = whole.stack.part(images, last=places.count)
    np.testing.assert_allclose(whole.stack.part(row, places.count), whole.stack(images), rtol=1e-6)
    before = [variable.numpy() for variable in places.variables]
    metrics = steps.TrainStep(model, optimizers.make_optimizer(run), run, aids=Aids(places))(images, labels, boxes)
    assert metrics["loss/place"] > 0
    assert all((np.asarray(variable) != value).any() for variable, value in zip(places.variables, before))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"preset": "tiny_pyramid"}, "--place_weight is of the fine stack over windows; add --training=modular"),
        ({"preset": "tiny_sequence", "training": "modular"}, "needs a sequence top with min_length 0"),
        ({"training": "modular"}, "needs a sequence top with min_length 0"),
    ],
)
def test_networks_without_places_are_refused(config, values, message):
    run = config(place_weight=2.0, **values)
    with pytest.raises(UserError, match=message):
        place_reader_of(run, run.architecture)


def test_by_default_nothing_reads_places(config):
    run = config(preset="tiny_pyramid", training="modular")
    assert place_reader_of(run, run.architecture) is None
