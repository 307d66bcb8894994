import io
import os
import struct
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge.bundle.manifest import Input
from edge.errors import UserError
from edge.sight import depth, images
from edge.sight.images import (
    Fit,
    expand,
    load_image,
    model_pixels,
    needed_size,
    open_image,
    read_size,
    whole_size,
)

PHOTOGRAPH = Path(__file__).parents[3] / "models" / "photographs" / "00000.png"
GREY = Input((4, 6), 1, "L", 1 / 255, "stretch")


def save(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


def test_folders_are_expanded_in_natural_order(tmp_path):
    for name in ("10.png", "2.png", "1.JPG", "b.txt", ".hidden.png"):
        (tmp_path / name).touch()
    (tmp_path / "deeper").mkdir()
    missing = tmp_path / "none.png"
    assert [path.name for path in expand([missing, tmp_path])] == ["none.png", "1.JPG", "2.png", "10.png"]


def test_a_folder_without_images_is_told(tmp_path):
    with pytest.raises(UserError, match="holds no image"):
        expand([tmp_path])


def test_a_pattern_does_not_follow_links_round_and_round(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    for place in (tmp_path / "1.png", folder / "2.png"):
        place.touch()
    (folder / "up").symlink_to("../..")
    (folder / "here").symlink_to(".")
    for pattern, found in (("**", ["1.png", "a/b/2.png"]), ("a/**/*.png", ["a/b/2.png"]), ("**/b/**", ["a/b/2.png"])):
        assert list(map(str, expand([pattern]))) == found


def test_patterns_are_expanded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a/10.png", "a/2.png", "b/1.png", "b/deeper/3.png", "[x].png", "x.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert list(map(str, expand(["a/*.png"]))) == ["a/2.png", "a/10.png"]
    assert list(map(str, expand(["?/*"]))) == ["a/2.png", "a/10.png", "b/1.png"]
    assert list(map(str, expand(["b/**"]))) == ["b/1.png", "b/deeper/3.png"]
    assert list(map(str, expand(["[x].png"]))) == ["[x].png"]  # a file of that very name
    with pytest.raises(UserError, match=r"no file matches a/\*.jpg"):
        expand(["a/*.jpg"])


def test_paths_are_read_from_standard_input_as_they_come(monkeypatch):
    lines = io.BytesIO(b"a b.png\n\nc\xff.png\r\nlast")
    monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": lines})())
    found = expand(["first.png", "-"])
    assert next(found) == Path("first.png")
    assert next(found) == Path("a b.png")
    assert lines.tell() == len(b"a b.png\n")  # the others are not read yet
    assert list(map(str, found)) == ["c\udcff.png", "last"]
    monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": io.BytesIO(b"a" * 2**17)})())
    with pytest.raises(UserError, match="a line of standard input has more than 65,536 bytes"):
        next(expand(["-"]))
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UserError, match="which is closed"):
        expand(["-"])


def test_an_image_of_the_inputs_size_is_left_as_it_is(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6), np.uint8)
    np.testing.assert_array_equal(load_image(save(tmp_path / "a.png", pixels), GREY)[..., 0], pixels)


def test_an_image_is_turned_upright(tmp_path):
    pixels = np.zeros((6, 4), np.uint8)
    pixels[0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise: the top row becomes the right column
    path = save(tmp_path / "a.png", pixels, exif=exif)
    expected = np.zeros((4, 6))
    expected[:, -1] = 255
    np.testing.assert_array_equal(load_image(path, GREY)[..., 0], expected)


@pytest.mark.parametrize("value", [0, 77, 255])
def test_every_mode_gives_the_same_grey(tmp_path, value):
    flat = np.full((4, 6), value, np.uint8)
    modes = {
        "grey": flat,
        "rgb": np.stack([flat] * 3, -1),
        "rgba": np.stack([flat, flat, flat, np.full_like(flat, 255)], -1),
        "16_bit": flat.astype(np.uint16) * 257,
    }
    for name, array in modes.items():
        found = load_image(save(tmp_path / f"{name}.png", array), GREY)
        assert found.shape == (4, 6, 1), name
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, value, err_msg=name)


def test_what_is_transparent_is_black(tmp_path):
    array = np.full((4, 6, 4), 255, np.uint8)
    array[:, :3, 3] = 0
    found = load_image(save(tmp_path / "a.png", array), GREY)[..., 0]
    np.testing.assert_array_equal(found, np.where(np.arange(6) < 3, 0, 255) * np.ones((4, 1)))


def test_a_palette_becomes_colour(tmp_path):
    Image.new("RGB", (6, 4), (255, 0, 0)).convert("P").save(tmp_path / "a.gif")
    rule = replace(GREY, channels=3, colour="RGB")
    assert load_image(tmp_path / "a.gif", rule)[0, 0].tolist() == [255, 0, 0]


