from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from edge.network import pyramid
from edge.network.pyramid import (
    Canvases,
    Level,
    framing,
    level_sizes,
    levels_of,
    patch_boxes,
    scaled_size,
    scaled_sizes,
    shapes,
    spread,
)

MODEL = SimpleNamespace(forget=lambda shape: None)


def test_sizes_are_rounded_and_never_nothing():
    assert scaled_size((480, 640), 0.71) == (341, 454)
    assert scaled_size((90, 3), 0.35) == (31, 1)  # 31.5 goes to the even 32 in float32, and is 31.499... here
    assert scaled_size((1, 1), 0.18) == (1, 1)


@pytest.mark.parametrize("padding", [0, 1])
def test_only_a_stack_without_padding_is_seen_in_bands(monkeypatch, padding):
    def output_shape(name, shape):
        return (1, *((side + padding - 5) // 2 + 1 for side in shape[1:3]), 9)

    model = SimpleNamespace(output_shape=output_shape, laid_out=lambda shape: shape)
    cells, image = SimpleNamespace(field=(5, 5), stride=(2, 2)), SimpleNamespace(channels=1)
    monkeypatch.setattr(pyramid, "MOST_AT_ONCE", 1000)
    rows, band, counts = pyramid._bands((61, 41), SimpleNamespace(cells=cells, input=image), model)
    assert (rows, band, counts) == ((10, 23, (29, 19)) if not padding else (29, 61, (29, 19)))


def test_levels_are_the_librarys_but_for_a_pixel_value(pyramid_case):
    manifest = pyramid_case.float32.manifest
    for image, expected in zip(pyramid_case.images, pyramid_case.expected):
        levels = levels_of(image, manifest)
        assert [level.pixels.shape[:2] for level in levels] == level_sizes(image.shape[:2], manifest)
        for number, level in enumerate(levels):
            difference = np.abs(level.pixels - 255 * expected[f"level/{number}"])
            assert difference.max() <= (0.01 if manifest.levels[number] == 1 else 1.01)


def test_a_small_level_stays_in_the_middle_of_its_repeated_border(pyramid_case):
    manifest = replace(pyramid_case.float32.manifest, levels=(1.0,))
    height, width = manifest.input.size
    image = np.arange((height - 3) * width, dtype=np.uint8).reshape(height - 3, width, 1)
    (level,) = levels_of(image, manifest)
    assert (level.start, level.zoom) == ((1, 0), (1.0, 1.0))
    np.testing.assert_array_equal(level.pixels[1:-2], image)
    np.testing.assert_array_equal(level.pixels[0], image[0])
    np.testing.assert_array_equal(level.pixels[-2:], np.stack([image[-1]] * 2))


def test_patches_are_placed_in_pixels_of_the_image(pyramid_case):
    manifest = pyramid_case.float32.manifest
    levels = [Level(None, (0, 0), (20, 20), (2.0, 2.0)), Level(None, (3, 1), (5, 3), (0.5, 0.25))]
    (down, across), (row, column) = manifest.cells.stride, manifest.patch.origin
    high, wide = manifest.patch.size
    found = patch_boxes(np.array([[0, 0, 0], [1, 2, 1]]), levels, manifest)
    top, left = row + 2 * down - 3, column + across - 1
    np.testing.assert_allclose(
        found,
        [
            [column / 2, row / 2, (column + wide) / 2, (row + high) / 2],
            [left / 0.25, top / 0.5, (left + wide) / 0.25, (top + high) / 0.5],
        ],
    )


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((31, 200), [(77, 200), (115, 200)]),  # a long display: higher, so that its digits are less wide
        ((20, 30), [(20, 30), (30, 30), (20, 45)]),  # a house number: its own shape, narrower, wider
        ((30, 20), [(30, 30), (30, 45)]),  # a digit: wider
    ],
)
def test_a_framed_number_is_stretched_and_never_shrunk(size, expected):
    assert shapes(size) == expected


