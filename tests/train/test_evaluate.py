import numpy as np
import pytest
import tensorflow as tf

from dcn_tf.cost import dcn_cost, whole_multiplications
from dcn_tf.losses import decode
from dcn_tf.model import DynamicCapacityNetwork
from train import evaluate
from train.data.dataset import Split
from train.evaluate import Evaluation, Evaluator, format_table, nest


def network(config, preset):
    tf.keras.utils.set_random_seed(0)
    model = DynamicCapacityNetwork(config(preset=preset).architecture)
    model.build()
    return model


def split_of(rng, sizes, heads):
    images = [rng.integers(256, size=(*size, 1), dtype=np.uint8) for size in sizes]
    labels = np.stack([rng.integers(head, size=len(sizes)) for head in heads], axis=1).astype(np.int32)
    boxes = np.tile(np.array([[2, 3, 10, 9]], np.float32), (len(sizes), 1))
    return Split(images, labels, boxes)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def predictions(logits, heads):
    return decode(tf.constant(logits), heads).numpy()


def test_errors_are_those_of_the_model_called_image_by_image(config, rng):
    """The number of patches, and images of different sizes, go through one compiled function; the answers stay."""
    model = network(config, "tiny_classifier")
    split = split_of(rng, [(100, 100)] * 4 + [(60, 80)] * 3, (10,))
    split.labels[:] = [[i] for i in (0, 9, 3, 1, 7, 7, 2)]
    evaluation = Evaluator(model, (3, 1))(split)
    assert list(evaluation.error[0]) == ["coarse", "fine", "dcn/1", "dcn/3"]
    images = [image[None].astype(np.float32) / np.float32(255) for image in split.images]
    for name, call in {
        "coarse": lambda image: model.whole_model("coarse")(image)["logits"],
        "fine": lambda image: model.whole_model("fine")(image)["logits"],
        "dcn/1": lambda image: model(image, num_patches=1)["logits"],
        "dcn/3": lambda image: model(image, num_patches=3)["logits"],
    }.items():
        guesses = np.concatenate([predictions(call(image), (10,)) for image in images])
        assert evaluation.error[0][name] == pytest.approx(100 * np.mean(guesses != split.labels), abs=1e-4)


def test_an_image_is_wrong_when_any_head_is(config, rng, monkeypatch):
    model = network(config, "tiny_sequence")
    split = split_of(rng, [(16, 24)] * 4, model.architecture.top.heads)
    right = predictions(model(split.images[0][None] / np.float32(255))["coarse_logits"], model.architecture.top.heads)
    split = Split([split.images[0]] * 4, np.repeat(right, 4, axis=0))
    split.labels[1, 0] += 1
    split.labels[2, 3] += 1
    assert Evaluator(model, (1,))(split).error[0]["coarse"] == 50.0


def test_labels_that_nothing_can_predict_are_errors(config, rng):
    model = network(config, "tiny_sequence")
    split = split_of(rng, [(16, 24)] * 2, model.architecture.top.heads)
    split.labels[:] = -1
    assert set(Evaluator(model, (1,))(split).error[0].values()) == {100.0}


def test_images_smaller_than_a_cell_and_fewer_cells_than_patches(config, rng):
    model = network(config, "tiny_sequence")  # 12 x 16 pixels a cell; 16 x 24 pixels hold nine
    split = split_of(rng, [(5, 7), (12, 16), (16, 24)], model.architecture.top.heads)
    evaluation = Evaluator(model, (1, 2, 9, 10))(split)
    assert [name for name in evaluation.error[0] if name.startswith("dcn")] == ["dcn/1", "dcn/2", "dcn/9"]
    one_cell = dcn_cost(model.architecture, 1, (12, 16)).total
    nine_cells = dcn_cost(model.architecture, 9, (16, 24)).total
    assert evaluation.multiplications[0]["dcn/9"] == round((2 * one_cell + nine_cells) / 3)
    whole = [whole_multiplications(model.architecture, "fine", size) for size in ((12, 16), (12, 16), (16, 24))]
    assert evaluation.multiplications[0]["fine"] == round(sum(whole) / 3)


def test_batches_do_not_change_what_is_read(config, rng, monkeypatch):
    model = network(config, "tiny_sequence")
    split = split_of(rng, [(16, 24), (20, 30), (16, 24), (16, 24), (20, 30)], model.architecture.top.heads)
    together = Evaluator(model, (2,))
    reader = together._reader(1.0, ())
    read = together._read(reader, split)
    monkeypatch.setattr(evaluate, "PIXELS", 1)
    for name, probabilities in together._read(reader, split).items():
        np.testing.assert_allclose(read[name], probabilities, atol=1e-6)
        np.testing.assert_allclose(probabilities[:, :3].sum(axis=1), 1, atol=1e-5)


