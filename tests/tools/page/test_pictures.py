import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tools.page.pictures import cards
from tools.page.readings import Readings
from tools.workdir import Samples


def pixels(address):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.removeprefix("data:image/png;base64,")))))


@pytest.fixture
def readings(classifier):
    images = np.random.default_rng(0).integers(0, 256, (2, 28, 28, 1), np.uint8)
    saliency = np.zeros((2, 5, 5), np.float32)
    saliency[1, 2, 3] = 4
    samples = Samples(images, np.array([[0], [1]]), list("abcde"), "tiny", "test")
    boxes = np.array([[[-0.5, 0, 9.5, 10]], [[12, 8, 22.25, 18]]])
    answers, truths = ["a", "c"], ["a", "b"]
    return Readings(samples, "dcn", 1, np.array([[0], [2]]), np.array([1.0, 0.997]), answers, truths, saliency, boxes)


def test_a_card_has_the_image_its_saliency_and_its_patches(classifier, readings):
    (card,) = cards(classifier, readings, [1], "w")
    np.testing.assert_array_equal(pixels(card["pixels"]), readings.samples.images[1, ..., 0])
    heat = card["heat"]
    assert pixels(heat["href"]).shape == (5, 5, 4)
    assert np.argwhere(pixels(heat["href"])[..., 3]).tolist() == [[2, 3]]  # all else is transparent
    # cells of 4 pixels, fields of 9: the first lies around pixel 4.5; patches of 10 begin half a pixel before fields
    assert [heat[name] for name in ("x", "y", "width", "height")] == ["2.5", "2.5", 20, 20]
    assert card["boxes"] == [{"x": "12", "y": "8", "width": "10.25", "height": "10", "opacity": "1.00"}]
    assert (card["answer"], card["percent"], card["truth"]) == ("c", 99, "b")
    assert card["words"] == "Test image 1 of b, read as c"
    assert card["id"] == "w1"


def test_a_right_answer_needs_no_truth_and_certainty_is_whole(classifier, readings):
    (card,) = cards(classifier, readings, [0], "r")
    assert (card["answer"], card["percent"], card["truth"]) == ("a", 100, None)


def test_without_saliency_the_image_stands_alone(classifier, readings):
    (card,) = cards(classifier, replace(readings, saliency=None, boxes=None), [1], "w")
    assert not card["looks"]
    assert (card["width"], card["height"]) == (28, 28)