def test_a_framed_number_has_the_levels_on_which_a_patch_shows_all_of_it(pyramid_case):
    manifest = pyramid_case.float32.manifest  # levels 1.41, 1, 0.5; patches of 16 x 24
    free, framed = scaled_sizes((20, 40), manifest), scaled_sizes((20, 40), manifest, framed=True)
    assert free == [scaled_size((20, 40), scale) for scale in manifest.levels]
    assert set(framed) == {
        scaled_size(shape, scale)
        for shape in shapes((20, 40))
        for scale in manifest.levels
        if all(0.8 * side <= most for side, most in zip(scaled_size(shape, scale), manifest.patch.size))
    }
    assert scaled_sizes((400, 800), manifest, framed=True) == scaled_sizes((400, 800), manifest)


def test_a_stretched_image_is_seen_a_second_time_on_every_level(pyramid_case):
    manifest = pyramid_case.float32.manifest
    once = scaled_sizes((20, 40), manifest)
    assert scaled_sizes((20, 40), manifest, stretch=1.4) == once + scaled_sizes((28, 40), manifest)
    assert scaled_sizes((20, 40), manifest, stretch=1.01) == once  # not a pixel more
    assert scaled_sizes((20, 40), manifest, True, 1.4) == scaled_sizes((20, 40), manifest, True)


def test_framing_patches_show_all_but_a_tenth_of_the_height(pyramid_case):
    manifest = pyramid_case.float32.manifest
    (high, wide), (row, column) = manifest.patch.size, manifest.patch.origin
    sizes = [(high, wide), (high + 1, wide + 1), (high + 4, wide + 4), (3, 6)]
    levels = [Level(None, (row, column), size, (1.0, 1.0)) for size in sizes]
    cells = np.array([[level, 0, 0] for level in range(4)])
    assert framing(cells, levels, manifest).tolist() == [True, True, False, False]
    assert framing(np.add(cells, [0, 1, 0]), levels, manifest).tolist() == [False] * 4


@pytest.mark.parametrize("again", [0, 128])
def test_the_canvases_used_last_are_kept(again):
    made = []
    canvases = Canvases(lambda size: made.append(size) or SimpleNamespace(input_shape=size), MODEL)
    for side in range(129):
        canvases.of(0, (side, 5))
    canvases.of(0, (again, 5))
    assert len(made) == (130 if again == 0 else 129)
    assert canvases.of(1, (128, 5)).input_shape == (128, 5)
    assert made[-1] == (128, 5)  # another level of that size has its own


def test_levels_of_one_large_image_are_kept_and_the_model_forgets_those_of_others():
    forgotten, model = [], SimpleNamespace()
    model.forget = forgotten.append
    canvases = Canvases(lambda size: SimpleNamespace(input_shape=size), model)
    for number, side in enumerate((1000, 1400, 2000, 1001)):
        canvases.of(number, (side, 1000))
    assert forgotten == []
    canvases.of(0, (500, 1000))  # of another image, so that the first one's levels are of others now
    assert forgotten == [(1000, 1000), (1400, 1000), (2000, 1000)]
    canvases.of(1, (600, 1000))
    canvases.of(0, (550, 1000))
    assert forgotten[3:] == [(1001, 1000)]
    canvases.of(1, (9000, 1000))  # one alone may have more
    assert forgotten[4:] == [(500, 1000), (600, 1000), (550, 1000)]


def test_cells_near_an_earlier_one_of_their_level_are_passed_over():
    cells = np.array([[1, 5, 5], [1, 7, 7], [0, 5, 5], [1, 8, 5], [1, 5, 8], [1, 6, 10], [2, 0, 0]])
    assert spread(cells, 9, (3, 3)).tolist() == [[1, 5, 5], [0, 5, 5], [1, 8, 5], [1, 5, 8], [2, 0, 0]]
    assert spread(cells, 2, (3, 3)).tolist() == [[1, 5, 5], [0, 5, 5]]
    assert spread(cells, 9, (0.5, 0.5)).tolist() == cells.tolist()
    assert spread(cells[:0], 9, (3, 3)).shape == (0, 3)
