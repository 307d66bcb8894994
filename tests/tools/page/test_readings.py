import numpy as np
import pytest
import tiny_bundles

from dcn_tf.losses import decode
from tools.page import readings
from tools.page.readings import Readings, confusion, expected_calibration_error, most_confused, reliability
from tools.workdir import Samples, Training

HEADS = {"classifier": (5,), "sequence": (3, 11, 11, 11)}


def softmax(values):
    powers = np.exp(values - values.max())
    return powers / powers.sum()


@pytest.mark.parametrize("task", ["classifier", "sequence"])
@pytest.mark.parametrize("model", ["dcn", "coarse", "fine"])
def test_what_is_read_is_what_the_network_says(request, task, model):
    network = request.getfixturevalue(task)
    images = tiny_bundles.make_images(network.architecture, 6)
    labels = np.zeros((6, len(HEADS[task])), int)
    samples = Samples(images, labels, list("abcde") if task == "classifier" else list("0123456789"), "tiny", "test")
    found = readings.read(Training(None, network, {"config": {"model": model}}), samples, 2)
    pixels = images.astype(np.float32) / 255
    outputs = network(pixels, num_patches=2) if model == "dcn" else network.whole_model(model)(pixels)
    categories = decode(outputs["logits"], HEADS[task]).numpy()
    np.testing.assert_array_equal(found.categories, categories)
    for i, logits in enumerate(outputs["logits"].numpy()):
        parts = np.split(logits, np.cumsum(HEADS[task])[:-1])
        read = parts if task == "classifier" else parts[: categories[i, 0] + 2]
        chances = [softmax(part)[category] for part, category in zip(read, categories[i])]
        assert found.probability[i] == pytest.approx(np.prod(chances), rel=1e-4)
        symbols = categories[i] if task == "classifier" else categories[i, 1 : categories[i, 0] + 2]
        assert found.answers[i] == "".join(samples.label_names[s] for s in symbols)
    if model == "dcn":
        corners = [[network.patch_grid.start(cell) for cell in cells] for cells in outputs["cells"].numpy()]
        np.testing.assert_allclose(found.boxes[..., :2], np.array(corners)[..., ::-1])
        np.testing.assert_allclose(
            found.boxes[..., 2:] - found.boxes[..., :2], [[network.patch_grid.size[::-1]] * 2] * 6
        )
    assert (found.boxes is None, found.saliency is None) == (model != "dcn", model == "fine")


def test_patches_of_levels_lie_in_the_image(pyramid):
    images = tiny_bundles.make_images(pyramid.architecture, 4)
    labels = np.zeros((4, 4), int)
    samples = Samples(images, labels, list("0123456789"), "tiny", "test")
    found = readings.read(Training(None, pyramid, {"config": {"model": "dcn"}}), samples, 3)
    outputs, grid = pyramid.all_stages(images.astype(np.float32) / 255, num_patches=3), pyramid.patch_grid
    assert found.saliency is None
    for boxes, cells in zip(found.boxes, outputs["cells"].numpy()):
        for box, (number, *cell) in zip(boxes, cells):
            level = outputs["levels"][number]
            start = (np.array(grid.start(cell)) - level.start.numpy()) / level.zoom.numpy()
            np.testing.assert_allclose(
                box, [*start[::-1], *(start + grid.size / level.zoom.numpy())[::-1]], rtol=1e-5, atol=1e-4
            )


def made_readings(categories, probability):
    count = len(categories)
    samples = Samples(np.zeros((count, 4, 4, 1), np.uint8), np.zeros((count, 1), int), ["a", "b"], "tiny", "test")
    categories = np.array(categories)[:, None]
    return Readings(samples, "fine", None, categories, np.array(probability), [], [], None, None)


def test_images_are_chosen_by_probability():
    found = made_readings([0, 1, 0, 1, 0, 0, 1], [0.5, 0.9, 0.8, 0.95, 0.7, 0.9, 0.9])
    assert found.error == pytest.approx(300 / 7)
    assert found.surest(False, 2).tolist() == [3, 1]
    assert found.spread(True, 2).tolist() == [5, 0]
    assert found.spread(True, 9).tolist() == [5, 2, 4, 0]
    assert made_readings([1], [0.5]).spread(True, 3).tolist() == []


def test_confusions_are_counted_and_the_worst_classes_found():
    counts = confusion(np.array([0, 0, 1, 2, 3, 3]), np.array([0, 2, 1, 2, 1, 3]), 4)
    assert counts.tolist() == [[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 1, 0, 1]]
    assert most_confused(counts).tolist() == [0, 1, 2, 3]
    counts[3, 1] = 5
    assert most_confused(counts, 2).tolist() == [1, 3]


def test_reliability_is_accuracy_by_probability():
    bins = reliability(np.array([0.05, 0.92, 0.98, 1.0]), np.array([False, True, False, True]))
    assert [count for *_, count in bins] == [1, 3]
    assert bins[1][:2] == pytest.approx((2.9 / 3, 2 / 3))
    assert expected_calibration_error(bins) == pytest.approx((1 * 0.05 + 3 * (2.9 / 3 - 2 / 3)) / 4)
