"""Counts in the .tflite files against those that `dcn_tf.cost` derives from the architecture's description."""

import math
from pathlib import Path

import pytest
import tiny_bundles

from dcn_tf.architecture import CLASSIFICATION, channels_of
from dcn_tf.cost import dcn_cost, whole_multiplications
from dcn_tf.geometry import output_size
from dcn_tf.presets import cluttered_mnist
from edge.bundle import load_bundle
from edge.energy.operations import Quantity, bundle_operations
from tools.export.relayout import relayout

SHIPPED = Path(__file__).parents[3] / "models" / "cluttered_mnist"


def zeros(stack, size, channels):
    """Multiplications by zero of a first convolution: `length` pixels for kw, and those of places beyond the map."""
    first = relayout(stack, (*size, channels))
    rows, columns = output_size(stack[:1], size)
    wider = first.map_size(size)[1]
    pixels = wider * first.length - columns * first.conv.kernel[1]
    return rows * pixels * first.conv.kernel[0] * channels * first.conv.filters


def expected(architecture, num_patches):
    """The saliency's share of the cost is NumPy's, and so is the dense layer of a classifier's two passes."""
    cost, image, channels = dcn_cost(architecture, num_patches), architecture.image_size, architecture.channels
    coarse, top = cost.coarse_pass, cost.refined_pass
    if architecture.task == CLASSIFICATION:
        conv = architecture.top.conv
        window = math.prod(conv.kernel) * channels_of(architecture.coarse) * conv.filters
        windows = math.prod(output_size((conv,), output_size(architecture.coarse, image)))
        of_cell = math.prod(-(-k // s) for k, s in zip(conv.kernel, conv.strides))
        coarse, top = windows * window, min(windows, of_cell * num_patches) * window
    return {
        "coarse": Quantity(cost.coarse_stack + coarse + zeros(architecture.coarse, image, channels)),
        "fine": Quantity(cost.fine_stack + num_patches * zeros(architecture.fine, architecture.patch_size, channels)),
        "top": Quantity(top),
        "whole_fine": Quantity(whole_multiplications(architecture, "fine") + zeros(architecture.fine, image, channels)),
    }


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