def test_batches_that_are_read_side_by_side_keep_their_places(config, rng, monkeypatch):
    model = network(config, "tiny_classifier")
    split = split_of(rng, [(100, 100)] * 5 + [(60, 80)] * 2, (10,))
    monkeypatch.setattr(evaluate, "PIXELS", 1)
    one, three = (Evaluator(model, (2,), selectors=("random",), replicas=n) for n in (1, 3))
    expected = one._read(one.readers[0], split)
    for name, probabilities in three._read(three.readers[0], split).items():
        np.testing.assert_allclose(expected[name], probabilities, atol=1e-6)


def test_scales_are_averaged_one_by_one(config, rng):
    model = network(config, "tiny_sequence")
    split = split_of(rng, [(32, 48)] * 3, model.architecture.top.heads)
    evaluator = Evaluator(model, (2,), scales=(1.0, 0.5))
    first, second = (evaluator._read(reader, split) for reader in evaluator.readers)
    small = [np.asarray(tf.image.resize(image / np.float32(255), (16, 24), antialias=True)) for image in split.images]
    logits = np.concatenate([model(image[None], num_patches=2)["logits"] for image in small])
    np.testing.assert_allclose(second["dcn/2"], np.exp(logits), atol=1e-5)
    evaluation = evaluator(split)
    guesses = predictions(first["dcn/2"] + second["dcn/2"], model.architecture.top.heads)
    assert evaluation.error[1]["dcn/2"] == pytest.approx(100 * np.mean((guesses != split.labels).any(axis=1)), abs=1e-4)
    costs = [dcn_cost(model.architecture, 2, size).total for size in ((32, 48), (16, 24))]
    assert evaluation.multiplications == [
        evaluation.multiplications[0],
        {name: evaluation.multiplications[1][name] for name in evaluation.error[0]},
    ]
    assert evaluation.multiplications[0]["dcn/2"] == costs[0]
    assert evaluation.multiplications[1]["dcn/2"] == sum(costs)


def test_selectors_are_reported_apart_and_need_what_they_look_at(config, rng):
    model = network(config, "tiny_sequence")
    split = split_of(rng, [(16, 24)] * 3, model.architecture.top.heads)
    selectors = ("random", "centre", "confidence", "loss_gradient", "oracle")
    evaluation = Evaluator(model, (1, 9), scales=(1.0, 0.75), selectors=selectors)(split)
    assert set(evaluation.selectors) == {f"{name}/{k}" for name in selectors for k in (1, 9)}
    # With every cell selected it does not matter who selected them.
    assert {evaluation.selectors[f"{name}/9"] for name in selectors} == {evaluation.error[0]["dcn/9"]}
    without_boxes = Evaluator(model, (1,), selectors=selectors)(Split(split.images, split.labels))
    assert "oracle/1" not in without_boxes.selectors


def test_baselines_have_rows_of_their_own_alone(config, rng):
    model = network(config, "tiny_sequence")
    split = split_of(rng, [(16, 24)] * 2, model.architecture.top.heads)
    assert list(Evaluator(model, (1, 2), trained="coarse")(split).error[0]) == ["coarse", "soft_attention"]
    assert list(Evaluator(model, (1, 2), trained="fine")(split).error[0]) == ["fine", "fine_inverse_entropy"]


def test_what_a_result_holds():
    errors = [{"coarse": 3.0, "dcn/2": 1.0}, {"coarse": 2.0, "dcn/2": 0.5}]
    evaluation = Evaluation(7, (1.0, 0.5), errors, [{"coarse": 10, "dcn/2": 20}] * 2, {"random/2": 4.0})
    assert evaluation.to_dict() == {
        "error": {"coarse": 3.0, "dcn": {"2": 1.0}},
        "multiplications": {"coarse": 10, "dcn": {"2": 20}},
        "test_images": 7,
        "scales": [
            {"scales": [1.0], "error": nest(errors[0]), "multiplications": {"coarse": 10, "dcn": {"2": 20}}},
            {"scales": [1.0, 0.5], "error": nest(errors[1]), "multiplications": {"coarse": 10, "dcn": {"2": 20}}},
        ],
        "selectors": {"random": {"2": 4.0}},
    }


def test_the_table_has_a_row_for_each_model_and_columns_for_each_scale():
    errors = [{"coarse": 2.5, "dcn/8": 1.25}, {"coarse": 2.0, "dcn/8": 1.0}]
    counts = [{"coarse": 6_358_000, "dcn/8": 22_980_000}, {"coarse": 7_000_000, "dcn/8": 24_000_000}]
    lines = format_table(Evaluation(70, (1.0, 0.5), errors, counts, {"random/8": 9.5})).splitlines()
    assert lines[0].split() == ["scale", "1", "and", "0.5"]
    assert lines[2].split() == ["coarse", "2.50", "6.36", "2.00", "7.00"]
    assert lines[3].split() == ["dcn,", "patches:", "8", "1.25", "22.98", "1.00", "24.00"]
    assert lines[4].startswith("(70 images")
    assert lines[-2].split() == ["entropy", "gradient", "1.25"]
    assert lines[-1].split() == ["random", "9.50"]
