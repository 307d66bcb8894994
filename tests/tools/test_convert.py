import numpy as np
import pytest
import tensorflow as tf

from edge.interpreter import make_interpreter
from tools.convert import convert, model_entry, operators
from tools.graphs import Graph, graphs


def affine(network, function, shape=(2, 3)):
    return Graph(network, "affine", "values", shape, function)


def test_the_entry_tells_which_output_is_which(classifier):
    graph = affine(classifier, lambda x: {"zebra": 2 * x + 1, "ant": tf.reduce_sum(x, axis=1)})
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


def test_an_operator_that_is_not_builtin_is_refused(classifier):
    patches = affine(
        classifier,
        lambda x: {"y": tf.image.extract_patches(x, [1, 2, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1], "VALID")},
        shape=(1, 4, 4, 1),
    )
    with pytest.raises(Exception, match="ExtractImagePatches"):
        convert(patches)


def test_int8_models_hold_whole_numbers_only(classifier):
    graph = graphs(classifier, 3)["fine"]
    calibration = np.random.default_rng(0).uniform(0, 1, (30, 10, 10, 1)).astype(np.float32)
    content = convert(graph, calibration)
    entry = model_entry(content)
    assert {tensor["dtype"] for tensor in entry["inputs"] + entry["outputs"]} == {"int8"}
    assert not {"QUANTIZE", "DEQUANTIZE", "CUSTOM"} & set(entry["operators"])
    assert {"CONV_2D", "MAX_POOL_2D"} <= set(operators(content))
    assert len(content) < len(convert(graph))
