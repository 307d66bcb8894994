import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from dcn_tf import presets
from dcn_tf.descriptions import Conv, MaxPool
from dcn_tf.model import DynamicCapacityNetwork
from train import steps
from train.errors import UserError
from train.places import PlaceReader, place_centres, place_reader_of, place_targets, row_of

ROW = (Conv(4, 3, padding="same"), MaxPool((12, 2), strides=(2, 2)), Conv(6, (1, 3), padding="same"))
NONE = 8 * 10


@pytest.fixture
def architecture(monkeypatch):
    """The tiny reader with a fine stack that comes to a row of 8 places: windows are 12 x 16."""
    tiny = presets.PRESETS["tiny_pyramid"]()
    made = dataclasses.replace(tiny, fine=(*ROW, Conv(6, (1, 8), strides=(1, 2), dropout=0.1)))
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


def targets(digits, box, centres):
    labels = np.full((1, 9), 10, np.int32)
    labels[0, 0], labels[0, 1 : 1 + len(digits)] = len(digits), digits
    found = place_targets(tf.constant(labels), tf.constant([box], tf.float32), np.array(centres, np.float32), 10)
    return [values.numpy()[0].tolist() for values in found]


def test_a_place_shows_the_symbol_whose_middle_it_is_in():
    centres = [0.02, 0.17, 0.3, 0.35, 0.5, 0.59, 0.7, 0.81, 0.95]  # of a number from 0.2 to 0.8, 0.2 a digit
    categories, shown, beside = targets((7, 0, 9), (0.2, 0.1, 0.8, 0.9), centres)
    assert categories == [NONE, NONE, 7, 7, 10, NONE, 29, NONE, NONE]
    assert shown == [0, 0, 1, 1, 1, 0, 1, 0, 0]
    assert beside == [1, 0, 0, 0, 0, 0, 0, 0, 1]  # within 0.06 of the number nobody can tell


def test_without_a_number_every_place_is_beside_it():
    categories, shown, beside = targets((), (0, 0, 0, 0), [0.1, 0.5, 0.9])
    assert (categories, shown, beside) == ([NONE] * 3, [0] * 3, [1] * 3)


def test_the_loss_is_the_mean_over_places_that_show_and_that_are_beside(architecture):
    places = PlaceReader(architecture, seed=0)
    for variable in places.variables:
        variable.assign(tf.zeros(variable.shape))
    symbols = places.positions * places.symbols
    bias = np.zeros(symbols + 1, np.float32)
    bias[symbols] = 2.0  # 'none' is likelier everywhere
    places.variables[1].assign(bias)
    labels = tf.constant([[1, 4] + [10] * (places.positions - 1)], tf.int32)
    value = places.loss(tf.ones([1, 1, 8, 6]), labels, tf.constant([[0.25, 0.2, 0.75, 0.8]]))
    total = np.log(symbols + np.exp(2.0))
    np.testing.assert_allclose(value, total + (total - 2.0), rtol=1e-5)


def test_it_trains_the_layers_up_to_the_row_and_is_the_same_network(config, architecture):
    model = DynamicCapacityNetwork(architecture)
    model.build()
    run = config(preset="tiny_row", training="modular", place_weight=2.0)
    places = place_reader_of(run, architecture)
    rng = np.random.default_rng(0)
    images = tf.constant(rng.random((4, *architecture.train_size, 1)), tf.float32)
    labels = tf.constant([[1, 4] + [10] * (places.positions - 1)] * 4, tf.int32)
    boxes = tf.constant([[0.2, 0.2, 0.8, 0.8]] * 4)
    with tf.GradientTape() as tape:
        terms = steps.whole_losses(model, images, labels, boxes, ("fine",), run, places)
        value = terms["place"][1]
    assert terms["place"][0] == 2.0
    variables = model.fine.trainable_variables
    reached = [gradient is not None for gradient in tape.gradient(value, variables)]
    last = sum(len(block.trainable_variables) for block in model.fine.blocks[:3])
    assert reached == [True] * last + [False] * (len(variables) - last)
    whole = model.whole_model("fine")
    row = whole.stack.part(images, last=places.count)
    np.testing.assert_allclose(whole.stack.part(row, places.count), whole.stack(images), rtol=1e-6)
    before = [variable.numpy() for variable in places.variables]
    metrics = steps.make_train_step(model, steps.make_optimizer(run), run, places=places)(images, labels, boxes)
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
