import numpy as np
import pytest

from tools.convert import convert
from tools.graphs import graphs
from tools.layer_error import GREATEST, layer_errors, layer_names, signal_to_noise


def test_a_tenth_of_the_amplitude_is_twenty_decibels():
    signal = np.float32([[3, -4], [1, 2]])
    assert signal_to_noise(signal, 1.1 * signal) == pytest.approx(20, abs=1e-4)
    assert signal_to_noise(signal, signal) == GREATEST
    assert signal_to_noise(signal, np.zeros_like(signal)) == pytest.approx(0)


def test_layers_are_named_as_their_weights(classifier, sequence):
    assert layer_names(classifier.architecture) == {
        "coarse": ["coarse/0", "coarse/1", "coarse_top/conv", "coarse_top/logits"],
        "fine": ["fine/0", "fine/2"],
        "top": ["fine_top/conv", "fine_top/logits"],
        "whole_fine": ["fine/0", "fine/2", "fine_top/conv", "fine_top/logits"],
    }
    assert layer_names(sequence.architecture)["top"] == ["fine_top/logits"]


def test_the_layer_that_loses_most_comes_first(classifier):
    parts = {name: graphs(classifier, 2)[name] for name in ("fine", "top")}
    rng = np.random.default_rng(0)
    inputs = {name: rng.uniform(0, 1, (16, *g.input_shape[1:])).astype(np.float32) for name, g in parts.items()}
    exact = {name: convert(graph) for name, graph in parts.items()}
    found = {"fine": convert(parts["fine"], "float16"), "top": convert(parts["top"], "int8", inputs["top"])}
    errors = layer_errors(classifier.architecture, exact, found, inputs)
    assert [error["model"] for error in errors] == ["top", "top", "fine", "fine"]
    assert {error["layer"] for error in errors[:2]} == {"fine_top/conv", "fine_top/logits"}
    assert all(20 < error["snr_db"] < 60 for error in errors[:2])
    assert all(60 < error["snr_db"] < 100 for error in errors[2:])
    same = layer_errors(classifier.architecture, exact, {"top": exact["top"]}, inputs)
    assert [error["snr_db"] for error in same] == [GREATEST] * 2