def test_cmyk_becomes_colour(tmp_path):
    Image.new("RGB", (6, 4), (255, 0, 0)).convert("CMYK").save(tmp_path / "a.tif")
    Image.new("RGB", (6, 4), (255, 0, 0)).convert("CMYK").save(tmp_path / "a.jpg")
    rule = replace(GREY, channels=3, colour="RGB")
    assert load_image(tmp_path / "a.tif", rule)[0, 0].tolist() == [255, 0, 0]
    np.testing.assert_allclose(load_image(tmp_path / "a.jpg", rule)[0, 0], [255, 0, 0], atol=3)


@pytest.mark.parametrize("rule", ["stretch", "fit", "pad"])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3000, 1), (1, 3000), (7, 4000)])
def test_images_of_odd_sizes_are_brought_to_the_inputs(tmp_path, size, rule):
    path = save(tmp_path / "a.png", np.full(size, 200, np.uint8))
    found = load_image(path, replace(GREY, resize=rule))[..., 0]
    rows, columns = Fit(size, (4, 6), rule).size
    assert found.shape == (4, 6)
    bright = 24 if rule == "pad" else rows * columns  # its border is repeated beside it
    assert (found == 200).sum() == bright
    assert (found == 0).sum() == 24 - bright


def test_a_jpeg_is_decoded_reduced_where_enough_is_left_and_turned_upright(tmp_path):
    rows, columns = np.mgrid[:240, :320]
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(tmp_path / "a.jpg", (rows / 2 + columns / 4).astype(np.uint8), exif=exif, quality=95)
    assert open_image(path).size == (240, 320)
    rule = replace(GREY, size=(20, 30))
    assert needed_size((320, 240), rule) == (60, 60)
    reduced = open_image(path, rule)
    assert (reduced.size, whole_size(reduced)) == ((60, 80), (240, 320))  # an eighth would leave less than 60
    whole = model_pixels(open_image(path), rule).astype(int)
    np.testing.assert_allclose(load_image(path, rule), whole, atol=3)
    wide = replace(GREY, size=(61, 20))  # of which a half has not twice as many
    np.testing.assert_array_equal(load_image(path, wide), model_pixels(open_image(path), wide))


@pytest.mark.parametrize(("colour", "shares"), [("L", (0.299, 0.587, 0.114)), ("BT709", (0.2126, 0.7152, 0.0722))])
def test_grey_is_the_luma_that_the_manifest_names(colour, shares):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    found = model_pixels(Image.fromarray(pixels), replace(GREY, colour=colour))[..., 0]
    np.testing.assert_allclose(found, pixels @ np.array(shares), atol=1)
    grey = Image.fromarray(pixels[..., 0])
    np.testing.assert_array_equal(model_pixels(grey, replace(GREY, colour=colour))[..., 0], pixels[..., 0])


@pytest.mark.parametrize("colour", ["L", "BT709"])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_photograph_that_keeps_its_size_is_reduced_to_no_less_than_it_is_read_at(tmp_path, monkeypatch, mode, colour):
    rule = replace(GREY, resize="keep", colour=colour)
    seen = np.asarray(Image.open(PHOTOGRAPH).convert("L").resize((600, 400), Image.Resampling.BICUBIC))
    Image.fromarray(seen).convert(mode).save(tmp_path / "a.jpg", quality=95)
    whole = model_pixels(open_image(tmp_path / "a.jpg"), rule)
    np.testing.assert_array_equal(load_image(tmp_path / "a.jpg", rule), whole)
    monkeypatch.setattr(images, "MOST_PIXELS", 200 * 200)
    read_at = read_size((400, 600), rule)
    assert read_at == (163, 245)
    reduced = open_image(tmp_path / "a.jpg", rule)
    assert (reduced.size, whole_size(reduced)) == ((300, 200), (600, 400))
    found = load_image(tmp_path / "a.jpg", rule).astype(int)
    wanted = model_pixels(open_image(tmp_path / "a.jpg"), rule).astype(int)
    assert found.shape == (*read_at, 1)
    difference = np.abs(found - wanted)
    assert (difference.mean() < 0.3, difference.max() <= 5) == (True, True)


def test_of_several_pictures_in_a_jpeg_the_first_is_decoded_reduced(tmp_path):
    first, second = (Image.new("L", (320, 240), value) for value in (200, 20))
    first.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[second])
    reduced = open_image(tmp_path / "a.jpg", replace(GREY, size=(20, 30)))
    assert (reduced.size, whole_size(reduced), reduced.getpixel((0, 0))) == ((80, 60), (320, 240), 200)


