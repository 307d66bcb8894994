import numpy as np
import pytest

from train.data.dataset import Split
from train.evaluation.errors import Errors
from train.evaluation.reader import Reader


def errors_of(model, num_patches, scales=(1.0,), trained="dcn", **values):
    return Errors([Reader(model, num_patches, scale, trained) for scale in scales], num_patches, **values)


def test_errors_are_those_of_the_model_called_image_by_image(network, split_of, predictions):
    """The number of patches, and images of different sizes, go through one compiled function; the answers stay."""
    model = network("tiny_classifier")
    split = split_of([(100, 100)] * 4 + [(60, 80)] * 3, (10,))
    split.labels[:] = [[i] for i in (0, 9, 3, 1, 7, 7, 2)]
    errors = dict(errors_of(model, (3, 1))(split))
    assert list(errors) == ["error/coarse", "error/fine", "error/dcn/1", "error/dcn/3"]
    images = [image[None].astype(np.float32) / np.float32(255) for image in split.images]
    for name, call in {
        "coarse": lambda image: model.whole_model("coarse")(image)["logits"],
        "fine": lambda image: model.whole_model("fine")(image)["logits"],
        "dcn/1": lambda image: model(image, num_patches=1)["logits"],
        "dcn/3": lambda image: model(image, num_patches=3)["logits"],
    }.items():
        guesses = np.concatenate([predictions(call(image), (10,)) for image in images])
        assert errors[f"error/{name}"] == pytest.approx(100 * np.mean(guesses != split.labels), abs=1e-4)


def test_an_image_is_wrong_when_any_head_is(network, split_of, predictions):
    model = network("tiny_sequence")
    split = split_of([(16, 24)] * 4, model.architecture.top.heads)
    right = predictions(model(split.images[0][None] / np.float32(255))["coarse_logits"], model.architecture.top.heads)
    split = Split([split.images[0]] * 4, np.repeat(right, 4, axis=0))
    split.labels[1, 0] += 1
    split.labels[2, 3] += 1
    assert dict(errors_of(model, (1,))(split))["error/coarse"] == 50.0


def test_labels_that_nothing_can_predict_are_errors(network, split_of):
    model = network("tiny_sequence")
    split = split_of([(16, 24)] * 2, model.architecture.top.heads)
    split.labels[:] = -1
    assert {error for _, error in errors_of(model, (1,))(split)} == {100.0}


def test_images_smaller_than_a_cell_and_fewer_cells_than_patches(network, split_of):
    model = network("tiny_sequence")  # 12 x 16 pixels a cell; 16 x 24 pixels hold nine
    split = split_of([(5, 7), (12, 16), (16, 24)], model.architecture.top.heads)
    names = [name for name, _ in errors_of(model, (1, 2, 9, 10))(split)]
    assert [name for name in names if "dcn" in name] == ["error/dcn/1", "error/dcn/2", "error/dcn/9"]


def test_scales_are_averaged_one_by_one(network, split_of, predictions):
    model = network("tiny_sequence")
    split = split_of([(32, 48)] * 3, model.architecture.top.heads)
    evaluator = errors_of(model, (2,), scales=(1.0, 0.5))
    first, second = (reader(split) for reader in evaluator.readers)
    errors = dict(evaluator(split))
    for name, probabilities in {"error": first["dcn/2"], "scales/2/error": first["dcn/2"] + second["dcn/2"]}.items():
        wrong = (predictions(probabilities, model.architecture.top.heads) != split.labels).any(axis=1)
        assert errors[f"{name}/dcn/2"] == pytest.approx(100 * np.mean(wrong), abs=1e-4)


def test_selectors_are_reported_apart_and_need_what_they_look_at(network, split_of):
    model = network("tiny_sequence")
    split = split_of([(16, 24)] * 3, model.architecture.top.heads)
    selectors = ("random", "centre", "confidence", "loss_gradient", "oracle")
    errors = dict(errors_of(model, (1, 9), scales=(1.0, 0.75), selectors=selectors)(split))
    chosen = {name: error for name, error in errors.items() if name.startswith("selectors/")}
    assert set(chosen) == {f"selectors/{name}/{k}" for name in selectors for k in (1, 9)}
    # With every cell selected it does not matter who selected them.
    assert {chosen[f"selectors/{name}/9"] for name in selectors} == {errors["error/dcn/9"]}
    without_boxes = dict(errors_of(model, (1,), selectors=selectors)(Split(split.images, split.labels)))
    assert "selectors/random/1" in without_boxes
    assert "selectors/oracle/1" not in without_boxes


def test_baselines_have_rows_of_their_own_alone(network, split_of):
    model = network("tiny_sequence")
    split = split_of([(16, 24)] * 2, model.architecture.top.heads)
    for trained, soft in (("coarse", "soft_attention"), ("fine", "fine_inverse_entropy")):
        errors = dict(errors_of(model, (1, 2), trained=trained)(split))
        assert list(errors) == [f"error/{trained}", f"error/{soft}"]


def test_the_fine_model_may_read_the_first_images_alone(network, split_of):
    model = network("tiny_sequence")
    split, reader = split_of([(16, 24)] * 5, model.architecture.top.heads), Reader(model, (1, 2, 4))
    whole, first = (dict(Errors([reader], (2,))(part)) for part in (split, split.head(3)))
    figures = dict(Errors([reader], (2,), fine_pixels=3 * 16 * 24 + 1)(split))
    assert (figures["images/fine"], figures["images/fine_inverse_entropy"]) == (3, 3)
    assert figures["error/fine"] == first["error/fine"]
    assert figures["error/dcn/2"] == whole["error/dcn/2"]
    none = dict(Errors([reader], (2,), fine_pixels=0)(split))
    assert none == {name: value for name, value in whole.items() if "fine" not in name}
    # What the reader answers beside, with one and four patches, is not told.
    assert set(whole) == {
        f"error/{row}" for row in ("coarse", "soft_attention", "fine", "fine_inverse_entropy", "dcn/2")
    }
