import dataclasses
import json

import pytest

from dcn_tf.architecture import (
    Architecture,
    ClassifierTopSpec,
    Conv,
    MaxPool,
    SequenceTopSpec,
    channels_of,
    explicit_padding,
    pair,
    stack_from_list,
    stack_to_list,
)
from dcn_tf.presets import PRESETS


@pytest.mark.parametrize(("value", "expected"), [(3, (3, 3)), ((2, 5), (2, 5)), ([2, 5], (2, 5))])
def test_pair(value, expected):
    assert pair(value, "kernel") == expected


@pytest.mark.parametrize("value", [0, -1, (1, 0), (1, 2, 3), "3", 1.5, (1.5, 2), True, (True, 2), None])
def test_pair_rejects(value):
    with pytest.raises(ValueError, match="kernel must be .* Received: "):
        pair(value, "kernel")


@pytest.mark.parametrize(
    ("padding", "kernel", "expected"),
    [
        ("valid", (3, 5), ((0, 0), (0, 0))),
        ("same", (3, 5), ((1, 1), (2, 2))),
        ("same", (4, 1), ((1, 2), (0, 0))),
        (2, (3, 3), ((2, 2), (2, 2))),
        ((1, 2), (3, 3), ((1, 1), (2, 2))),
        (((0, 1), (3, 2)), (3, 3), ((0, 1), (3, 2))),
        ([[0, 1], 4], (3, 3), ((0, 1), (4, 4))),
    ],
)
def test_explicit_padding(padding, kernel, expected):
    assert explicit_padding(padding, kernel) == expected


@pytest.mark.parametrize("padding", ["full", None, -1, (0, -1), ((0, -1), 0), (1, 2, 3), 1.5, True])
def test_explicit_padding_rejects(padding):
    with pytest.raises(ValueError, match="padding must be .* Received: "):
        explicit_padding(padding, (3, 3))


def test_layers_keep_pairs_whatever_they_were_given():
    conv = Conv(8, [3, 5], strides=2, padding="same")
    assert (conv.kernel, conv.strides, conv.padding) == ((3, 5), (2, 2), ((1, 1), (2, 2)))
    pool = MaxPool((2, 3))
    assert (pool.kernel, pool.strides, pool.padding) == ((2, 3), (2, 3), ((0, 0), (0, 0)))
    assert conv == Conv(8, (3, 5), (2, 2), ((1, 1), (2, 2)))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Conv(0, 3), "filters"),
        (lambda: Conv(2.0, 3), "filters"),
        (lambda: Conv(2, 0), "kernel"),
        (lambda: Conv(2, 3, strides=0), "strides"),
        (lambda: Conv(2, 3, dropout=1.0), "dropout"),
        (lambda: MaxPool(2, padding=2), "smaller than the kernel"),
        (lambda: MaxPool(2, padding=((0, 0), (0, 2))), "smaller than the kernel"),
        (lambda: ClassifierTopSpec(Conv(2, 1), classes=1), "classes"),
        (lambda: ClassifierTopSpec(Conv(2, 1), 2, statistics="both"), "statistics"),
        (lambda: SequenceTopSpec(max_length=0), "max_length"),
        (lambda: SequenceTopSpec(refined_weighting="max"), "refined_weighting"),
        (lambda: SequenceTopSpec(coarse_weighting="max"), "coarse_weighting"),
        (lambda: SequenceTopSpec(coarse_weighting="votes", min_length=0), "coarse_weighting"),
        (lambda: SequenceTopSpec(min_length=2), "min_length must be 0 or 1"),
        (lambda: SequenceTopSpec(coarse_weighting="presence"), "coarse_weighting 'presence' needs min_length 0"),
        (lambda: SequenceTopSpec(refined_weighting="votes"), "refined_weighting 'votes' needs min_length 0"),
    ],
)
def test_layers_and_tops_reject(build, message):
    with pytest.raises(ValueError, match=f"{message}.* Received: "):
        build()