def test_stretching_is_pillows_bilinear():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 20), np.uint8))
    expected = np.asarray(image.resize((6, 4), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(model_pixels(image, GREY)[..., 0], expected)


def test_fitting_keeps_the_ratio_and_is_black_beside():
    rule = replace(GREY, resize="fit")
    found = model_pixels(Image.new("L", (20, 20), 200), rule)[..., 0]
    np.testing.assert_array_equal(found, [[0, 200, 200, 200, 200, 0]] * 4)


def test_padding_repeats_the_border_and_enlarges_nothing():
    rule = replace(GREY, resize="pad")
    small = Image.fromarray(np.array([[1, 2, 3], [4, 5, 6]], np.uint8))
    expected = [[1, 1, 2, 3, 3, 3]] * 2 + [[4, 4, 5, 6, 6, 6]] * 2
    np.testing.assert_array_equal(model_pixels(small, rule)[..., 0], expected)
    large = Image.fromarray(np.repeat(np.arange(8, dtype=np.uint8) * 30, 8).reshape(8, 8).T)
    shrunk = np.asarray(large.resize((4, 4), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(model_pixels(large, rule)[..., 0], np.pad(shrunk, ((0, 0), (1, 1)), "edge"))


@pytest.mark.parametrize("rule", ["stretch", "fit", "pad"])
def test_positions_in_the_input_are_found_again_in_the_image(rule):
    fit = Fit((40, 80), (20, 20), rule)
    top, left = fit.offset
    assert fit.to_image(top, left) == (0, 0)
    assert fit.to_image(top + fit.size[0], left + fit.size[1]) == (40, 80)


def test_whole_pixels_are_what_counts():
    fit = Fit((300, 400), (20, 40), "fit")  # 26.7 columns, of which 27 are made
    assert (fit.size, fit.offset) == ((20, 27), (0, 6))
    assert fit.to_image(20, 33) == pytest.approx((300, 400))


def test_what_cannot_be_read_is_told(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="no such file"):
        open_image(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(UserError, match="not an image"):
        open_image(tmp_path / "text.png")
    whole = save(tmp_path / "whole.png", np.random.default_rng(0).integers(0, 256, (50, 50), np.uint8)).read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="cannot be read as an image"):
        open_image(tmp_path / "half.png")
    with pytest.raises(UserError, match="cannot be read as an image"):
        open_image(tmp_path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(UserError, match="cannot be read as an image"):
        open_image(tmp_path / "whole.png")


def png(width, height, data=b""):
    """Returns a PNG that claims a size, whatever its data hold."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "height"), [(1000, 1000), (9500, 9500), (20000, 20000), (2**31 - 1, 2**31 - 1), (0, 4), (2**31 - 1, 1)]
)
def test_an_image_that_lies_about_its_size_is_told(tmp_path, width, height, recwarn):
    (tmp_path / "a.png").write_bytes(png(width, height, b"\0" * 5))
    with pytest.raises(UserError, match="a.png cannot be read as an image") as error_info:
        open_image(tmp_path / "a.png")
    assert len(str(error_info.value)) < 500
    assert not recwarn.list


def test_more_than_there_is_room_for_is_too_large(tmp_path):
    (tmp_path / "a.png").write_bytes(png(9500, 9500))
    with pytest.raises(UserError, match="9500 x 9500 pixels, more than 67,108,864"):
        open_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tif", "webp", "ppm"])
def test_damaged_images_are_read_or_told(tmp_path, suffix, recwarn):
    rng = np.random.default_rng(0)
    path = save(tmp_path / f"a.{suffix}", rng.integers(0, 256, (30, 40, 3), np.uint8))
    content, told = path.read_bytes(), []
    for _ in range(60):
        damaged = bytearray(content)
        for position in rng.integers(0, min(len(content), 200), 4):
            damaged[position] = rng.integers(256)
        path.write_bytes(damaged[: rng.integers(10, len(content))])
        try:
            assert load_image(path, GREY).shape == (4, 6, 1)
        except UserError as error:
            told.append(str(error))
    assert len(told) > 10
    assert not any("\n" in line for line in told)
    assert not recwarn.list


@pytest.mark.parametrize("kind", ["a pipe", "a device"])
def test_what_is_no_file_is_told_and_does_not_hang(tmp_path, kind):
    path = tmp_path / "a.png"
    {"a pipe": os.mkfifo, "a device": lambda p: p.symlink_to("/dev/zero")}[kind](path)
    with pytest.raises(UserError, match=f"cannot be read as an image: it is {kind}, and no file; replace the file"):
        open_image(path)


def test_a_file_that_no_image_is_as_long_as_is_not_taken_in(tmp_path):
    with (tmp_path / "a.webp").open("wb") as file:
        file.write(b"RIFF\xff\xff\xff\x7fWEBPVP8 ")
        file.truncate(2**31)
    with pytest.raises(UserError, match="it is longer than the 268,435,456 bytes that it may have"):
        open_image(tmp_path / "a.webp")


def test_a_large_image_is_converted_in_strips(tmp_path, monkeypatch):
    monkeypatch.setattr(depth, "STRIP", 100)
    rgba = np.random.default_rng(0).integers(0, 256, (37, 30, 4), np.uint8)
    shares = rgba[..., :3] * (rgba[..., 3:] / 255)
    np.testing.assert_allclose(np.asarray(open_image(save(tmp_path / "a.png", rgba))), shares, atol=1)
    sixteen = np.random.default_rng(0).integers(0, 2**16, (37, 30), np.uint16)
    np.testing.assert_array_equal(np.asarray(open_image(save(tmp_path / "b.png", sixteen))), np.rint(sixteen / 257))
