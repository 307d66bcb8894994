import keras
import numpy as np
import pytest
import tensorflow as tf

from dcn_tf.architecture import Architecture, ClassifierTopSpec, Conv, MaxPool, separable_conv
from dcn_tf.model import DynamicCapacityNetwork

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@pytest.fixture
def images(rng):
    return rng.random((6, 19, 23, 2), np.float32)


@pytest.fixture
def labels():
    return np.arange(6) % 4


@pytest.fixture
def model(classifier_architecture):
    network = DynamicCapacityNetwork(classifier_architecture)
    network.build()
    return network


def accuracy_of(model, images, labels):
    return float((model(images)["logits"].numpy().argmax(axis=-1) == labels).mean())


def test_labels_alone_are_compared_with_the_answer(model, images, labels):
    model.compile("sgd", LOSS, metrics=["accuracy"])
    found = model.evaluate(images, labels, verbose=0, return_dict=True)
    expected = float(LOSS(labels, model(images)["logits"]))
    assert found["loss"] == pytest.approx(expected, rel=1e-5)
    assert found["accuracy"] == pytest.approx(accuracy_of(model, images, labels))


def test_labels_by_name_with_metrics_by_name_and_callbacks(model, images, labels):
    model.compile("sgd", {"logits": LOSS, "coarse_logits": LOSS}, metrics={"logits": ["accuracy"]})
    stop = keras.callbacks.EarlyStopping("loss", patience=5)
    history = model.fit(
        images, {"logits": labels, "coarse_logits": labels}, epochs=2, batch_size=3, verbose=0, callbacks=[stop]
    )
    assert len(history.history["loss"]) == 2
    assert "logits_accuracy" in history.history


def test_one_named_loss_takes_labels_alone(model, images, labels):
    model.compile("sgd", {"logits": LOSS})
    found = model.evaluate(images, labels, verbose=0)
    assert found == pytest.approx(float(LOSS(labels, model(images)["logits"])), rel=1e-5)


def test_a_loaded_model_is_compiled_as_it_was(model, images, labels, tmp_path):
    model.compile("sgd", {"logits": keras.losses.SparseCategoricalCrossentropy(from_logits=True)})
    expected = model.evaluate(images, labels, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.evaluate(images, labels, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_labels_for_no_output(model, images, labels):
    model.compile("sgd", LOSS)
    with pytest.raises(ValueError, match="there is no output 'answer'. The outputs are cells, coarse_features"):
        model.compute_loss(images, {"answer": labels}, model(images))
    model.compile("sgd", {"logits": LOSS, "coarse_logits": LOSS})
    with pytest.raises(ValueError, match="labels must be a dictionary of coarse_logits, logits"):
        model.compute_loss(images, labels, model(images))


def test_a_summary_lists_the_layers_of_the_stacks(model):
    lines = []
    model.summary(expand_nested=True, print_fn=lines.append)
    text = "\n".join(lines)
    assert all(name in text for name in ("coarse", "conv_0", "pool_1", "fine", "top"))


def test_a_built_model_exports_without_a_signature(model, images, tmp_path):
    model.export(str(tmp_path / "exported"), verbose=False)
    exported = tf.saved_model.load(str(tmp_path / "exported"))
    found = exported.serve(images)
    np.testing.assert_allclose(found["logits"], model(images)["logits"], rtol=1e-4, atol=1e-5)


def test_a_functional_model_of_the_answer_alone(model, images):
    inputs = keras.Input((19, 23, 2))
    answers = keras.Model(inputs, model(inputs)["logits"])
    np.testing.assert_allclose(answers(images), model(images)["logits"], rtol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_entropy_and_saliency_are_float32_whatever_the_stacks_compute_in(classifier_architecture, images, policy):
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_global_policy(policy)
    try:
        network = DynamicCapacityNetwork(classifier_architecture)
        network.build()
    finally:
        keras.mixed_precision.set_global_policy(before)
    for weight in network.coarse_top.dense.weights:  # of a certain answer, whose saliency is below all of float16
        weight.assign(weight * 8)
    outputs = network(images)
    exact = DynamicCapacityNetwork(classifier_architecture)
    exact.build()
    exact.set_weights(network.get_weights())
    expected = exact(images)
    assert outputs["coarse_features"].dtype.name == policy.removeprefix("mixed_")
    for name in ("entropy", "saliency", "coarse_logits", "logits"):
        assert outputs[name].dtype == tf.float32
    for name in ("entropy", "saliency"):
        np.testing.assert_allclose(outputs[name], expected[name], rtol=0.2, atol=0.1 * float(np.max(expected[name])))


def test_the_users_image_data_format_does_not_matter():
    architecture = Architecture(
        "mine",
        (20, 24),
        3,
        (Conv(8, 5, strides=2), Conv(8, 3)),
        (*separable_conv(8, 3), MaxPool(2), Conv(8, 3)),
        ClassifierTopSpec(Conv(8, 3), 4),
        patch_size=8,
        num_patches=2,
    )
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        outputs = DynamicCapacityNetwork(architecture)(np.zeros((2, 20, 24, 3), "float32"))
    finally:
        keras.config.set_image_data_format(before)
    assert tuple(outputs["coarse_features"].shape) == (2, 6, 8, 8)
    assert tuple(outputs["logits"].shape) == (2, 4)
