"""What is counted in the .tflite files against what `dcn_tf.cost` derives from the architecture's description."""

import math
from pathlib import Path

import pytest
import tiny_bundles

from dcn_tf.architecture import CLASSIFICATION
from dcn_tf.cost import dcn_cost, whole_multiplications
from dcn_tf.geometry import output_size
from dcn_tf.presets import cluttered_mnist
from edge.bundle import load_bundle
from edge.energy.operations import Quantity, bundle_operations
from tools.relayout import relayout

SHIPPED = Path(__file__).parents[2] / "models" / "cluttered_mnist"


def expected(architecture, num_patches):
    """The saliency's share of the cost is NumPy's, and so is that of a classifier's dense layer."""
    cost = dcn_cost(architecture, num_patches)
    counts = {
        "coarse": cost.coarse_stack + cost.coarse_pass,
        "fine": cost.fine_stack,
        "top": cost.refined_pass,
        "whole_fine": whole_multiplications(architecture, "fine"),
    }
    if architecture.task == CLASSIFICATION:
        counts["coarse"] -= architecture.top.conv.filters * architecture.top.classes
        counts["top"] = math.prod(top_window_shape(architecture, num_patches)) * architecture.top.conv.filters
    images = {"coarse": (architecture.coarse, 1), "fine": (architecture.fine, num_patches)}
    for name, (stack, count) in (images | {"whole_fine": (architecture.fine, 1)}).items():
        size = architecture.patch_size if name == "fine" else architecture.image_size
        counts[name] += count * products_with_zero(stack, size, architecture.channels)
    return {name: Quantity(count) for name, count in counts.items()}


def top_window_shape(architecture, num_patches):
    """Returns the shape of the windows of the top's convolution that hold one of the patches' cells, at most."""
    conv = architecture.top.conv
    most = num_patches * math.prod(math.ceil(k / s) for k, s in zip(conv.kernel, conv.strides))
    windows = math.prod(output_size((*architecture.coarse, conv), architecture.image_size))
    return (min(most, windows), *conv.kernel, architecture.coarse[-1].filters)


def products_with_zero(stack, size, channels):
    """Returns the multiplications that laying out adds to a stack's first convolution."""
    first = relayout(stack, channels)
    rows, columns = output_size(stack[:1], size)
    places = first.groups(size) * first.places
    per_row = places * first.length - columns * first.conv.kernel[1]
    return rows * per_row * first.conv.kernel[0] * channels * first.conv.filters


def found(bundle, num_patches):
    return {name: model.multiply_accumulates for name, model in bundle_operations(bundle, num_patches).items()}


@pytest.mark.parametrize("num_patches", [1, 8, 20])
def test_the_shipped_bundle(num_patches):
    assert found(load_bundle(SHIPPED), num_patches) == expected(cluttered_mnist(), num_patches)


@pytest.fixture(scope="module")
def workdirs(classifier, sequence, tmp_path_factory):
    root = tmp_path_factory.mktemp("workdirs")
    networks = {"classifier": classifier, "sequence": sequence}
    return {name: tiny_bundles.write_workdir(root / name, network) for name, network in networks.items()}


@pytest.mark.parametrize("method", ["float32", "float16", "ptq"])
@pytest.mark.parametrize("task", ["classifier", "sequence"])
def test_bundles_of_every_method(workdirs, tmp_path, task, method):
    architecture = getattr(tiny_bundles, f"{task}_architecture")()
    bundle = tiny_bundles.make_bundle(tmp_path / "bundle", workdirs[task], method)
    for num_patches in (2, 3):
        assert found(bundle, num_patches) == expected(architecture, num_patches)
        for model in bundle_operations(bundle, num_patches).values():
            assert not model.other_arithmetic.at_least
            assert not model.activation_bytes.at_least


def test_weights_in_half_precision_are_computed_with_in_float32(workdirs, tmp_path):
    models = [
        bundle_operations(tiny_bundles.make_bundle(tmp_path / method, workdirs["classifier"], method), 2)
        for method in ("float16", "float32")
    ]
    for half, single in zip(*(list(bundle.values()) for bundle in models)):
        assert half.weight_bytes == single.weight_bytes
        assert half.activation_bytes == single.activation_bytes
        assert half.other_arithmetic == single.other_arithmetic
