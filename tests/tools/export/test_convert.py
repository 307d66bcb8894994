from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
import tiny_bundles
from tensorflow.lite.python.convert import ConverterError

from edge.bundle.manifest import ModelFile
from edge.errors import UserError
from edge.network.interpreter import Model, make_interpreter
from tools.export.calibration import calibration_inputs
from tools.export.clone import Clone
from tools.export.convert import convert, model_entry, operators
from tools.export.folding import folded_weights
from tools.export.graphs import Graph, graphs
from tools.export.qat import measured_ranges


@pytest.fixture(scope="module")
def clone(classifier):
    return tiny_bundles.laid_out_clone(classifier)


def affine(clone, function, shape=(2, 3)):
    return Graph(clone, "affine", "values", shape, function)


def test_the_entry_tells_which_output_is_which(clone):
    graph = affine(clone, lambda x: {"zebra": 2 * x + 1, "ant": tf.reduce_sum(x, axis=1)})
    content = convert(graph)
    entry = model_entry(content)
    assert [tensor["name"] for tensor in entry["inputs"]] == ["values"]
    assert {tensor["name"]: tensor["shape"] for tensor in entry["outputs"]} == {"zebra": [2, 3], "ant": [2]}
    interpreter = make_interpreter(content)
    values = np.float32([[1, 2, 3], [4, 5, 6]])
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    expected = {"zebra": 2 * values + 1, "ant": values.sum(axis=1)}
    for tensor in entry["outputs"]:
        index = interpreter.get_output_details()[tensor["order"]]["index"]
        np.testing.assert_array_equal(interpreter.get_tensor(index), expected[tensor["name"]])


def test_operators_that_are_not_builtin_are_refused_in_one_line(clone):
    def foreign(values):
        patches = tf.image.extract_patches(values, [1, 2, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1], "VALID")
        return {"patches": patches, "gamma": tf.math.igamma(values, values)}

    with pytest.raises(UserError) as caught:
        convert(affine(clone, foreign, shape=(1, 4, 4, 1)))
    assert str(caught.value) == (
        "the affine model needs operators that TFLite has no builtin for: ExtractImagePatches, Igamma; "
        "train a network without the layer or activation that brings them in"
    )


def test_what_else_the_converter_refuses_is_one_line(clone, monkeypatch):
    def fail(self):
        raise ConverterError("first\nsecond")

    monkeypatch.setattr(
        tf.lite.TFLiteConverter,
        "from_saved_model",
        lambda path: type("", (), {"convert": fail, "target_spec": SimpleNamespace()})(),
    )
    with pytest.raises(
        UserError, match="the affine model cannot be converted to TFLite: first second; try --method=float32"
    ):
        convert(affine(clone, lambda x: {"y": x}))


def test_float16_halves_the_weights_and_keeps_float_inputs(clone):
    graph = graphs(clone, 3)["whole_fine"]
    whole, half = convert(graph), convert(graph, "float16")
    entry = model_entry(half)
    assert {tensor["dtype"] for tensor in entry["inputs"] + entry["outputs"]} == {"float32"}
    assert "DEQUANTIZE" in entry["operators"]
    weights = sum(kernel.numpy().size for kernel in clone.all_variables[-8::2])
    assert weights == 2000
    assert abs(len(whole) - len(half) - 2 * weights) < 1500, (len(whole), len(half))
    values = np.random.default_rng(0).uniform(0, 1, graph.input_shape).astype(np.float32)
    found = Model(half, ModelFile.from_content(entry | {"layout": None}))(values)["logits"]
    expected = graph.function(values)["logits"].numpy()
    np.testing.assert_allclose(found, expected, atol=5e-3 * np.abs(expected).max())
    assert np.abs(found - expected).max() > 0


def test_int8_models_hold_whole_numbers_only(classifier, clone):
    images = tiny_bundles.make_images(classifier.architecture)
    ranges = measured_ranges(Clone(classifier, folded_weights(classifier)), calibration_inputs(classifier, images, 3))
    rounded = tiny_bundles.laid_out_clone(classifier, ranges)
    content = convert(graphs(rounded, 3)["fine"], "int8")
    entry = model_entry(content)
    assert {tensor["dtype"] for tensor in entry["inputs"] + entry["outputs"]} == {"int8"}
    assert not {"QUANTIZE", "DEQUANTIZE", "CUSTOM"} & set(entry["operators"])
    assert {"CONV_2D", "MAX_POOL_2D"} <= set(operators(content))
    assert len(content) < len(convert(graphs(clone, 3)["fine"]))
    assert (entry["inputs"][0]["scale"], entry["inputs"][0]["zero_point"]) == (pytest.approx(1 / 255), -128)
