import numpy as np
import pytest
import tensorflow as tf
import tiny_bundles

from dcn_tf.losses import decode
from edge.bundle import write_bundle
from edge.errors import UserError
from edge.network.runner import TwoStageRunner
from tools.export import bundling, qat
from tools.export.calibration import calibration_inputs
from tools.export.clone import Clone
from tools.export.folding import folded_weights
from tools.export.layers import tf_keras
from tools.export.tops import top_windows
from tools.workdir import load_workdir


@pytest.fixture
def rounded(classifier):
    ranges = qat.measured_ranges(float_clone(classifier), inputs_of(classifier))
    return lambda: Clone(classifier, folded_weights(classifier), ranges)


def inputs_of(network):
    return calibration_inputs(network, tiny_bundles.make_images(network.architecture), 2)


def float_clone(network):
    return Clone(network, folded_weights(network))


def test_ranges_are_those_of_the_outputs_and_hold_zero(classifier):
    inputs = inputs_of(classifier)
    ranges = qat.measured_ranges(float_clone(classifier), inputs)
    features = classifier.coarse.blocks[0](inputs["coarse"], training=False).numpy()
    logits = classifier.whole_model("fine")(inputs["whole_fine"])["logits"].numpy()
    for name, values in (("coarse/0", features), ("whole_fine/logits", logits)):
        np.testing.assert_allclose(ranges[name], (min(0, values.min()), values.max()), atol=1e-5)
    assert ranges["coarse/input"] == ranges["fine/input"] == ranges["whole_fine/input"] == (0, 1)
    assert all(least <= 0 <= greatest and least < greatest for least, greatest in ranges.values())


@pytest.mark.parametrize("statistics", ["shared", "separate"])
def test_of_the_tops_sums_the_range_holds_what_one_of_the_passes_lets_through(statistics):
    network = tiny_bundles.make_network(tiny_bundles.classifier_architecture(statistics))
    inputs = inputs_of(network)
    weights = folded_weights(network)
    (kernel, bias), (scale, shift) = weights["top/conv"], weights["top/refined"]
    least, greatest = qat.measured_ranges(float_clone(network), inputs)["top/conv"]
    windows = top_windows(network.architecture, inputs["top"])
    sums = np.einsum("nhwd,hwdf->nf", windows, kernel) + bias
    assert greatest == pytest.approx(sums.max(), rel=1e-5)
    rounded = np.clip(sums, least, greatest)
    np.testing.assert_allclose(np.maximum(rounded, 0), np.maximum(sums, 0), atol=1e-5)
    refined = (np.maximum(scale * values + shift, 0) for values in (rounded, sums))
    np.testing.assert_allclose(*refined, atol=1e-5)
    assert least == pytest.approx(max(sums.min(), min(0, (-shift / scale).min())), rel=1e-5)
    if statistics == "shared":
        assert sums.min() < -0.1 < -1e-5 < least <= 0


@pytest.mark.parametrize("fixture", ["classifier", "sequence"])
def test_vectors_meet_at_one_scale(fixture, request):
    network = request.getfixturevalue(fixture)
    inputs = inputs_of(network)
    ranges = qat.measured_ranges(float_clone(network), inputs)
    entrance = "top/input" if fixture == "classifier" else "fine_top/input"
    assert ranges["fine/vector"] == ranges[entrance]
    assert (ranges["coarse/1"] == ranges[entrance]) is (fixture == "classifier")
    np.testing.assert_allclose(ranges[entrance][1], inputs["top"].max(), rtol=1e-5)


def test_ranges_of_one_chain_and_of_several_that_share_a_layer():
    double, negative = (tf_keras.layers.Lambda(f, name=n) for f, n in ((lambda x: 2 * x, "a"), (lambda x: -x, "b")))
    first, second = np.float32([[1], [3]]), np.full((130, 1), 0.5, np.float32)
    second[-1] = 4
    assert qat.layer_ranges([([double, negative], first)]) == {"a": (0, 6), "b": (-3 * 2, 0)}
    assert qat.layer_ranges([([double, negative], first), ([negative], second)]) == {"a": (0, 6), "b": (-6, 0)}
    assert qat.layer_ranges([([negative], first), ([double], second)]) == {"b": (-3, 0), "a": (0, 8)}
    assert qat.layer_ranges([([double], 0 * first)]) == {"a": (0, 1)}, "int8 has no scale for zeros alone"


