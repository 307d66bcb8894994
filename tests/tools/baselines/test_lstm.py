import keras
import numpy as np

from tools.baselines.lstm import lstm_multiplications, lstm_step


def test_a_step_is_that_of_keras(rng):
    cell = keras.layers.LSTMCell(5)
    cell.build((None, 3))
    inputs, output, memory = (rng.normal(size=(2, n)).astype(np.float32) for n in (3, 5, 5))
    kernel, recurrent, bias = (weight.numpy() for weight in cell.weights)
    expected, (_, expected_memory) = cell(inputs, [output, memory])
    found = inputs @ kernel + output @ recurrent + bias  # Keras: input, forget, values, output; its forget bias is 1
    write, keep, values, show = np.split(found, 4, axis=-1)
    ours = lstm_step(np.concatenate([write, keep - 1, show, values], axis=-1), memory)
    np.testing.assert_allclose(ours[0], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(ours[1], expected_memory, rtol=1e-4, atol=1e-6)


def test_multiplications_by_hand():
    assert lstm_multiplications(3, 5) == 4 * (3 * 5 + 5 * 5) + 3 * 5
