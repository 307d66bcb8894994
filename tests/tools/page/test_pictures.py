import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tools.page.pictures import gallery
from tools.page.readings import Readings
from tools.workdir import Samples


def pictures(card):
    found = re.findall(r'href="data:image/png;base64,([^"]+)"', card)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(text)))) for text in found]


@pytest.fixture
def readings(classifier):
    images = np.random.default_rng(0).integers(0, 256, (2, 28, 28, 1), np.uint8)
    saliency = np.zeros((2, 5, 5), np.float32)
    saliency[1, 2, 3] = 4
    samples = Samples(images, np.array([[0], [1]]), list("abcde"), "tiny", "test")
    cells = np.array([[[0, 0]], [[2, 3]]])
    answers, truths = ["a", "c"], ["a", "b"]
    return Readings(samples, "dcn", 1, np.array([[0], [2]]), np.array([1.0, 0.997]), answers, truths, saliency, cells)


def test_a_card_has_the_image_its_saliency_and_its_patches(classifier, readings):
    card = gallery(classifier, readings, [1], "w")
    image, heat = pictures(card)
    np.testing.assert_array_equal(image, readings.samples.images[1, ..., 0])
    assert heat.shape == (5, 5, 4)
    assert np.argwhere(heat[..., 3]).tolist() == [[2, 3]]  # all else is transparent
    # cells of 4 pixels, fields of 9: the first lies around pixel 4.5; patches of 10 begin half a pixel before fields
    assert 'x="2.5" y="2.5" width="20" height="20"' in card
    top, left = classifier.patch_grid.start((2, 3))
    assert f'<rect x="{left}" y="{top}" width="10" height="10"' in card
    assert "reads <b>c</b>, 99 %<br>is <b>b</b>" in card
    assert 'aria-label="Test image 1 of b, read as c"' in card


def test_a_right_answer_needs_no_truth_and_certainty_is_whole(classifier, readings):
    card = gallery(classifier, readings, [0], "r")
    assert "reads <b>a</b>, 100 %</figcaption>" in card
    assert '<figure class="right">' in card


def test_without_saliency_the_image_stands_alone(classifier, readings):
    card = gallery(classifier, replace(readings, saliency=None, cells=None), [1], "w")
    assert len(pictures(card)) == 1
    assert "<use" not in card
    assert 'viewBox="0 0 28 28"' in card
