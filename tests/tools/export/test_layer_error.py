import numpy as np
import pytest
import tiny_bundles

from tools.export.calibration import calibration_inputs
from tools.export.clone import Clone
from tools.export.convert import convert
from tools.export.folding import folded_weights
from tools.export.graphs import graphs
from tools.export.layer_error import GREATEST, layer_errors, layer_names, signal_to_noise
from tools.export.qat import measured_ranges
from tools.export.tops import top_windows


def test_a_tenth_of_the_amplitude_is_twenty_decibels():
    signal = np.float32([[3, -4], [1, 2]])
    assert signal_to_noise(signal, 1.1 * signal) == pytest.approx(20, abs=1e-4)
    assert signal_to_noise(signal, signal) == GREATEST
    assert signal_to_noise(signal, np.zeros_like(signal)) == pytest.approx(0)


def test_layers_are_named_as_their_weights(classifier, sequence):
    assert layer_names(classifier.architecture) == {
        "coarse": ["coarse/0", "coarse/1", "top/conv"],
        "fine": ["fine/0", "fine/2"],
        "top": ["top/conv"],
        "whole_fine": ["fine/0", "fine/2", "top/conv", "top/logits"],
    }
    assert layer_names(sequence.architecture) == {
        "coarse": ["coarse/0", "coarse/1", "coarse_top/logits"],
        "fine": ["fine/0", "fine/2"],
        "top": ["fine_top/logits"],
        "whole_fine": ["fine/0", "fine/2", "fine_top/logits"],
    }


def test_the_layer_that_loses_most_comes_first(classifier):
    images = tiny_bundles.make_images(classifier.architecture)
    inputs = calibration_inputs(classifier, images, 2)
    ranges = measured_ranges(Clone(classifier, folded_weights(classifier)), inputs)
    windows = top_windows(classifier.architecture, inputs["top"][:20])
    patches = tiny_bundles.as_taken(classifier.architecture, "fine", inputs["fine"][:20])
    inputs = {"fine": patches, "top": windows[: len(windows) // 8 * 8]}
    exact, rounded = (graphs(tiny_bundles.laid_out_clone(classifier, r), 2) for r in (None, ranges))
    files = {name: convert(exact[name]) for name in inputs}
    found = {"fine": convert(exact["fine"], "float16"), "top": convert(rounded["top"], "int8")}
    errors = layer_errors(classifier.architecture, files, found, inputs)
    assert [error["model"] for error in errors] == ["top", "fine", "fine"]
    assert [error["layer"] for error in errors] == ["top/conv", *(e["layer"] for e in errors[1:])]
    assert {error["layer"] for error in errors[1:]} == {"fine/0", "fine/2"}
    assert 20 < errors[0]["snr_db"] < 60, "what the ReLU drops is no loss"
    assert all(60 < error["snr_db"] < 100 for error in errors[1:])
    same = layer_errors(classifier.architecture, files, {"top": files["top"]}, inputs)
    assert [error["snr_db"] for error in same] == [GREATEST]
