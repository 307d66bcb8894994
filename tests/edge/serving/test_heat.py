from pathlib import Path

import numpy as np
import pytest

from edge.bundle import load_bundle
from edge.network.pyramid_runner import make_runner
from edge.serving.heat import cell_maps, heat_map
from edge.sight.images import load_image

MODELS = Path(__file__).parents[3] / "models"


@pytest.fixture(scope="module")
def reader():
    return make_runner(load_bundle(MODELS / "street_numbers"))


@pytest.mark.parametrize("framed", [False, True])
@pytest.mark.parametrize("size", [(320, 480), (61, 333), (20, 20)])
def test_the_maps_of_all_levels_are_known(reader, size, framed):
    noise = np.random.default_rng(0).integers(0, 256, (*size, 1), np.uint8)
    result = reader.run(noise, num_patches=1, framed=framed)
    maps = cell_maps(size, reader.manifest, framed)
    assert maps == [tuple(of_level) for of_level in reader._sizes]
    assert sum(rows * columns for rows, columns in maps) == len(result.saliency)
    assert heat_map(result, size, reader.manifest)["box"] == [0, 0, size[1], size[0]]


def test_the_heat_of_a_photograph_lies_on_its_number(reader):
    pixels = load_image(MODELS / "photographs" / "00000.png", reader.manifest.input)
    height, width = pixels.shape[:2]
    result = reader.run(pixels)
    rows = np.array(heat_map(result, (height, width), reader.manifest)["rows"])
    assert (rows.shape, rows.max()) == ((round(48 * height / width), 48), 255)
    row, column = np.unravel_index(rows.argmax(), rows.shape)
    left, top, right, bottom = result.box
    assert left - 40 < (column + 0.5) * width / 48 < right + 40
    assert top - 40 < (row + 0.5) * width / 48 < bottom + 40


def test_the_heat_of_a_classifier_is_its_map(reader):
    classifier = make_runner(load_bundle(MODELS / "cluttered_mnist"))
    result = classifier.run(load_image(MODELS / "samples" / "1.png", classifier.manifest.input), exit_entropy=-1.0)
    heat = heat_map(result, (100, 100), classifier.manifest, corner=(7, 3))
    assert np.shape(heat["rows"]) == result.saliency.shape
    assert np.unravel_index(np.argmax(heat["rows"]), result.saliency.shape) == tuple(result.cells[0])
    assert heat["box"][0] >= 7
    assert heat["box"][1] >= 3
    assert (
        heat_map(classifier.run(np.zeros((100, 100), np.uint8), exit_entropy=99), (100, 100), classifier.manifest)
        is None
    )
