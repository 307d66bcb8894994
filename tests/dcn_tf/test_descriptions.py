import pytest

from dcn_tf.architecture import Architecture, Conv, DepthwiseConv, MaxPool, Residual, separable_conv
from dcn_tf.cost import stack_multiplications, stack_weights
from dcn_tf.descriptions import weighted_layers
from dcn_tf.geometry import output_size, stack_geometry
from dcn_tf.stack_lists import stack_from_list, stack_to_list

BLOCK = Residual((DepthwiseConv(3, padding="same"), Conv(8, 1, activation=None)))
STACK = (Conv(8, 5, strides=2), BLOCK, MaxPool(2), *separable_conv(12, 3, strides=2, dropout=0.1))


def test_a_stack_survives_its_description():
    assert stack_from_list(stack_to_list(STACK)) == STACK


def test_a_separable_convolution_in_a_file_is_two_layers():
    written = [{"kind": "separable_conv", "filters": 12, "kernel": 3, "strides": 2, "activation": None}]
    assert stack_from_list(written) == (DepthwiseConv(3, 2, activation=None), Conv(12, 1, activation=None))


def test_geometry_of_a_residual_block_is_that_of_its_layers():
    plain = (Conv(8, 5, strides=2), *BLOCK.layers, MaxPool(2), *STACK[3:])
    assert stack_geometry(STACK) == stack_geometry(plain)
    assert output_size(STACK, (40, 52)) == output_size(plain, (40, 52))
    assert (BLOCK.kernel, BLOCK.padding) == ((3, 3), ((1, 1), (1, 1)))


def test_multiplications_and_weights():
    # 29 x 29 -> 13 x 13 x 8, the block keeps that, pooling 6 x 6, the depthwise one 2 x 2
    first = 13 * 13 * 5 * 5 * 3 * 8
    block = 13 * 13 * (3 * 3 * 8 + 8 * 8)
    last = 2 * 2 * (3 * 3 * 8 + 8 * 12)
    assert stack_multiplications(STACK, (29, 29), 3) == first + block + last
    assert stack_weights(STACK, 3) == (75 * 8 + 8) + (72 + 8 + 64 + 8) + (72 + 8 + 96 + 12)


def test_layers_with_weights_have_paths():
    assert [path for path, _ in weighted_layers(STACK)] == ["0", "1/0", "1/1", "3", "4"]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ([{"kind": "conv", "filters": 8}], "layer 0: conv needs 'kernel'"),
        ([{"kind": "conv", "filters": 8, "kernel": 3, "stride": 2}], "layer 0: conv has no 'stride'"),
        ([{"kind": "conv", "filters": "8", "kernel": 3}], "filters must be a positive integer. Received: '8'"),
        ([{"kind": "conv", "filters": 8, "kernel": 3, "activation": 4}], "activation must be the name"),
        ([{"kind": "squeeze_excite"}], "looks at the whole map"),
        (
            [{"kind": "dense"}],
            "must be of kind conv, depthwise_conv, integrate_and_fire, keras, max_pool, residual, separable_conv",
        ),
        ([7], "must be an object"),
        ({"kind": "conv"}, "a stack must be a list"),
        ([{"kind": "depthwise_conv", "kernel": 3, "strides": [1, 2]}], "strides must be equal"),
        ([{"kind": "residual", "layers": []}], "must hold layers"),
        (
            [{"kind": "residual", "layers": [{"kind": "max_pool", "kernel": 2}]}],
            "alone. Received: MaxPool",
        ),
        ([{"kind": "residual", "layers": [{"kind": "conv", "filters": 8, "kernel": 3}]}], "padding 'same'"),
    ],
)
def test_a_wrong_layer_is_named(written, message):
    with pytest.raises(ValueError, match=message):
        stack_from_list(written)


def described(**changes):
    """A small network for images of 28 x 28."""
    fields = {
        "name": "mine",
        "image_size": [28, 28],
        "channels": 3,
        "coarse": [{"kind": "conv", "filters": 8, "kernel": 5, "strides": 4}],
        "fine": [{"kind": "conv", "filters": 8, "kernel": 9}],
        "top": {"kind": "classification", "conv": {"filters": 16, "kernel": 3}, "classes": 5},
        "patch_size": 10,
        "num_patches": 3,
    }
    return fields | changes


def test_a_network_that_works():
    assert Architecture.from_dict(described()).train_size == (28, 28)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"patch_size": 8}, "patch_size must be at least .* 9 x 9. Received: 8 x 8"),
        ({"num_patches": 37}, "num_patches must be at most the number of cells, 36. Received: 37"),
        ({"image_size": [8, 28], "num_patches": 1}, "smallest input of the fine stack, 9 x 9|coarse map of 1 x 6"),
        ({"image_size": [12, 28]}, "gives a coarse map of 2 x 6 cells, and the top's convolution needs 3 x 3"),
        ({"image_size": [4, 28]}, "image_size must be at least the smallest input of the coarse stack, 5 x 5"),
        ({"train_size": [4, 28]}, "train_size must be at least"),
        ({"channels": 0}, "channels must be a positive integer"),
        ({"levels": 3}, "levels must be numbers"),
        ({"colour": True}, "an architecture has no 'colour'"),
        ({"top": {"kind": "classification", "classes": 5}}, "needs 'conv'"),
        ({"top": 5}, "top must be an object"),
        ({"fine": None}, "the fine stack: a stack must be a list"),
        (
            {"fine": [{"kind": "residual", "layers": [{"kind": "conv", "filters": 8, "kernel": 1}]}]},
            "at least one Conv|as many channels",
        ),
    ],
)
def test_a_network_that_cannot_work_is_refused_with_the_numbers(changes, message):
    with pytest.raises(ValueError, match=message):
        Architecture.from_dict(described(**changes))


def test_a_residual_block_must_keep_the_channels():
    fine = [
        {"kind": "conv", "filters": 8, "kernel": 9},
        {"kind": "residual", "layers": [{"kind": "conv", "filters": 4, "kernel": 1}]},
    ]
    with pytest.raises(ValueError, match="as many channels as it gets, 8, to be added. Received: 4"):
        Architecture.from_dict(described(fine=fine))
