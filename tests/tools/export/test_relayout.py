import itertools

import numpy as np
import pytest
import tiny_bundles
from numpy_reference import convolve

from dcn_tf.architecture import CLASSIFICATION, Conv, MaxPool
from dcn_tf.presets import cluttered_mnist, svhn
from edge.network.patches import Layout, laid_out_shape
from tools.export.graphs import graphs, layouts
from tools.export.relayout import PLACES, Relayout, relayout

HEIGHT = 11
KERNELS, STRIDES, PADDINGS, CHANNELS, WIDTHS = (3, 5, 7), (1, 2), ("valid", "same"), (1, 3), (17, 20)


def check_sums(first, channels, width):
    """Compares the laid-out convolution with the plain one, on pixels and weights that are random."""
    rng = np.random.default_rng(0)
    conv = first.conv
    image = rng.uniform(0, 1, (HEIGHT, width, channels)).astype(np.float32)
    kernel = rng.normal(0, 1, (*conv.kernel, channels, conv.filters))
    bias = rng.normal(0, 1, conv.filters)
    layout = first.to_dict((HEIGHT, width))
    values = Layout(layout, image.shape, np.float32).of(image[None])
    assert values.shape[1:] == laid_out_shape(layout, image.shape)
    found = convolve(values[0], first.kernel(kernel), (1, 1), ((0, 0), (0, 0))) + first.bias(bias)
    expected = convolve(image, kernel, conv.strides, conv.padding) + bias
    found = found.reshape(len(found), -1, conv.filters)
    assert found.shape[:2] == first.map_size((HEIGHT, width))
    np.testing.assert_allclose(found[:, : expected.shape[1]], expected, atol=1e-5)


@pytest.mark.parametrize(("size", "strides", "padding"), list(itertools.product(KERNELS, STRIDES, PADDINGS)))
def test_the_sums_are_those_of_the_convolution(size, strides, padding):
    for channels, width in itertools.product(CHANNELS, WIDTHS):
        check_sums(relayout((Conv(4, size, strides, padding=padding),), (HEIGHT, width, channels)), channels, width)


def test_one_layout_does_for_images_of_every_size():
    for strides, padding, channels in itertools.product(STRIDES, PADDINGS, CHANNELS):
        conv = Conv(4, 5, strides, padding=padding)
        layouts = []
        for width in range(13, 21):
            first = relayout((conv,), (HEIGHT, width, channels), any_size=True)
            check_sums(first, channels, width)
            layouts.append(first.to_dict((HEIGHT, width)))
        assert all(layout == layouts[0] for layout in layouts)


@pytest.mark.parametrize("places", PLACES)
def test_any_number_of_places_that_divides_a_row_does(places):
    conv = Conv(2, (3, 5), strides=(2, 3), padding=((1, 0), (2, 4)))
    check_sums(Relayout(conv, places), 1, 3 * (2 * places - 1) + 5 - 6)  # a row of 2 * places


@pytest.mark.parametrize(
    ("conv", "channels", "width", "places", "length"),
    [
        (Conv(12, 7, strides=2), 1, 100, 1, 8),  # 47 places, and the pooling would see a 48th
        (Conv(24, 3), 1, 14, 2, 4),  # 12 places; 3 * 4 * 48 / 2 multiplications per place, against 3 * 4 * 32
        (Conv(24, 3), 1, 15, 1, 4),  # 13 places, which nothing divides
        (Conv(4, 5, strides=2), 1, 19, 2, 8),  # 8 places; A72: 5 * 8 * 8 / 2 each, against 64 * 16 / 4 of four
        (Conv(16, 3), 3, 14, 2, 4),  # 3 * 12 * 16 per place, alone or in pairs
    ],
)
def test_as_many_places_share_a_layout_as_fill_the_vectors(conv, channels, width, places, length):
    first = relayout((conv, MaxPool(2)), (HEIGHT, width, channels))
    assert (first.conv, first.places, first.length) == (conv, places, length)


def test_the_last_group_may_have_a_place_that_the_next_layer_does_not_see():
    """47 places in pairs: per place 64 * 24 / 2 * 48 / 47 on the A72, against 56 * 16, and on the A76 64 * 32 / 2."""
    conv, size = Conv(12, 7, strides=2), (100, 100)
    first = relayout((conv, Conv(24, 3, strides=2)), (*size, 1))
    assert (first.places, first.length, first.map_size(size)) == (2, 9, (47, 48))
    assert first.to_dict(size) == {"margins": [[0, 0], [0, 1]], "group": [7, 9], "step": [2, 4]}
    for seen in (Conv(24, 3), MaxPool(2), Conv(24, 3, strides=2, padding="same")):
        assert relayout((conv, seen), (*size, 1)).places == 1
    assert relayout((conv,), (*size, 1)).places == 1


@pytest.mark.parametrize("places", PLACES)
def test_any_number_of_places_does_where_the_rest_is_not_seen(places):
    conv = Conv(2, (3, 5), strides=(2, 3), padding=((1, 0), (2, 4)))
    for exact in (False, True):
        check_sums(Relayout(conv, places, exact=exact), 1, 26)  # ten places


def test_a_group_is_made_of_words_of_whole_places():
    found = Relayout(Conv(4, 5, strides=2, padding="same"), 4).to_dict((9, 24))
    # 12 places in 3 groups, 8 pixels apart: pixels -2 to 2 * 8 + 12 - 2, of which 24 are there
    assert found == {"margins": [[2, 2], [2, 2]], "group": [5, 12], "step": [2, 8]}


def test_a_margin_is_never_negative():
    assert Relayout(Conv(4, 3, strides=4), 1).to_dict((9, 10))["margins"] == [[0, 0], [0, 0]]


def test_what_gains_nothing_is_left_as_it_is():
    assert relayout((MaxPool(2), Conv(4, 3)), (9, 9, 1)) is None
    assert relayout((Conv(4, 3),), (9, 9, 5)) is None
    assert relayout((Conv(4, 3),), (9, 9, 4)) is not None


@pytest.mark.parametrize("preset", [cluttered_mnist, svhn])
def test_laid_out_models_are_the_network(preset):
    architecture = preset()
    network = tiny_bundles.make_network(architecture)
    images = tiny_bundles.make_images(architecture, 1).astype(np.float32) / 255
    expected = network(images, num_patches=2)
    parts = graphs(tiny_bundles.laid_out_clone(network), 2)
    assert all(layouts(architecture).values()), "the first convolution of every stack is over few channels"

    coarse, fine, whole = (
        parts[name].function(tiny_bundles.as_taken(architecture, name, values))
        for name, values in (("coarse", images), ("fine", expected["patches"].numpy()[0]), ("whole_fine", images))
    )
    features, fine_map = expected["coarse_features"], network.fine(images)
    pairs = [(fine["fine_features"], expected["fine_features"][0])]
    if architecture.task == CLASSIFICATION:
        seen = network.coarse_top.activation_map(features, coarse_pass=True)
        pairs += [
            (coarse["coarse_features"], features),
            (np.maximum(coarse["activation_map"], 0), seen),
            (whole["logits"], network.whole_model("fine")(images)["logits"]),
        ]
    else:
        pairs += [
            (coarse["cell_logits"], network.coarse_top.cell_logits(features)),
            (whole["cell_logits"], network.fine_top.cell_logits(fine_map)),
        ]
    for found, wanted in pairs:
        assert np.std(wanted) > 1e-3
        np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max(), rtol=1e-4)
