import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from dcn_tf.architecture import Architecture, Conv, MaxPool
from dcn_tf.cost import dcn_cost
from dcn_tf.geometry import num_cells, output_size, smallest_input, stack_geometry
from dcn_tf.model import DynamicCapacityNetwork
from dcn_tf.presets import PRESETS, preset

SHIPPED = Path(__file__).parents[2] / "models" / "street_numbers.keras"


def convolutions(stack):
    """Returns (filters, kernel, strides) of a stack's convolutions."""
    return [(layer.filters, layer.kernel, layer.strides) for layer in stack if isinstance(layer, Conv)]


def poolings(stack):
    """Returns after which convolution each 2 x 2 pooling stands."""
    return [len(convolutions(stack[:i])) for i, layer in enumerate(stack) if layer == MaxPool(2)]


def test_cluttered_mnist_is_the_papers():
    """Section 4.1."""
    architecture = preset("cluttered_mnist")
    assert architecture.image_size == (100, 100)
    assert architecture.num_patches == 8
    assert architecture.patch_size == (14, 14)
    assert convolutions(architecture.coarse) == [(12, (7, 7), (2, 2)), (24, (3, 3), (2, 2))]
    assert convolutions(architecture.fine) == [(24, (3, 3), (1, 1))] * 5
    assert poolings(architecture.fine) == [2, 4]
    padded = [any(map(any, layer.padding)) for layer in architecture.fine if isinstance(layer, Conv)]
    assert padded == [False, True, True, True, False]
    assert convolutions((architecture.top.conv,)) == [(96, (4, 4), (2, 2))]
    assert architecture.top.classes == 10
    for layer in (*architecture.coarse, *architecture.fine, architecture.top.conv):
        if isinstance(layer, Conv):
            assert (layer.activation, layer.batch_normalization) == ("relu", True)


def test_the_small_network_costs_a_third_of_the_papers():
    found = dcn_cost(preset("cluttered_mnist_small"))
    # 100 x 100 -> 24 x 24 x 12 -> 22 x 22 x 12 -> 22 x 22 x 24
    assert found.coarse_stack == 24 * 24 * 36 * 12 + 22 * 22 * (9 * 12 + 12 * 24)
    # 14 x 14 -> 12 x 12 x 16 -> x 24 -> 6 x 6 x 32 twice -> 3 x 3 -> 1 x 1 x 24
    patch = 12 * 12 * (9 * 16 + 9 * 16 + 16 * 24) + 6 * 6 * (9 * 24 + 24 * 32 + 9 * 32 + 32 * 32) + 9 * 32 * 24
    assert found.fine_stack == 8 * patch
    assert found.coarse_pass == found.saliency == found.refined_pass == 10 * 10 * 16 * 24 * 48 + 48 * 10
    assert found.total < dcn_cost(preset("cluttered_mnist")).total / 3


def test_svhn_paper_is_the_papers():
    """Section 4.2, as far as it says."""
    architecture = preset("svhn_paper")
    assert architecture.train_size == architecture.patch_size == (54, 110)
    assert convolutions(architecture.coarse) == [
        (24, (5, 5), (2, 2)),
        (48, (5, 5), (2, 2)),
        (128, (5, 5), (2, 2)),
        (192, (4, 5), (1, 2)),
        (192, (1, 4), (1, 1)),
        (1024, (1, 1), (1, 1)),
        (1024, (1, 1), (1, 1)),
    ]
    fine = convolutions(architecture.fine)
    assert fine[:5] == [(filters, (5, 5), (1, 1)) for filters in (48, 64, 128, 160, 192)]
    assert fine[5:8] == [(192, (3, 3), (1, 1))] * 3
    assert fine[8:] == [(1024, (1, 1), (1, 1))] * 3
    assert poolings(architecture.fine) == [1, 3, 5]
    assert architecture.top.heads == (5, 11, 11, 11, 11, 11)
    assert not any(map(any, (layer.padding[0] for layer in architecture.coarse)))
    for layer in (*architecture.coarse, *architecture.fine):
        if isinstance(layer, Conv):
            assert layer.dropout == (0.5 if layer.filters == 1024 else 0.2)


def test_svhn_has_the_papers_kernels_and_strides():
    small, large = preset("svhn"), preset("svhn_paper")
    assert [c[1:] for c in convolutions(small.coarse)] == [c[1:] for c in convolutions(large.coarse)][:6]
    assert poolings(small.fine) == [1, 3, 5]


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_fits_together(name):
    architecture = preset(name)
    assert architecture.name == name
    assert output_size(architecture.fine, architecture.patch_size) == (1, 1)
    field = stack_geometry(architecture.coarse).field
    assert smallest_input(architecture.coarse) == field
    assert all(patch >= f for patch, f in zip(architecture.patch_size, field))  # a patch holds all that its cell saw
    assert output_size(architecture.coarse, architecture.train_size) >= (1, 1)
    assert architecture.num_patches <= num_cells(architecture, architecture.image_size)


@pytest.mark.parametrize("name", ["cluttered_mnist", "svhn"])
def test_presets_run(name, rng):
    architecture = preset(name)
    outputs = DynamicCapacityNetwork(architecture)(rng.random((2, *architecture.image_size, 1), np.float32))
    height, width = output_size(architecture.coarse, architecture.image_size)
    assert outputs["saliency"].shape == (2, height, width)
    assert outputs["patches"].shape == (2, architecture.num_patches, *architecture.patch_size, 1)
    assert outputs["logits"].shape == (2, sum(architecture.top.heads))
    assert np.all(np.isfinite(outputs["logits"]))


def test_presets_are_equal_each_time():
    assert preset("svhn") == preset("svhn")


def test_unknown_preset():
    with pytest.raises(ValueError, match=r"\['cluttered_mnist', .*'svhn_paper'\]. Received: 'mnist'"):
        preset("mnist")


def test_the_shipped_weights_are_of_the_preset_and_choose_patches_as_it_does():
    with zipfile.ZipFile(SHIPPED) as file:
        description = json.loads(file.read("config.json"))["config"]["architecture"]
    assert Architecture.from_dict(description) == preset("numbers")
    assert preset("numbers").patches_apart == 0.5