def test_heads():
    classifier = ClassifierTopSpec(Conv(2, 1), classes=7)
    assert (classifier.heads, classifier.saliency_heads, classifier.num_labels) == ((7,), (0,), 7)
    sequence = SequenceTopSpec(max_length=3, symbols=10)
    assert sequence.heads == (3, 11, 11, 11)
    assert (sequence.num_labels, sequence.words) == (10, "up to 3 symbols")
    assert sequence.saliency_heads == (1, 2, 3)  # the paper sums the digits' entropies, not the length's
    assert SequenceTopSpec(max_length=3, symbols=10, min_length=0).heads == (4, 11, 11, 11)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_size": (10, 0)}, "image_size"),
        ({"patch_size": "10"}, "patch_size"),
        ({"num_patches": 0}, "num_patches"),
        ({"coarse": (MaxPool(2),)}, "coarse stack must hold at least one Conv"),
        ({"fine": (Conv(9, 3),)}, "coarse 5, fine 9"),
        ({"levels": ()}, r"levels must be numbers in \(0, 4\]"),
        ({"levels": (1, 0)}, r"levels must be .* Received: \(1.0, 0.0\)"),
        ({"levels": (4.1,)}, r"levels must be .* Received: \(4.1,\)"),
        ({"levels": (1, 0.5)}, r"one level, of 1. Received: levels=\(1.0, 0.5\)"),
        ({"patches_apart": 1.5}, "patches_apart must be a number from 0 to 1. Received: 1.5"),
        ({"patches_apart": -0.1}, "patches_apart must be a number from 0 to 1. Received: -0.1"),
        ({"patches_apart": float("nan")}, "patches_apart must be a number from 0 to 1. Received: nan"),
        ({"patches_apart": "half"}, "patches_apart must be a number from 0 to 1. Received: 'half'"),
        ({"patches_apart": 0.5}, "patches_apart must be 0 where there is one level, .* Received: 0.5"),
    ],
)
def test_architecture_rejects(classifier_architecture, change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(classifier_architecture, **change)


def test_train_size_is_the_image_unless_given(classifier_architecture, sequence_architecture):
    assert classifier_architecture.train_size == (19, 23)
    assert sequence_architecture.train_size == (8, 8)


def test_channels_of_looks_past_a_last_pooling():
    assert channels_of((Conv(3, 1), Conv(5, 1), MaxPool(2))) == 5


@pytest.mark.parametrize("name", PRESETS)
def test_json_round_trip_of_presets(name):
    architecture = PRESETS[name]()
    assert Architecture.from_dict(json.loads(json.dumps(architecture.to_dict()))) == architecture


def test_json_round_trip_keeps_every_field(sequence_architecture):
    stack = (
        Conv(3, (1, 2), (3, 4), ((5, 6), (7, 8)), batch_normalization=False, activation="elu", dropout=0.25),
        MaxPool((4, 5), (2, 3), ((1, 2), (3, 4))),
    )
    top = SequenceTopSpec(2, 3, "presence", "votes", min_length=0, box=True)
    architecture = dataclasses.replace(
        sequence_architecture, coarse=stack, top=top, num_patches=5, levels=(1.5, 1, 0.25), patches_apart=0.25
    )
    assert architecture.levels == (1.5, 1.0, 0.25)
    assert Architecture.from_dict(json.loads(json.dumps(architecture.to_dict()))) == architecture
    assert stack_from_list(json.loads(json.dumps(stack_to_list(stack)))) == stack
    assert stack_from_list(stack) == stack


def test_from_dict_rejects_unknown_kinds(classifier_architecture):
    description = classifier_architecture.to_dict()
    with pytest.raises(ValueError, match="Received: 'regression'"):
        Architecture.from_dict(description | {"top": {"kind": "regression"}})
    with pytest.raises(ValueError, match="Received: 'dense'"):
        Architecture.from_dict(description | {"coarse": [{"kind": "dense"}]})


def test_a_description_from_before_there_were_levels_has_one(sequence_architecture):
    description = sequence_architecture.to_dict()
    del description["levels"], description["patches_apart"]
    for name in ("min_length", "box"):
        del description["top"][name]
    assert Architecture.from_dict(description) == sequence_architecture
    assert not sequence_architecture.has_pyramid
    assert dataclasses.replace(sequence_architecture, levels=(0.5,)).has_pyramid
