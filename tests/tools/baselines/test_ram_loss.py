import numpy as np
import pytest
import tensorflow as tf

from tools.baselines.glimpse_loss import entropies
from tools.baselines.ram_loss import losses, returns
from tools.baselines.ram_model import RamSpec, RecurrentAttentionModel

SMALL = RamSpec(image_size=16, glimpses=3, glimpse_size=4, scales=1, what=6, where=5, glimpse_units=7, core=24)


def test_returns_are_weighted_means_of_later_rewards():
    rewards = tf.constant([[9.0, 1.0, 2.0, 4.0]])
    np.testing.assert_allclose(returns(rewards, 0.0), [[1, 2, 4]])
    np.testing.assert_allclose(returns(rewards, 1.0), [[7 / 3, 3, 4]])
    np.testing.assert_allclose(returns(rewards, 0.5), [[(1 + 1 + 1) / 1.75, (2 + 2) / 1.5, 4]])


def test_the_gradient_of_reinforce_by_hand():
    """One choice, of density exp(-(chosen - mean)^2 / 2 s^2), whose gradient is reward * noise / s^2."""
    noise = tf.constant([[[0.3, -0.1]], [[-0.2, 0.4]]])
    means = tf.Variable([[[0.1, 0.2]], [[0.0, -0.5]]])
    baselines = tf.Variable([[0.25], [0.5]])
    rewards = tf.constant([[0.5, 0.75], [0.5, 0.1]])
    with tf.GradientTape(persistent=True) as tape:
        outputs = {"means": means, "baselines": baselines}
        terms = losses(outputs, rewards, noise, 0.2, 1.0)
    advantages = np.array([0.75 - 0.25, 0.1 - 0.5])
    expected = -advantages[:, None, None] * noise.numpy() / 0.2**2 / 2  # the mean of two trajectories
    np.testing.assert_allclose(tape.gradient(terms["location"], means), expected, rtol=1e-5)
    assert tape.gradient(terms["location"], baselines) is None
    np.testing.assert_allclose(tape.gradient(terms["baseline"], baselines), -advantages[:, None], rtol=1e-5)
    assert tape.gradient(terms["baseline"], means) is None
    assert float(terms["baseline"]) == pytest.approx((advantages**2).mean())


def test_reinforce_estimates_the_gradient_of_the_expected_reward():
    """A reward that depends on the choice, averaged over many draws, against its derivative."""
    deviation, count, mean = 0.3, 400_000, 0.2
    noise = deviation * tf.random.stateless_normal([count, 1, 2], seed=[1, 2])
    means = tf.Variable(tf.fill([1, 1, 2], mean))
    with tf.GradientTape() as tape:
        chosen = tf.stop_gradient(means + noise)
        reward = tf.exp(-tf.reduce_sum(tf.square(chosen[:, 0]), axis=-1))  # of being near 0
        outputs = {"means": tf.repeat(means, count, axis=0), "baselines": tf.fill([count, 1], 0.5)}
        loss = losses(outputs, tf.stack([reward, reward], axis=1), noise, deviation, 1.0)["location"]
    # E exp(-|x|^2) of x ~ N(mean, d^2) is exp(-|mean|^2 / (1 + 2 d^2)) / (1 + 2 d^2) in two dimensions
    spread = 1 + 2 * deviation**2
    derivative = -2 * mean / spread * np.exp(-2 * mean**2 / spread) / spread
    np.testing.assert_allclose(tape.gradient(loss, means).numpy().ravel(), [-derivative] * 2, rtol=0.03)


def test_each_loss_trains_its_own_part(rng):
    model = RecurrentAttentionModel(SMALL)
    model.build()
    images = rng.random((2, 16, 16, 1)).astype(np.float32)
    noise = 0.2 * rng.standard_normal((4, 2, 2)).astype(np.float32)
    with tf.GradientTape(persistent=True) as tape:
        outputs, labels = model(images, noise), tf.constant([3, 3, 5, 5])
        nats = entropies(outputs["logits"], labels)
        terms = losses(outputs, tf.exp(-nats), noise, 0.2, 0.5)
        answers = tf.reduce_mean(nats)
    assert set(_reached(tape, answers, model)) == {"what", "where", "core", "classifier"}
    assert set(_reached(tape, terms["location"], model)) == {"what", "where", "core", "locator"}
    assert set(_reached(tape, terms["baseline"], model)) == {"baseline"}


def _reached(tape, loss, model):
    parts = {
        "what": model.what[0].kernel,
        "where": model.where[0].kernel,
        "core": model.from_state.kernel,
        "classifier": model.classifier.kernel,
        "locator": model.locator.kernel,
        "baseline": model.baseline.kernel,
    }
    gradients = tape.gradient(loss, list(parts.values()))
    return [name for name, gradient in zip(parts, gradients) if gradient is not None and gradient.numpy().any()]
