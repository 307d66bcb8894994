import numpy as np

from edge.bundle.tensors import Tensor

INT8 = Tensor("x", 0, (1, 4), "int8", 0.5, -3)


def test_quantize_rounds_and_clips():
    np.testing.assert_array_equal(INT8.quantize([0, 0.5, 0.9, 1e6, -1e6]), np.array([-3, -2, -1, 127, -128], np.int8))
    np.testing.assert_array_equal(INT8.dequantize(np.array([-3, -1], np.int8)), [0, 1])


def test_float_tensors_pass_through():
    tensor = Tensor("x", 0, (1,), "float32")
    assert tensor.quantize([1.5]).dtype == np.float32
    assert tensor.dequantize(np.float32([1.5])) == 1.5
