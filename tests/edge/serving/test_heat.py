from pathlib import Path

import numpy as np
import pytest

from edge.bundle import load_bundle
from edge.network.pyramid import scaled_sizes
from edge.network.pyramid_runner import ALL, make_runner
from edge.network.result import Result, SeenLevel
from edge.serving.heat import COLUMNS, heat_map
from edge.sight.images import load_image

MODELS = Path(__file__).parents[3] / "models"


@pytest.fixture(scope="module")
def reader():
    return make_runner(load_bundle(MODELS / "street_numbers"))


@pytest.mark.parametrize("vote_lead", [None, ALL])
@pytest.mark.parametrize("framed", [False, True])
@pytest.mark.parametrize("size", [(320, 480), (61, 333), (20, 20)])
def test_a_result_tells_of_the_levels_that_were_seen(reader, size, framed, vote_lead):
    noise = np.random.default_rng(0).integers(0, 256, (*size, 1), np.uint8)
    result = reader.run(noise, num_patches=1, framed=framed, vote_lead=vote_lead)
    assert [level.size for level in result.levels] == scaled_sizes(size, reader.manifest, framed)
    assert [level.start for level in result.levels] == [level.start for level in reader._levels]
    assert sum(rows * columns for _, _, (rows, columns) in result.levels) == len(result.saliency)
    assert result.cells[0].tolist() < [len(result.levels)]
    assert heat_map(result, size, reader.manifest)["box"] == [0, 0, size[1], size[0]]


def test_the_heat_lies_where_the_levels_say(reader):
    """Two forms with as many cells: the same saliency lies elsewhere in each of them."""
    saliency = np.zeros(15)
    saliency[7] = 1
    (high, wide), (down, across) = reader.manifest.cells.field, reader.manifest.cells.stride

    def hottest(rows, columns):
        size = high + (rows - 1) * down, wide + (columns - 1) * across  # of an image whose cells fill it
        level = SeenLevel(size, (0, 0), (rows, columns))
        result = Result("7", 1.0, 1, np.zeros(2), (0,), saliency=saliency, levels=(level,))
        grid = np.array(heat_map(result, size, reader.manifest)["rows"])
        row, column = np.argwhere(grid == 255).mean(axis=0) + 0.5
        return row * size[0] / len(grid), column * size[1] / COLUMNS

    for rows, columns in ((3, 5), (5, 3)):
        at, of_grid = divmod(7, columns), wide / COLUMNS * 2
        row, column = (field / 2 + i * step for field, i, step in zip((high, wide), at, (down, across)))
        np.testing.assert_allclose(hottest(rows, columns), (row, column), atol=max(down, of_grid))


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
