import io

import numpy as np
import pytest
from PIL import Image

from train.data.images import UNREADABLE, decode


def encoded(image, format="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


GREY = np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6)


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_colour_become_what_is_asked_for(channels):
    for image in (Image.fromarray(GREY), Image.fromarray(GREY).convert("RGB"), Image.fromarray(GREY).convert("P")):
        picture = decode(encoded(image), channels)
        assert picture.mode == ("L" if channels == 1 else "RGB")
        np.testing.assert_array_equal(np.asarray(picture.convert("L")), GREY)


def test_sixteen_bits_are_scaled_and_not_cut_off():
    picture = decode(encoded(Image.fromarray(GREY.astype(np.uint16) * 257)), 1)
    np.testing.assert_array_equal(np.asarray(picture), GREY)


def test_what_is_transparent_is_black():
    rgba = np.full((2, 3, 4), 200, np.uint8)
    rgba[..., 3] = [[255, 0, 255], [0, 255, 0]]
    picture = decode(encoded(Image.fromarray(rgba)), 1)
    np.testing.assert_array_equal(np.asarray(picture), [[200, 0, 200], [0, 200, 0]])


def test_a_picture_that_was_taken_upright_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it
    picture = decode(encoded(Image.fromarray(GREY), exif=exif), 1)
    np.testing.assert_array_equal(np.asarray(picture), np.rot90(GREY, -1))


@pytest.mark.parametrize("cut", [0, 20, -200])
def test_a_damaged_file_is_an_error_that_callers_know(cut):
    with pytest.raises(UNREADABLE):
        decode(encoded(Image.fromarray(np.random.default_rng(0).integers(256, size=(40, 40), dtype=np.uint8)))[:cut], 1)


def test_a_picture_beyond_the_limit_is_an_error_that_callers_know(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(UNREADABLE):
        decode(encoded(Image.fromarray(GREY)), 1)