def test_losses_are_zero_for_equals_and_known_for_a_known_difference():
    logits = np.log(np.float32([[0.5, 0.5, 0.9, 0.1]]))
    same = {"logits": logits, "coarse_logits": logits, "coarse_features": np.ones((1, 2, 2, 3), np.float32)}
    same["fine_features"] = np.full((1, 2, 3), 2, np.float32)
    np.testing.assert_allclose(list(qat.losses(same, same, (2, 2)).values()), 0, atol=1e-7)
    changed = same | {
        "logits": np.log(np.float32([[0.25, 0.75, 0.9, 0.1]])),
        "fine_features": same["fine_features"] + 1,
    }
    found = qat.losses(changed, same, (2, 2))
    assert float(found["answer"]) == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(0.5 / 0.75), abs=1e-6)
    assert float(found["coarse_answer"]) == pytest.approx(0, abs=1e-7)
    assert float(found["vectors"]) == pytest.approx(1 / 4)


def test_tuning_brings_the_rounded_network_nearer_and_is_repeatable(classifier, rounded):
    images = tiny_bundles.make_images(classifier.architecture)

    def distance(clone):
        batch = tf.constant(images, tf.float32) / 255
        found = clone(batch, num_patches=2)
        terms = qat.losses(found, classifier(batch, num_patches=2, cells=found["cells"]), (5,))
        return sum(float(value) for value in terms.values())

    clone, again = rounded(), rounded()
    before = distance(clone)
    losses = [qat.tune(classifier, c, images, 2, qat.Tuning(steps=40, learning_rate=1e-3)) for c in (clone, again)]
    assert distance(clone) < 0.8 * before
    assert losses[0] == losses[1]
    assert set(losses[0]) == {"answer", "coarse_answer", "vectors"}
    for name, (kernel, bias) in clone.weights().items():
        np.testing.assert_array_equal(kernel, again.weights()[name][0])
        np.testing.assert_array_equal(bias, again.weights()[name][1])


def test_every_image_is_seen_once_per_pass():
    batches = list(qat._batches(48, qat.Tuning(steps=6)))
    for first in (0, 3):
        np.testing.assert_array_equal(np.sort(np.concatenate(batches[first : first + 3])), np.arange(48))
    assert not np.array_equal(batches[0], batches[3])


@pytest.mark.parametrize(
    ("tuning", "message"),
    [
        ({"steps": 0}, "--qat_steps must be at least 1, received 0"),
        ({"learning_rate": -1e-3}, "--qat_learning_rate must be from 0 to 1, received -0.001"),
        ({"learning_rate": float("nan")}, "--qat_learning_rate must be from 0 to 1, received nan"),
    ],
)
def test_wrong_tunings_are_told(tuning, message):
    with pytest.raises(UserError, match=message):
        qat.Tuning(**tuning)


@pytest.mark.parametrize("fixture", ["classifier", "sequence"])
def test_a_bundle_does_on_the_device_what_the_rounded_clone_does(fixture, request, tmp_path, monkeypatch):
    network = request.getfixturevalue(fixture)
    workdir = load_workdir(tiny_bundles.write_workdir(tmp_path / "workdir", network))
    clones = []
    monkeypatch.setattr(bundling, "tune", lambda *args: clones.append(args[1]) or qat.tune(*args))
    made = bundling.make_bundle(workdir, "qat", 2, 48, qat.Tuning(steps=5))
    runner = TwoStageRunner(write_bundle(tmp_path / "bundle", made.files, made.manifest))
    images = workdir.test.images
    expected = clones[0](tf.constant(images, tf.float32) / 255, num_patches=2)
    found = [runner.run(image, exit_entropy=-1.0) for image in images]
    cells = np.stack([result.cells for result in found])
    same_cells = (np.sort(cells, axis=1) == np.sort(expected["cells"], axis=1)).all(axis=(1, 2))
    categories = decode(expected["logits"], network.architecture.top.heads).numpy()
    assert same_cells.mean() > 0.9
    assert (np.array([r.categories for r in found]) == categories).all(axis=1).mean() > 0.9
    assert made.manifest["method"] == "qat"
    assert made.manifest["training"]["quantization"]["tuning"] == {"steps": 5, "learning_rate": 3e-5, "seed": 0}
